"""The extension's types, made from the model's schema: `python tests/tools/messages_types.py` writes them."""

import json
import subprocess
from pathlib import Path

from poterne.report.schema import json_schema

ROOT = Path(__file__).resolve().parents[2]
TYPES = ROOT / "extension" / "types" / "messages.d.ts"
COMPILER = Path(__file__).with_suffix(".mjs")


def declarations() -> str:
    """The text of `messages.d.ts`; raises CalledProcessError with the compiler's words in `stderr`."""
    compiler = subprocess.run(  # noqa: S603
        ["node", COMPILER],  # noqa: S607
        input=json.dumps(json_schema()),
        capture_output=True,
        text=True,
        check=True,
        cwd=ROOT,
    )
    return compiler.stdout


if __name__ == "__main__":
    TYPES.parent.mkdir(parents=True, exist_ok=True)
    TYPES.write_text(declarations(), encoding="utf-8")
