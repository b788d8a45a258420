"""A world beside code that is not asynchronous."""

import asyncio
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import Thread

from poterne.demo.world import World, start


@dataclass(frozen=True)
class _Running:
    world: World
    stop: Callable[[], object]


@contextmanager
def serving(path: Path | None = None) -> Iterator[World]:
    """Run a world's servers in a thread of their own until the block is left; raises what `start` raises."""
    ready: Future[_Running] = Future()
    servers = Thread(target=_thread, args=(path, ready), name="poterne-lab")
    servers.start()
    try:
        yield ready.result().world
    finally:
        # Also where the block was never entered, because an interruption came while the servers started.
        ready.add_done_callback(_stop)
        servers.join()


def _thread(path: Path | None, ready: Future[_Running]) -> None:
    async def run() -> None:
        loop, stop = asyncio.get_running_loop(), asyncio.Event()
        async with start(path) as world:
            ready.set_result(_Running(world, lambda: loop.call_soon_threadsafe(stop.set)))
            await stop.wait()

    try:
        asyncio.run(run())
    except BaseException as error:
        if ready.done():
            raise
        ready.set_exception(error)


def _stop(ready: Future[_Running]) -> None:
    if ready.exception() is None:
        ready.result().stop()
