"""A slow line: carries Ethernet frames between two TAP devices, each so many seconds late. The kernel's own way to
delay packets (netem) is not everywhere.

    python line.py NEAR FAR SECONDS

makes both devices in the namespace where it runs, says `ready`, and carries until it is ended; either device may be
moved to another namespace. Frames beyond a queue of 4096 are lost.
"""

import fcntl
import os
import select
import struct
import sys
import time
from collections import deque

# linux/if_tun.h: IFF_TAP | IFF_NO_PI
_TUNSETIFF = 0x400454CA
_TAP_WITHOUT_HEADER = 0x1002
_LARGEST_FRAME = 1 << 16
_QUEUE = 4096


def _tap(name: str) -> int:
    descriptor = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
    fcntl.ioctl(descriptor, _TUNSETIFF, struct.pack("16sH22x", name.encode(), _TAP_WITHOUT_HEADER))
    return descriptor


def carry(one: int, other: int, seconds: float) -> None:
    """Carries for ever."""
    peers = {one: other, other: one}
    waiting: deque[tuple[float, int, bytes]] = deque(maxlen=_QUEUE)
    while True:
        patience = max(0.0, waiting[0][0] - time.monotonic()) if waiting else None
        readable, _, _ = select.select(list(peers), [], [], patience)
        for descriptor in readable:
            try:
                waiting.append((time.monotonic() + seconds, peers[descriptor], os.read(descriptor, _LARGEST_FRAME)))
            except OSError:
                continue
        while waiting and waiting[0][0] <= time.monotonic():
            _, descriptor, frame = waiting.popleft()
            try:
                os.write(descriptor, frame)
            except OSError:
                continue


if __name__ == "__main__":
    near, far = _tap(sys.argv[1]), _tap(sys.argv[2])
    print("ready", flush=True)
    carry(near, far, float(sys.argv[3]))
