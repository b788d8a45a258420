"""Rules: pure functions over a case, one a conclusion. Each docstring states evidence, confounders, confidence. A rule
stands in `diagnosis/registry.py` from the moment when its module is imported.
"""

from poterne.diagnosis.rules import (
    addresses,
    bans,
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
    stages,
    wants,
)

__all__ = [
    "addresses",
    "bans",
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
    "stages",
    "wants",
]
