"""What a run in the lab came to, without what differs from run to run: times, ids, the order of answers."""

import json
import os
from pathlib import Path
from typing import Any

Json = dict[str, Any]

# Runs are written down here, a line each, where it is set.
RECORD = "POTERNE_LAB_RECORD"
_SAID_OF_THE_FINDING = ("ports", "where", "reason", "part", "trusted", "spoke", "expected", "names", "state")


def record(events: list[Json], status: int, argv: list[str]) -> None:
    """Appends a line to the file that the environment names."""
    if path := os.environ.get(RECORD):
        # Scenes are begun ahead of their tests, so that the test of the moment says nothing of them.
        line = json.dumps({"asked": _asked(argv), **outcome(events, status)})
        with Path(path).open("a", encoding="utf-8") as file:
            file.write(line + "\n")


def _asked(argv: list[str]) -> str:
    """The target and the options, without the policy's file, whose folder is another one in each run."""
    words = argv[3:]
    if "--policy" in words:
        place = words.index("--policy")
        del words[place : place + 2]
    return " ".join(word for word in words if word != "--jsonl")


def outcome(events: list[Json], status: int) -> Json:
    """The exit status, what was concluded and told, what each port did, and the kinds of events in their order."""
    report = events[-1].get("report", {}) if events else {}
    if not report:
        return {"status": status}
    told = report.get("told") or {}
    return {
        "status": status,
        "verdict": [report["verdict"][key] for key in ("code", "severity", "confidence")],
        "findings": sorted(map(_finding, report["findings"])),
        "settings": {side: [_setting(row) for row in rows] for side, rows in report["settings"].items()},
        "way": _way(report["way"]),
        "ports": sorted({_port(seen) for seen in report["observations"] if seen["role"] == "target"}),
        "told": {key: _keys(told.get(key)) for key in ("headline", "remedy", "advice", "message", "way")},
        "events": _kinds(events),
    }


def _finding(finding: Json) -> str:
    about = {key: value for key, value in finding["params"].items() if key in _SAID_OF_THE_FINDING}
    place = f"{finding['host']}:{finding['port']} v{finding['family']}"
    return (
        f"{finding['severity']} {finding['code']} ({finding['confidence']}) {place} {json.dumps(about, sort_keys=True)}"
    )


def _setting(row: Json) -> str:
    tested = "tested" if row["verified"] else "not tested"
    return f"{row['protocol']} {row['host']}:{row['port']} {row['security']} {row['source']} {tested} {row['remarks']}"


def _way(way: Json | None) -> Json | None:
    return way and {key: way[key] for key in ("stops_from", "stops_to", "stopped", "passing")}


def _port(seen: Json) -> str:
    did = (seen["state"], seen["security"], seen["greeting_kind"], (seen["tls"] or {}).get("fault"))
    return f"{seen['host']}:{seen['port']} v{seen['family']} {' '.join(map(str, did))}"


def _keys(value: Any) -> Any:
    """The keys of statements, in their order."""
    if isinstance(value, dict) and "key" in value:
        return value["key"]
    if isinstance(value, dict):
        return {name: _keys(inner) for name, inner in value.items()}
    return [_keys(inner) for inner in value] if isinstance(value, list) else value


def _kinds(events: list[Json]) -> list[str]:
    """The kinds of events; those of one kind that follow one another are one, and observations come as they come."""
    kinds = [event["type"] for event in events]
    early = dict.fromkeys(kind for kind in kinds if kind in ("plan", "observation", "settings"))
    return [*early, *dict.fromkeys(kind for kind in kinds if kind not in early)]
