"""What tests of the lab have seen, in whichever process they ran."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Played:
    """One test: whether it failed, and the codes of the checks that ended by its end."""

    test: str
    failed: bool
    codes: frozenset[str]


class Register:
    """Lines in a file that all processes of a run append to."""

    def __init__(self, file: Path) -> None:
        self._file = file

    def add(self, test: str, failed: bool, codes: Iterable[str]) -> None:
        line = json.dumps([test, failed, sorted(codes)]) + "\n"
        # One write for a line: two processes do not mix theirs.
        with self._file.open("ab", buffering=0) as file:
            file.write(line.encode())

    def read(self) -> list[Played]:
        if not self._file.exists():
            return []
        rows = [json.loads(line) for line in self._file.read_text().splitlines()]
        return [Played(test, failed, frozenset(codes)) for test, failed, codes in rows]
