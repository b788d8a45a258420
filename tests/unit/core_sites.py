"""Web servers on loopback that serve what a test wants, under any name."""

from collections.abc import Callable, Mapping
from contextlib import suppress
from types import TracebackType
from typing import Self

from tests.unit.core_certificates import context, issue, pki
from tests.unit.core_servers import GoneError, Peer, Server

Page = bytes | Callable[[Peer], None]


def answer(status: str, body: bytes = b"", *headers: str) -> bytes:
    """A whole answer of HTTP."""
    lines = (f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", "Connection: close", *headers)
    return "\r\n".join((*lines, "", "")).encode() + body


def document(body: bytes) -> bytes:
    """A document that is found."""
    return answer("200 OK", body)


def redirect(location: str, status: str = "301 Moved Permanently") -> bytes:
    """Elsewhere."""
    return answer(status, b"", f"Location: {location}")


NOT_FOUND = answer("404 Not Found", b"<html>nothing here</html>")


class Site:
    """Serves pages by `HOST/PATH?QUERY`, over TLS with a certificate that names every one of these hosts. What is not
    listed is not found; a page that is a function decides every byte. `asked` holds what was asked for.
    """

    def __init__(self, pages: Mapping[str, Page], *, hosts: tuple[str, ...] = ()) -> None:
        self._pages = pages
        self.hosts = tuple(dict.fromkeys((*(place.partition("/")[0] for place in pages), *hosts)))
        leaf = issue(self.hosts[0], issuer=pki().intermediate, sans=self.hosts)
        self._tls = context(leaf, pki().intermediate)
        self.asked: list[str] = []
        self.heads: list[str] = []
        self._server = Server(self._serve)

    @property
    def port(self) -> int:
        """Where it listens."""
        return self._server.port

    @property
    def mapped(self) -> list[str]:
        """Entries of `connect_to` that lead every host here."""
        return [f"{host}:443:127.0.0.1:{self.port}" for host in self.hosts]

    def __enter__(self) -> Self:
        self._server.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.__exit__(kind, error, trace)

    def _serve(self, peer: Peer) -> None:
        peer.start_tls(self._tls)
        head = [peer.line()]
        while line := peer.line():
            head.append(line)
        fields = dict(line.decode("latin-1").split(": ", 1) for line in head[1:])
        place = fields["Host"] + head[0].split(b" ")[1].decode()
        self.asked.append(place)
        self.heads.append(b"\n".join(head).decode("latin-1"))
        page = self._pages.get(place, NOT_FOUND)
        with suppress(GoneError):
            if callable(page):
                page(peer)
            else:
                peer.send(page)
