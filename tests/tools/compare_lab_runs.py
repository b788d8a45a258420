"""What differs between two recordings of the lab, for a change that must change nothing: `compare_lab_runs.py OLD NEW`.

A recording is made by `POTERNE_LAB_RECORD=FILE pytest tests/lab`. Two of the same sources differ in a few runs, where
something is decided by a race: compare two of those first.
"""

import json
import sys
from collections import Counter
from pathlib import Path
from typing import Any

Json = dict[str, Any]


def read(path: Path) -> dict[str, Json]:
    """The runs by what was asked, and their number."""
    seen: Counter[str] = Counter()
    runs: dict[str, Json] = {}
    for line in path.read_text(encoding="utf-8").splitlines():
        run: Json = json.loads(line)
        name = str(run.pop("asked"))
        seen[name] += 1
        runs[f"{name} #{seen[name]}"] = run
    return runs


def differences(before: Any, after: Any, path: str = "") -> list[str]:
    """What differs, a line each."""
    if isinstance(before, dict) and isinstance(after, dict):
        keys = dict.fromkeys((*before, *after))
        return [line for key in keys for line in differences(before.get(key), after.get(key), f"{path}.{key}")]
    if isinstance(before, list) and isinstance(after, list):
        gone = [f"  {path[1:]} - {item}" for item in before if item not in after]
        come = [f"  {path[1:]} + {item}" for item in after if item not in before]
        return [*gone, *come] or ([f"  {path[1:]}: another order"] if before != after else [])
    return [] if before == after else [f"  {path[1:]}: {before} -> {after}"]


def main() -> int:
    before, after = (read(Path(name)) for name in sys.argv[1:3])
    changed = 0
    for name in dict.fromkeys((*before, *after)):
        if name not in before or name not in after:
            print(f"{name}: only {'before' if name in before else 'after'}")
            changed += 1
        elif lines := differences(before[name], after[name]):
            print(name, *lines, sep="\n")
            changed += 1
    print(f"{len(before)} runs before, {len(after)} after, {changed} differ")
    return int(changed > 0)


if __name__ == "__main__":
    sys.exit(main())
