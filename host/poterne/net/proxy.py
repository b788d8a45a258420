"""The web proxy that this system's configuration names, and a tunnel through it (RFC 9110 section 9.3.6)."""

import asyncio
import socket
from contextlib import suppress
from dataclasses import dataclass

from poterne import __version__
from poterne.errors import InvalidTarget, WebError
from poterne.target.parser import host_name


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
    import httpcore

    from poterne.net.http_stream import MAX_HEAD, Http, Stream

    authority = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    headers = [("Host", authority), ("User-Agent", f"poterne/{__version__}")]
    if proxy.authorization is not None:
        headers.append(("Proxy-Authorization", proxy.authorization))
    there = httpcore.URL(scheme="http", host=proxy.host, port=proxy.port, target=authority)
    stream = Stream(sock, 2 * MAX_HEAD)
    try:
        request = httpcore.Request("CONNECT", there, headers=headers)
        answer = await Http(there.origin, stream).handle_async_request(request)
    except (httpcore.LocalProtocolError, httpcore.RemoteProtocolError):
        raise WebError("the proxy speaks no HTTP, or broke off") from None
    if not 200 <= answer.status < 300:
        raise WebError(f"the proxy refused: HTTP status {answer.status}")
    # A server of TLS waits for the client: whatever is there already is the proxy's.
    with suppress(TimeoutError):
        async with asyncio.timeout(0):
            if await answer.extensions["network_stream"].read(1):
                raise WebError("the proxy spoke before it was asked")
