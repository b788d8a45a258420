"""`python -m poterne.demo [WORLD.toml]`: run a world until standard input closes or SIGTERM comes.

One line of JSON says when it is ready: `policy`, `roots` (paths), `resolver` ("ADDRESS:PORT"), `targets`, `showcase`,
`accounts`, `families`, `unavailable` (by "HOST:PORT", why this system cannot play it). Exit status 3: the world is
unusable, with one line on standard error.
"""

import asyncio
import json
import os
import signal
import sys
from pathlib import Path
from threading import Thread

from poterne.demo import start
from poterne.errors import PoterneError

_CHUNK = 4096


async def run(world: Path | None) -> None:
    """Serve until told to stop."""
    loop = asyncio.get_running_loop()
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: loop.call_soon_threadsafe(stop.set))
    async with start(world) as running:
        ready = {
            "policy": str(running.policy_path),
            "roots": str(running.roots_path),
            "resolver": running.resolver,
            "targets": running.targets,
            "showcase": running.showcase,
            "accounts": running.accounts,
            "families": running.families,
            "unavailable": running.unavailable,
        }
        print(json.dumps(ready), flush=True)
        Thread(target=_await_end_of_input, args=(loop, stop), daemon=True).start()
        await stop.wait()


def _await_end_of_input(loop: asyncio.AbstractEventLoop, stop: asyncio.Event) -> None:
    try:
        while os.read(0, _CHUNK):
            pass
    except OSError:
        pass
    if not loop.is_closed():
        loop.call_soon_threadsafe(stop.set)


def main(arguments: list[str]) -> int:
    """Take the world's path, if any, and serve it."""
    try:
        asyncio.run(run(Path(arguments[0]) if arguments else None))
    except (PoterneError, OSError) as error:
        print(error, file=sys.stderr)
        return 3
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
