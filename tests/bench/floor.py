"""The floor: what a plain client needs, for one connection and for a greeting inside TLS.

    python floor.py ADDRESS NAME ROOTS TIMES

prints JSON: milliseconds until port 587 has opened (`connect`), and until port 465 has greeted (`greeting`), one number
a time.
"""

import json
import socket
import ssl
import sys
import time

_PATIENCE = 10.0


def _connect(address: str) -> float:
    started = time.perf_counter()
    with socket.create_connection((address, 587), _PATIENCE):
        return (time.perf_counter() - started) * 1000


def _greeting(address: str, name: str, context: ssl.SSLContext) -> float:
    started = time.perf_counter()
    with socket.create_connection((address, 465), _PATIENCE) as plain:
        plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        # A server that has sent its tickets greets when they are acknowledged (Nagle, RFC 896).
        plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK, 1)
        with context.wrap_socket(plain, server_hostname=name) as secure:
            secure.setsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK, 1)
            if not secure.recv(4096).startswith(b"220"):
                raise SystemExit("no greeting")
            took = (time.perf_counter() - started) * 1000
            secure.send(b"QUIT\r\n")
            return took


def main(address: str, name: str, roots: str, times: int) -> None:
    """Measures and prints."""
    context = ssl.create_default_context(cafile=roots)
    found = {
        "connect": [_connect(address) for _ in range(times)],
        "greeting": [_greeting(address, name, context) for _ in range(times)],
    }
    print(json.dumps(found))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4]))
