"""A machine behind a slow line."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.lab.topology import Machine
from tests.lab.world import World

_LINE = Path(__file__).with_name("line.py")


@contextmanager
def slow_line(world: World, machine: Machine, round_trip_ms: float) -> Iterator[None]:
    """Puts a slow line between a machine and the home box, in place of its cable."""
    home = world.topology.home
    label = machine.namespace.name.rsplit("-", 1)[1]
    near, far = f"near-{label}", f"far-{label}"
    carrier = home.popen([sys.executable, str(_LINE), near, far, str(round_trip_ms / 2000)], stdout=subprocess.PIPE)
    try:
        assert carrier.stdout is not None
        if carrier.stdout.readline() != b"ready\n":
            raise RuntimeError("the slow line could not be made")
        machine.namespace.ip("link del home")
        home.ip(f"link set {near} netns {machine.namespace.name}")
        machine.namespace.ip(f"link set {near} name home", *_up("home", machine.v4, machine.v6))
        home.ip(*_up(far, machine.gateway_v4, machine.gateway_v6))
        machine.namespace.ip(f"route add default via {machine.gateway_v4}", f"route add ::/0 via {machine.gateway_v6}")
        yield
    finally:
        carrier.terminate()
        carrier.wait()
        if carrier.stdout is not None:
            carrier.stdout.close()


def _up(device: str, v4: str | None, v6: str | None) -> tuple[str, ...]:
    return (f"addr add {v4}/24 dev {device}", f"addr add {v6}/64 dev {device} nodad", f"link set {device} up")
