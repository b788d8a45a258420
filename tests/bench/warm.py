"""A host that is ready, asked as the popup asks it.

    python warm.py POLICY NAME PORT,… FAMILY TIMES

starts the host once, and asks it TIMES times (FAMILY 0: both). Prints JSON: for each check, milliseconds from the first
plan until the last observation of the target (`last`), until the first verified setting (`verified`), how long the name
took before (`resolve`), and the share of the machine's processors that was busy, whoever it was with, until `last`
(`busy`); `resident`: bytes of the host afterwards.
"""

import json
import os
import struct
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

_READY_SECONDS = 1.5


def _ticks() -> tuple[int, int]:
    """Of all processors since the start of the machine: (idle or waiting for a disk, all); proc_stat(5)."""
    spent = [int(word) for word in Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:9]]
    return spent[3] + spent[4], sum(spent)


def main(policy: str, name: str, ports: list[int], family: int, times: int) -> None:
    """Asks and prints."""
    host = subprocess.Popen(  # noqa: S603
        [sys.executable, "-m", "poterne.native", "--policy", policy], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert host.stdin is not None
    assert host.stdout is not None
    out = host.stdout

    def receive() -> dict[str, Any]:
        (length,) = struct.unpack("=I", out.read(4))
        message: dict[str, Any] = json.loads(out.read(length))
        return message

    receive()
    time.sleep(_READY_SECONDS)
    options: dict[str, Any] = {"ports": ports, "trace": False, **({"family": family} if family else {})}
    found = []
    for number in range(times):
        body = json.dumps({"type": "check", "id": str(number), "target": name, "options": options}).encode()
        begun = time.perf_counter()
        host.stdin.write(struct.pack("=I", len(body)) + body)
        host.stdin.flush()
        moments: dict[str, float] = {}
        ticks = spent = None
        while (message := receive())["type"] not in ("report", "error"):
            now = (time.perf_counter() - begun) * 1000
            kind = message["type"]
            if kind == "plan":
                moments.setdefault("plan", now)
                ticks = ticks or _ticks()
            elif kind == "observation" and message["observation"]["role"] == "target":
                moments["last"] = now
                spent = _ticks()
            elif kind == "settings" and any(row["verified"] for row in message["settings"]["outgoing"]):
                moments.setdefault("verified", now)
        plan = moments["plan"]
        idle, whole = (after - before for before, after in zip(ticks or (0, 0), spent or (0, 1), strict=True))
        found.append(
            {
                "resolve": plan,
                "last": moments["last"] - plan,
                "verified": moments["verified"] - plan,
                "busy": 1 - idle / max(1, whole),
            }
        )
    pages = int(Path(f"/proc/{host.pid}/statm").read_text().split()[1])
    print(json.dumps({"checks": found, "resident": pages * os.sysconf("SC_PAGE_SIZE")}))
    host.stdin.close()
    host.wait()


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], [int(port) for port in sys.argv[3].split(",")], int(sys.argv[4]), int(sys.argv[5]))
