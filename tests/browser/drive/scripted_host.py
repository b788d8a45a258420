"""A native host that says what a test's script tells it to: `scripted_host.py SCRIPT.json ARGUMENTS-OF-THE-BROWSER…`.

The script is `{"hello": MESSAGE or null, "answers": [MESSAGE, …], "then": "stay" | "exit", "explained": REPORT}`: hello
at once, the answers to each check, each with its id, as the script is at that moment. Unless it has a report to answer
`explain` with, it knows no other messages than the first hosts knew.
What the browser sent is written beside the script, one JSON object a line.
"""

import json
import struct
import sys
from pathlib import Path
from typing import Any


def send(message: dict[str, Any]) -> None:
    frame = json.dumps(message).encode()
    sys.stdout.buffer.write(struct.pack("=I", len(frame)) + frame)
    sys.stdout.buffer.flush()


def receive() -> dict[str, Any] | None:
    header = sys.stdin.buffer.read(4)
    if len(header) < 4:
        return None
    message: dict[str, Any] = json.loads(sys.stdin.buffer.read(struct.unpack("=I", header)[0]))
    return message


def main(path: Path) -> None:
    script = json.loads(path.read_text())
    if script.get("hello"):
        send(script["hello"])
    if not script.get("answers") and script.get("then") == "exit":
        return
    while (message := receive()) is not None:
        with path.with_suffix(".received").open("a") as received:
            received.write(json.dumps(message) + "\n")
        if message["type"] == "cancel":
            send({"type": "cancelled", "id": message["id"]})
        if message["type"] == "check":
            script = json.loads(path.read_text())
            for answer in script.get("answers", []):
                send({**answer, "id": message["id"]})
            if script.get("then") == "exit":
                return
        if message["type"] == "explain" and "explained" in script:
            send({"type": "report", "id": message["id"], "report": script["explained"]})
        elif message["type"] not in ("check", "cancel"):
            words = '"type" is neither "check" nor "cancel"'
            send({"type": "error", "id": message["id"], "code": "invalid-message", "message": words})


if __name__ == "__main__":
    main(Path(sys.argv[1]))
