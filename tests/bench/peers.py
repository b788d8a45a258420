"""Beside peers: every tool of peers.toml, the minimal client and ourselves, on a line that delays, in turn.

    .venv/bin/python -m tests.bench.peers [--rounds 5] [--round-trips 10,40,150] [--write]

needs root and Linux, as tests/lab does. Each round runs everybody once, so that a busy machine is unfair to all alike;
ratios are taken within a round, and what is shown is their median with the smallest and the largest. `--write` puts the
table and the picture into docs/.

F6 is six round trips, of the round trip as it is measured by connecting. Ours is a host that is ready, as it is when a
popup was opened before the question: from the first plan (the name is resolved) to the last observation of the target.
"""

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import time
import tomllib
from dataclasses import dataclass, field
from pathlib import Path

from tests.lab.slow_line import slow_line
from tests.lab.world import World

_HERE = Path(__file__).parent
_ROOT = _HERE.parents[1]
_VENV = _ROOT / "build" / "peers"
_PORTS = "25,587,465,143,993,110,995"
_LIMIT_SECONDS = 90
_US, _MINIMAL = "Poterne, ready", "minimal asyncio client, ready"
_WHOLE = "poterne check, from its start"


@dataclass
class Series:
    """Milliseconds of one competitor, one a round; what it does, where that is less than we do."""

    name: str
    does: str = "the same"
    took: list[float] = field(default_factory=list)

    def over(self, others: "list[float]") -> list[float]:
        """Ratios within rounds."""
        return [mine / other for mine, other in zip(self.took, others, strict=True)]


def _spread(ratios: list[float]) -> str:
    return f"{statistics.median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f})"


class Lap:
    """One round trip and one set of families: a machine behind a slow line, a server, and those who look at it."""

    def __init__(self, world: World, round_trip_ms: float, family: int, peers: bool) -> None:
        self.world, self.round_trip_ms, self.family = world, round_trip_ms, family
        self.machine = world.machine()
        self.host = world.real(f"bench{int(round_trip_ms)}-{family or 'both'}")
        self.policy = world.compared()
        self.trip: list[float] = []
        self.us, self.minimal = Series(_US), Series(_MINIMAL)
        self.verified: list[float] = []
        self.resolved: list[float] = []
        self.busy: list[float] = []
        self.resident = 0
        self.whole = Series(_WHOLE, "all of it, controls included")
        self.peers: list[Series] = []
        self.missing: list[str] = []
        self.failed: list[str] = []
        self.ailing: set[str] = set()
        self._rows = tomllib.loads((_HERE / "peers.toml").read_text(encoding="utf-8"))["peer"] if peers else []

    def run(self, rounds: int) -> None:
        """All rounds, after one that is thrown away."""
        filled = [(Series(row["name"], row["does"]), self._fill(row)) for row in self._rows]
        with slow_line(self.world, self.machine, self.round_trip_ms):
            for number in range(rounds + 1):
                self._round(filled)
                if number == 0:
                    for series in (self.us, self.minimal, self.whole, *(series for series, _ in filled)):
                        series.took.clear()
                    self.trip.clear()
                    self.verified.clear()
                    self.resolved.clear()
                    self.busy.clear()
        ran = [series for series, command in filled if command is not None]
        self.peers = [series for series in ran if series.name not in self.ailing]
        self.failed = [series.name for series in ran if series.name in self.ailing]
        self.missing = [series.name for series, command in filled if command is None]

    def _round(self, filled: "list[tuple[Series, str | None]]") -> None:
        host, space = self.host, self.machine.namespace
        addresses = [
            address for address in host.addresses if self.family == 0 or (":" in address) == (self.family == 6)
        ]
        roots = str(self.world.pki.roots_file)
        floor = json.loads(
            space.run(
                sys.executable, str(_HERE / "floor.py"), addresses[0], host.name, str(self.world.pki.roots_file), "3"
            )
        )
        self.trip.append(statistics.median(floor["connect"]))
        self.minimal.took.append(
            float(space.run(sys.executable, str(_HERE / "client.py"), host.name, roots, _PORTS, *addresses))
        )
        warm = json.loads(
            space.run(
                sys.executable, str(_HERE / "warm.py"), str(self.policy), host.name, _PORTS, str(self.family), "2"
            )
        )
        # The first check of a host also opens its caches; a popup's host has done so before.
        self.us.took.append(warm["checks"][-1]["last"])
        self.verified.append(warm["checks"][-1]["verified"])
        self.resolved.append(warm["checks"][-1]["resolve"])
        self.busy.append(warm["checks"][-1]["busy"])
        self.resident = max(self.resident, warm["resident"])
        if not self._rows:
            return
        check = f"{sys.executable} -m poterne check {host.name} --json --policy {self.policy} --ports {_PORTS}"
        self.whole.took.append(self._time(_WHOLE, f"{check} --family 4"))
        for series, command in filled:
            if command is not None:
                series.took.append(self._time(series.name, command))

    def _fill(self, row: "dict[str, str]") -> str | None:
        values = {
            "name": self.host.name,
            "address": str(self.host.v4),
            "roots": str(self.world.pki.roots_file),
            "python": sys.executable,
            "here": str(_HERE),
            "venv": str(_VENV),
        }
        return row["command"].format(**values) if shutil.which(row["program"].format(**values)) else None

    def _time(self, name: str, command: str) -> float:
        environment = {**os.environ, "SSL_CERT_FILE": str(self.world.pki.roots_file)}
        started = time.perf_counter()
        process = self.machine.namespace.popen(
            ["timeout", str(_LIMIT_SECONDS), "sh", "-c", command],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env=environment,
        )
        status = process.wait()
        took = (time.perf_counter() - started) * 1000
        if status:
            self.ailing.add(name)
        return took


