"""Web servers of the lab: pages by host and path, over TLS, in the namespace of their host."""

import ssl
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from .scripted import Peer

Page = bytes | Callable[[Peer], None]


def answer(status: str, body: bytes = b"", *headers: str) -> bytes:
    """A whole answer of HTTP."""
    lines = (f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", "Connection: close", *headers)
    return "\r\n".join((*lines, "", "")).encode() + body


def document(body: bytes) -> bytes:
    """A document that is found."""
    return answer("200 OK", body)


def redirect(location: str) -> bytes:
    """Elsewhere."""
    return answer("302 Found", b"", f"Location: {location}")


def pour(peer: Peer) -> None:
    """A hundred megabytes."""
    peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: 104857600\r\n\r\n")
    for _ in range(1600):
        peer.send(b"<" * 65536)


@dataclass
class Site:
    """A behaviour for port 443. `pages` by `HOST/PATH`; others are not found. `asked` holds every question."""

    tls: ssl.SSLContext
    pages: Mapping[str, Page]
    asked: list[str] = field(default_factory=list)

    def __call__(self, peer: Peer) -> None:
        peer.start_tls(self.tls)
        target = peer.line().split(" ")[1]
        host = ""
        while line := peer.line():
            name, _, value = line.partition(": ")
            host = value if name == "Host" else host
        self.asked.append(host + target)
        page = self.pages.get(host + target, answer("404 Not Found", b"<html></html>"))
        if callable(page):
            page(peer)
        else:
            peer.send(page)
