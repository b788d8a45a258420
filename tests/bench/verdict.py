"""Time to verdict, with port 25 open and with port 25 dropped by the provider. A benchmark, not a test.

    .venv/bin/python -m tests.bench.verdict [--rounds 5] [--round-trip 40]

needs root and Linux, as tests/lab does. A machine behind a slow line of `--round-trip` milliseconds checks one server
with every mail port, beside three controls that are as far away; runs with 25 open and with 25 dropped alternate. All
moments count from the first plan, which comes when the name is resolved. It prints medians, as ratios:

    first verified setting   to the floor: what a plain client needs for the greeting inside TLS on 465; and, in pairs,
                             with 25 dropped to with 25 open, which is to be 1
    provisional silence      to the round trip
    verdict                  to the round trip, and to the provisional silence

docs/contract.md, section 4, has limits in seconds for the last two; they stand behind the ratios.
"""

import argparse
import json
import statistics
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.lab.runs import Json, Run
from tests.lab.slow_line import slow_line
from tests.lab.topology import Host, Machine
from tests.lab.world import World

_HERE = Path(__file__).parent
_BLOCKED = "port25-blocked"
_SILENCE_SECONDS, _VERDICT_SECONDS = 1.5, 4.0


@dataclass(frozen=True)
class Moments:
    """Seconds since the first plan; None: it did not come."""

    verified: float | None
    silent: float | None
    end: float
    verdict: str

    @classmethod
    def of(cls, run: Run) -> "Moments":
        """The moments of one run."""
        begun = run.moments[run.when(lambda event: event["type"] == "plan")]

        def first(wanted: "Sequence[bool]") -> float | None:
            return next((moment - begun for moment, yes in zip(run.moments, wanted, strict=True) if yes), None)

        return cls(
            verified=first([_verified(event) for event in run.events]),
            silent=first([_silent(event) for event in run.events]),
            end=run.moments[-1] - begun,
            verdict=run.verdict,
        )


def _verified(event: Json) -> bool:
    return event["type"] == "settings" and any(row["verified"] for row in event["settings"]["outgoing"])


def _silent(event: Json) -> bool:
    seen = event.get("observation", {})
    return event["type"] == "observation" and seen["provisional"] and (seen["role"], seen["port"]) == ("target", 25)


def _floor(world: World, machine: Machine, host: Host, times: int) -> tuple[float, float]:
    """Median seconds: one round trip (a connection), and a greeting inside TLS."""
    assert host.v4
    argv = [sys.executable, str(_HERE / "floor.py"), host.v4, host.name, str(world.pki.roots_file), str(times)]
    found = json.loads(machine.namespace.run(*argv))
    return statistics.median(found["connect"]) / 1000, statistics.median(found["greeting"]) / 1000


def _median(values: list[float | None]) -> float:
    known = [value for value in values if value is not None]
    return statistics.median(known) if known else float("nan")


def _line(name: str, *ratios: tuple[float, str], note: str = "") -> None:
    shown = ", ".join(f"{value:6.2f} {unit}" for value, unit in ratios)
    print(f"{name:<42} {shown}{'   ' + note if note else ''}")


def main() -> None:
    """Runs and prints."""
    parser = argparse.ArgumentParser(description="Time to verdict, as ratios.")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--round-trip", type=float, default=40.0, help="milliseconds")
    arguments = parser.parse_args()
    world = World()
    try:
        _measure(world, arguments.rounds, arguments.round_trip)
    finally:
        world.close()


def _measure(world: World, rounds: int, round_trip_ms: float) -> None:
    machine, host, policy = world.machine(), world.real("bench"), world.compared()
    opened: list[Moments] = []
    dropped: list[Moments] = []
    with slow_line(world, machine, round_trip_ms):
        _floor(world, machine, host, 1)
        round_trip, floor = _floor(world, machine, host, max(5, rounds))
        for _ in range(rounds):
            opened.append(Moments.of(world.check(host.name, policy=policy, namespace=machine.namespace)))
            with world.at_isp.ail(machine, 25):
                dropped.append(Moments.of(world.check(host.name, policy=policy, namespace=machine.namespace)))
    with_open, with_dropped = (_median([run.verified for run in runs]) for runs in (opened, dropped))
    pairs = [
        late.verified / early.verified
        for early, late in zip(opened, dropped, strict=True)
        if early.verified and late.verified
    ]
    silent, verdict = _median([run.silent for run in dropped]), _median([run.end for run in dropped])
    print(f"round trip {round_trip * 1000:.1f} ms, floor {floor * 1000:.1f} ms, {rounds} rounds")
    _line("first verified setting, 25 open", (with_open / floor, "floors"))
    _line("first verified setting, 25 dropped", (with_dropped / floor, "floors"))
    spread = f"{min(pairs):.2f} to {max(pairs):.2f}" if pairs else ""
    _line("  in pairs", (statistics.median(pairs) if pairs else float("nan"), "times 25 open"), note=spread)
    _line("check, 25 open", (_median([run.end for run in opened]) / round_trip, "round trips"))
    limit = f"{silent:.2f} s of {_SILENCE_SECONDS} s"
    _line("provisional silence, 25 dropped", (silent / round_trip, "round trips"), note=limit)
    limit = f"{verdict:.2f} s of {_VERDICT_SECONDS} s"
    ratios = ((verdict / round_trip, "round trips"), (verdict / silent, "provisional silences"))
    _line("verdict with its controls, 25 dropped", *ratios, note=limit)
    others = sorted({run.verdict for run in dropped} - {_BLOCKED})
    if others:
        print(f"not {_BLOCKED} every time: {', '.join(others)}")


if __name__ == "__main__":
    main()