def _tables(laps: list[Lap]) -> str:
    lines = [
        "| round trip | families | last result: of 1.25 F6 + 15 ms | in F6 | to the minimal asyncio client "
        "| first verified setting: in F6 | first plan: in round trips | processors busy |",
        "| --- | --- | --- | --- | --- | --- | --- | --- |",
    ]
    for lap in laps:
        floors = [6 * trip for trip in lap.trip]
        goal = [took / (1.25 * floor + 15) for took, floor in zip(lap.us.took, floors, strict=True)]
        verified = [took / floor for took, floor in zip(lap.verified, floors, strict=True)]
        planned = [took / trip for took, trip in zip(lap.resolved, lap.trip, strict=True)]
        lines.append(
            f"| {statistics.median(lap.trip):.1f} ms | {lap.family or 'both'} | {_spread(goal)} "
            f"| {_spread(lap.us.over(floors))} | {_spread(lap.us.over(lap.minimal.took))} | {_spread(verified)} "
            f"| {_spread(planned)} | {statistics.median(lap.busy):.0%} |"
        )
    beside = next((lap for lap in laps if lap.peers), None)
    if beside is not None:
        floors = [6 * trip for trip in beside.trip]
        trip = statistics.median(beside.trip)
        lines += ["", f"At {trip:.0f} ms, 7 ports over IPv4, whole processes, each against F6 of its round:", ""]
        lines += ["| who | what it does | in F6 |", "| --- | --- | --- |"]
        everybody = [beside.us, beside.minimal, beside.whole, *beside.peers]
        for series in sorted(everybody, key=lambda one: statistics.median(one.over(floors))):
            lines.append(f"| {series.name} | {series.does} | {_spread(series.over(floors))} |")
        if beside.failed:
            lines += ["", f"Not measured, since they ended with an error: {'; '.join(beside.failed)}."]
        if beside.missing:
            lines += ["", f"Not installed, hence not measured: {', '.join(beside.missing)}."]
    resident = max(lap.resident for lap in laps) / (1 << 20)
    return "\n".join([*lines, "", f"Memory of the host after its checks: at most {resident:.0f} MiB."])


def _picture(lap: Lap) -> str:
    """Bars of the peers' medians, in floors; drawn so that it can be read on light and on dark pages."""
    floors = [6 * trip for trip in lap.trip]
    everybody = [lap.us, lap.minimal, lap.whole, *lap.peers]
    bars = sorted((statistics.median(one.over(floors)), one.name) for one in everybody)
    most = max(value for value, _ in bars)
    height = 26 * len(bars) + 40
    rows = []
    for place, (value, name) in enumerate(bars):
        y = 26 * place + 34
        width = 380 * value / most
        color = "#1a7f4b" if name in (_US, _WHOLE) else "#7a8594"
        rows.append(
            f'<text x="262" y="{y + 13}" text-anchor="end">{name}</text>'
            f'<rect x="270" y="{y}" width="{width:.0f}" height="18" rx="3" fill="{color}"/>'
            f'<text x="{276 + width:.0f}" y="{y + 13}">{value:.1f}</text>'
        )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 720 {height}" role="img" '
        'font-family="sans-serif" font-size="13" fill="#6b7684">'
        "<title>Time to look at seven mail ports, in floors of six round trips; shorter is better</title>"
        '<text x="8" y="18">Seven mail ports, in floors of six round trips (shorter is better)</text>'
        f"{''.join(rows)}</svg>\n"
    )


def _write(table: str, lap: Lap | None) -> None:
    page = _ROOT / "docs" / "benchmarks.md"
    before, mark, rest = page.read_text(encoding="utf-8").partition("<!-- measured -->")
    _, end, after = rest.partition("<!-- /measured -->")
    page.write_text(f"{before}{mark}\n{table}\n{end}{after}", encoding="utf-8")
    if lap is not None:
        (_ROOT / "docs" / "images" / "benchmark.svg").write_text(_picture(lap), encoding="utf-8")


def main() -> None:
    """Measures, prints, and writes where asked."""
    parser = argparse.ArgumentParser(description="Beside peers, as ratios.")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--round-trips", default="10,40,150", help="milliseconds; peers run at 40, or at the first")
    parser.add_argument("--write", action="store_true", help="put the figures into docs/")
    arguments = parser.parse_args()
    trips = [float(text) for text in arguments.round_trips.split(",")]
    beside = 40.0 if 40.0 in trips else trips[0]
    world = World()
    laps: list[Lap] = []
    try:
        for trip in trips:
            for family in (4, 0):
                lap = Lap(world, trip, family, peers=trip == beside and family == 4)
                lap.run(arguments.rounds)
                laps.append(lap)
    finally:
        world.close()
    table = _tables(laps)
    print(table)
    if arguments.write:
        _write(table, next((lap for lap in laps if lap.peers), None))


if __name__ == "__main__":
    main()
