"""Documents name files that are there."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
# A bare name is one of a module; other files that are named without a folder lie on somebody's machine.
_NAMED = re.compile(r"`([\w.-]+/[\w./-]*|[\w-]+\.(?:py|js|mjs))`")
_BASES = ("", "host/poterne", "extension", "tests/golden")
# What `make dist` makes, what a policy generates, and what lay beside the first edition of the contract.
_ELSEWHERE = {
    *("self-hosted/", ".keys/extension.pem", "linux/", "windows/poterne.reg", "macos/poterne.mobileconfig", "managed/"),
    *("facts/mail-connectivity.md", "facts/speed-and-faults.md"),
}
_DOCUMENTS = sorted([*(ROOT / "docs").glob("*.md"), *ROOT.glob("*.md"), ROOT / "tests" / "golden" / "README.md"])


@pytest.mark.parametrize("document", _DOCUMENTS, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_what_a_document_names_is_there(document: Path) -> None:
    modules = {path.name for folder in ("host", "extension", "tests") for path in (ROOT / folder).rglob("*.*s*")}
    modules |= {path.name for folder in ("host", "manifests", "tests") for path in (ROOT / folder).rglob("*.py")}
    for place in set(_NAMED.findall(document.read_text(encoding="utf-8"))) - _ELSEWHERE:
        found = place in modules or any((ROOT / base / place).exists() for base in _BASES)
        assert found or re.search(r"\b(NAME|LANGUAGE)\b", place), place
