"""Faults of accessibility that axe-core finds in a page."""

import json
from collections.abc import Sequence
from functools import cache
from pathlib import Path

from .page import Page

SCRIPT = Path(__file__).parents[3] / "node_modules" / "axe-core" / "axe.min.js"
# What the colours of a page can change.
COLOURS = ("color-contrast", "link-in-text-block")
TAGS = ("wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa")


@cache
def _source() -> str:
    return SCRIPT.read_text()


def violations(page: Page, *, rules: Sequence[str] = TAGS) -> list[str]:
    """One line for each node that breaks a rule of WCAG 2.2 A or AA; `rules`: tags, or ids of single rules."""
    page.evaluate(f"(() => {{ {_source()}\n;return typeof axe.run; }})()")
    options = json.dumps({"runOnly": list(rules), "resultTypes": ["violations"]})
    found = page.evaluate(
        f"""axe.run(document, {options}).then(({{violations, passes}}) => {{
            if (!passes.length) throw new Error("axe looked at nothing");
            return violations.flatMap(({{id, help, nodes}}) =>
                nodes.map(({{html, failureSummary}}) => `${{id}}: ${{help}}: ${{html}}: ${{failureSummary}}`));
        }})"""
    )
    return [str(line) for line in found]
