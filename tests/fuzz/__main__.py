"""Fuzzes every target, or those that are named, for a while each. A find becomes a file of its corpus.

.venv/bin/python -m tests.fuzz [--seconds 60] [TARGET …]
"""

import argparse
import hashlib
import sys
import time
import traceback
from pathlib import Path

from hypothesis import HealthCheck, Phase, given, settings
from tests.fuzz import targets
from tests.fuzz.registry import TARGETS, Target

_EXAMPLES = 300


def fuzz(target: Target, seconds: float) -> tuple[int, Path | None]:
    """How many inputs were tried, and the file of the first find."""
    tried = 0
    failing = b""

    # Shrinking is left to hypothesis: the last input that failed is the smallest.
    @settings(
        max_examples=_EXAMPLES,
        deadline=None,
        database=None,
        phases=(Phase.generate, Phase.shrink),
        suppress_health_check=list(HealthCheck),
    )
    @given(data=target.inputs())
    def attack(data: bytes) -> None:
        nonlocal tried, failing
        tried += 1
        try:
            target.run(data)
        except BaseException:
            failing = data
            raise

    end = time.monotonic() + seconds
    while time.monotonic() < end:
        try:
            attack()
        except Exception:
            traceback.print_exc()
            file = target.folder / f"found-{hashlib.sha256(failing).hexdigest()[:12]}"
            file.write_bytes(failing)
            return tried, file
    return tried, None


def main() -> int:
    """1 where anything was found."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=f"Targets: {', '.join(TARGETS)}")
    parser.add_argument("targets", nargs="*", metavar="TARGET")
    parser.add_argument("--seconds", type=float, default=60.0, help="for each target (default 60)")
    arguments = parser.parse_args()
    if unknown := set(arguments.targets) - set(TARGETS):
        parser.error(f"no target {', '.join(sorted(unknown))}")
    found = 0
    for name in arguments.targets or TARGETS:
        tried, file = fuzz(TARGETS[name], arguments.seconds)
        found += file is not None
        print(f"{name:<14} {tried:>7} inputs" + (f", a find: {file}" if file else ""), flush=True)
    return 1 if found else 0


assert targets

if __name__ == "__main__":
    sys.exit(main())
