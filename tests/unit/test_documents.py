"""Documents name files that are there."""

import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
# A bare name is one of a module; other files that are named without a folder lie on somebody's machine.
_NAMED = re.compile(r"`([\w.-]+/[\w./-]*|[\w-]+\.(?:py|js|mjs))`")
_MODULES = {".py", ".js", ".mjs"}
_BASES = ("", "host/poterne", "extension", "tests/golden")
# What `make dist` makes, what a policy generates, and what lay beside the first edition of the contract.
_ELSEWHERE = {
    *("self-hosted/", ".keys/extension.pem", "linux/", "windows/poterne.reg", "macos/poterne.mobileconfig", "managed/"),
    *("facts/mail-connectivity.md", "facts/speed-and-faults.md"),
}
_DOCUMENTS = sorted([*(ROOT / "docs").glob("*.md"), *ROOT.glob("*.md"), ROOT / "tests" / "golden" / "README.md"])


@pytest.mark.parametrize("document", _DOCUMENTS, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_what_a_document_names_is_there(document: Path) -> None:
    folders = ("host", "extension", "manifests", "tests")
    modules = {path.name for folder in folders for path in (ROOT / folder).rglob("*") if path.suffix in _MODULES}
    text = document.read_text(encoding="utf-8")
    for place in set(_NAMED.findall(text)) - _ELSEWHERE:
        found = place in modules or any((ROOT / base / place).exists() for base in _BASES)
        assert found or re.search(r"\b(NAME|LANGUAGE)\b", place), place
    for place, test in re.findall(r"`([\w./-]+)::(\w+)`", text):
        assert re.search(rf"^(async )?def {test}\b", (ROOT / place).read_text(encoding="utf-8"), re.MULTILINE), test


def test_the_rooms_stand_in_the_order_of_their_imports() -> None:
    text = (ROOT / "docs" / "ARCHITECTURE.md").read_text(encoding="utf-8")
    rows = text.partition("| room | its one job |")[2].partition("\n\n")[0].splitlines()[2:]
    told = [set(re.findall(r"`(\w+)(?:/|\.py)`", row.split("|")[1])) for row in rows]
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    layers = [set(layer.split(" | ")) for layer in project["tool"]["importlinter"]["contracts"][0]["layers"]]
    flat = [room for layer in layers for room in sorted(layer) if room != "__main__"]
    assert [room for row in told for room in sorted(row)] == flat
