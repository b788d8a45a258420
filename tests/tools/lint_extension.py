"""`web-ext lint` on the extension: every error, warning and notice fails, but for the one that cannot be avoided."""

import json
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
ALLOWED = {
    # Firefox says so of every manifest that Chromium can read too.
    ("BACKGROUND_SERVICE_WORKER_IGNORED", "manifest.json"),
}


def main() -> int:
    """Print what is not allowed; 1 if there is any."""
    lint = subprocess.run(  # noqa: S603
        [
            *("node_modules/.bin/web-ext", "lint", "--source-dir", "extension"),
            *("--no-config-discovery", "--no-input", "--output", "json"),
        ],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    try:
        result = json.loads(lint.stdout)
    except ValueError:
        sys.stderr.write(lint.stdout + lint.stderr)
        return 1
    messages = [
        message
        for kind in ("errors", "warnings", "notices")
        for message in result[kind]
        if (message["code"], message.get("file")) not in ALLOWED
    ]
    for message in messages:
        where = ":".join(str(message[key]) for key in ("file", "line") if message.get(key))
        sys.stderr.write(f"web-ext: {where or 'extension'}: {message['code']}: {message['message']}\n")
    return 1 if messages else 0


if __name__ == "__main__":
    sys.exit(main())
