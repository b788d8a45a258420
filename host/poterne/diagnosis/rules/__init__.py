"""Rules: pure functions over a case, one a conclusion. Each docstring states evidence, confounders, confidence. A rule
stands in `diagnosis/registry.py` from the moment when its module is imported.
"""

from poterne.diagnosis.rules import (
    addresses,
    blocks,
    clock,
    disturbed,
    endpoint,
    families,
    interception,
    names,
    nearby,
    offers,
    portal,
    servers,
    wants,
)

__all__ = [
    "addresses",
    "blocks",
    "clock",
    "disturbed",
    "endpoint",
    "families",
    "interception",
    "names",
    "nearby",
    "offers",
    "portal",
    "servers",
    "wants",
]
