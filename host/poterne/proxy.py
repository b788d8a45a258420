"""The web proxy that this system's configuration names, and a tunnel through it (RFC 9110 section 9.3.6)."""

import asyncio
import socket
from dataclasses import dataclass

from poterne import __version__
from poterne.errors import InvalidTarget, WebError
from poterne.target import host_name

MAX_HEAD = 16 * 1024


@dataclass(frozen=True, slots=True)
class Proxy:
    """An HTTP proxy; `authorization` is the value of Proxy-Authorization where its URL holds a user."""

    host: str
    port: int
    authorization: str | None = None


async def for_https(host: str) -> Proxy | None:
    """The proxy for https: URLs of a host (HTTPS_PROXY and NO_PROXY, or the settings of Windows and macOS); None: there
    is none. Raises WebError where it cannot be used. What the system says may take a while, so a thread asks it.
    """
    return await asyncio.to_thread(_for_https, host)


def _for_https(host: str) -> Proxy | None:
    from urllib.request import getproxies, proxy_bypass

    url = getproxies().get("https", "").strip()
    if not url or proxy_bypass(host):
        return None
    return parse(url)


def parse(url: str) -> Proxy:
    """Reads `http://[USER:PASSWORD@]HOST[:PORT]`, or the same without its scheme. Raises WebError."""
    from base64 import b64encode
    from urllib.parse import unquote, urlsplit

    try:
        split = urlsplit(url if "://" in url else f"http://{url}")
        host, port = host_name(split.hostname or ""), split.port or 80
    except (ValueError, InvalidTarget):
        raise WebError("the system's proxy is not the URL of a host") from None
    if split.scheme != "http":
        raise WebError("the system's proxy is none of HTTP: it is not used")
    authorization = None
    if split.username is not None:
        user = f"{unquote(split.username)}:{unquote(split.password or '')}"
        authorization = f"Basic {b64encode(user.encode(errors='surrogateescape')).decode('ascii')}"
    return Proxy(host, port, authorization)


async def tunnel(sock: socket.socket, proxy: Proxy, host: str, port: int) -> None:
    """Has the proxy connect to a host, over an open connection to it. Raises WebError, and OSError."""
    import h11

    loop = asyncio.get_running_loop()
    authority = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    headers = [("Host", authority), ("User-Agent", f"poterne/{__version__}")]
    if proxy.authorization is not None:
        headers.append(("Proxy-Authorization", proxy.authorization))
    protocol = h11.Connection(h11.CLIENT, max_incomplete_event_size=MAX_HEAD)
    try:
        request = h11.Request(method="CONNECT", target=authority, headers=headers)
        await loop.sock_sendall(sock, protocol.send(request) or b"")
        protocol.send(h11.EndOfMessage())
        while True:
            event = protocol.next_event()
            if event is h11.NEED_DATA:
                protocol.receive_data(await loop.sock_recv(sock, MAX_HEAD))
            elif isinstance(event, h11.Response):
                break
            elif not isinstance(event, h11.InformationalResponse):
                raise WebError("closed by the proxy")
    except h11.ProtocolError:
        raise WebError("the proxy speaks no HTTP, or broke off") from None
    if not 200 <= event.status_code < 300:
        raise WebError(f"the proxy refused: HTTP status {event.status_code}")
    if protocol.trailing_data[0]:
        raise WebError("the proxy spoke before it was asked")
