"""HTTP through the gate: one GET, every address judged, nothing followed, everything bounded."""

import asyncio
import errno
import ssl
from collections.abc import Sequence
from dataclasses import dataclass

from poterne import __version__
from poterne.errors import Forbidden, InvalidTarget, WebError
from poterne.knowledge import special
from poterne.knowledge.discovery import Trust
from poterne.net import proxy as proxies
from poterne.net.gate import Connection, Failure, Gate
from poterne.net.resolver import NameResolver
from poterne.net.socket_addresses import SocketAddress, mapped, socket_addresses
from poterne.policy import Policy
from poterne.report import Endpoint
from poterne.report.display import display
from poterne.target.hosts import is_address, is_within
from poterne.target.parser import host_name

MAX_URL = 2048
# RFC 8305 section 5: how long the family that was asked first is ahead.
_HEAD_START = 0.25
_PORTS = {"http": 80, "https": 443}
# RFC 3986 section 3.3 and 3.4: what stands in a path and a query as it is.
_SAFE = "/%:@!$&'()*+,;=~?"
_FORBIDDEN = "nothing was dialled: that URL leads to addresses that are not to be asked from here"


@dataclass(frozen=True, slots=True)
class Response:
    """An answer. Header names are lower case; `body` is as it was sent, `whole` false where it was cut at the limit."""

    url: str
    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes
    whole: bool

    def header(self, name: str) -> str | None:
        """The first header of that (lower-case) name."""
        return next((value for key, value in self.headers if key == name), None)


@dataclass(frozen=True, slots=True)
class _Url:
    scheme: str
    host: str
    port: int
    target: str

    @property
    def authority(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == _PORTS[self.scheme] else f"{host}:{self.port}"


async def get(
    url: str,
    gate: Gate,
    *,
    policy: Policy,
    resolver: NameResolver,
    trust: Trust,
    deadline: float,
    limit: int,
    source: str = "default",
    context: ssl.SSLContext | None = None,
    proxied: bool = False,
) -> Response:
    """GETs an http: or https: URL by `deadline` (loop time), and reads at most `limit` bytes of the body.

    The host is resolved as a mail program's would be, each address is judged by `trust`, and the judged address is
    dialled, the families side by side. `source` says who named the URL; only `policy` may use a port that the policy
    does not list. `context` verifies the server of an https: URL. Redirects are answers. Raises WebError, and Forbidden
    where nothing may be dialled. What a lab maps elsewhere counts as typed: the lab's author named it. `proxied` has
    https: URLs asked through the system's proxy, where there is one: then only the proxy's address is judged, and the
    host's where it stands in the URL.
    """
    parts = _parse(url)
    if parts.scheme == "https" and context is None:
        raise WebError("there are no trusted roots for https")
    if source != "policy":
        policy.check_ports((parts.port,))
    try:
        async with asyncio.timeout_at(deadline):
            through = None
            if proxied and parts.scheme == "https" and not mapped(policy, parts.host, parts.port):
                through = await proxies.for_https(parts.host)
            if through is None:
                permitted = await _permitted(parts, gate, policy, resolver, trust=trust, source=source)
                connection = await _race(permitted, gate)
            else:
                if not await _may_be_named(parts.host, gate, resolver, trust=trust, source=source):
                    raise Forbidden(_FORBIDDEN)
                way = _Url("http", through.host, through.port, "")
                permitted = await _permitted(way, gate, policy, resolver, trust="typed", source="proxy")
                connection = await _race(permitted, gate)
                await _tunnel(connection, through, parts)
            return await _exchange(connection, url, parts, limit, context if parts.scheme == "https" else None)
    except TimeoutError:
        raise WebError("no answer in time") from None


async def reaches_by_proxy(host: str, gate: Gate, *, policy: Policy, resolver: NameResolver, deadline: float) -> bool:
    """Whether the system's proxy connects to port 443 of a host, by `deadline` (loop time); nothing is said to
    whoever is there. False where the system names no proxy for it. Raises WebError, and Forbidden where the proxy may
    not be dialled.
    """
    if mapped(policy, host, _PORTS["https"]):
        return False
    try:
        async with asyncio.timeout_at(deadline):
            through = await proxies.for_https(host)
            if through is None:
                return False
            way = _Url("http", through.host, through.port, "")
            permitted = await _permitted(way, gate, policy, resolver, trust="typed", source="proxy")
            connection = await _race(permitted, gate)
            try:
                await proxies.tunnel(connection.sock, through, host, _PORTS["https"])
            finally:
                connection.sock.close()
    except TimeoutError:
        raise WebError("no answer in time") from None
    except OSError as error:
        raise WebError(_words(error)) from None
    return True


async def _permitted(
    url: _Url, gate: Gate, policy: Policy, resolver: NameResolver, *, trust: Trust, source: str
) -> list[tuple[Endpoint, int]]:
    """What may be dialled for a host, and the port to dial there. Raises WebError, and Forbidden for nothing."""
    answer = await resolver.addresses(url.host, source)
    found = await socket_addresses(answer, url.port, policy, resolver)
    if not found:
        raise WebError(f"the name of the server was not found ({answer.state})")
    trust = "typed" if mapped(policy, url.host, url.port) else trust
    endpoints = [(_endpoint(url, place, source), place.port) for place in found]
    permitted = [pair for pair in endpoints if gate.allows(pair[0].address, trust) and gate.permits(pair[0])]
    if not permitted:
        raise Forbidden(_FORBIDDEN)
    return permitted


async def _may_be_named(host: str, gate: Gate, resolver: NameResolver, *, trust: Trust, source: str) -> bool:
    """Whether a proxy may be asked for a host. It resolves names itself, and may stand in another network: a name that
    a stranger gives must not be one of a private network's, nor lead inside where this machine can tell.
    """
    if is_address(host):
        return gate.allows(host, trust)
    if trust != "foreign":
        return True
    if "." not in host or any(is_within(host, zone) for zone in special.table().private_names):
        return False
    asking = asyncio.create_task(resolver.addresses(host, source))
    await asyncio.wait({asking}, timeout=gate.timing.names.patience)
    if not asking.done():
        asking.cancel()
        return True
    addresses = asking.result().addresses
    return not addresses or any(gate.allows(address, trust) for address in addresses)


async def _tunnel(connection: Connection, through: proxies.Proxy, url: _Url) -> None:
    try:
        await proxies.tunnel(connection.sock, through, url.host, url.port)
    except OSError as error:
        connection.sock.close()
        raise WebError(_words(error)) from None
    except BaseException:
        connection.sock.close()
        raise


def _parse(url: str) -> _Url:
    from urllib.parse import quote, urlsplit

    if len(url) > MAX_URL:
        raise WebError("the URL is too long")
    try:
        split = urlsplit(url)
        port = split.port
        host = host_name(split.hostname or "")
        path, query = quote(split.path or "/", safe=_SAFE), quote(split.query, safe=_SAFE)
    except (ValueError, InvalidTarget):
        raise WebError("that is not the URL of a host") from None
    if split.scheme not in _PORTS or split.username is not None or port == 0:
        raise WebError("only http: and https: URLs without a user name are asked")
    return _Url(split.scheme, host, port or _PORTS[split.scheme], f"{path}?{query}" if query else path)


def _endpoint(url: _Url, place: SocketAddress, source: str) -> Endpoint:
    return Endpoint(
        id="web",
        role="control",
        host=url.host,
        address=place.address,
        family=place.family,
        port=url.port,
        service=url.scheme,
        asked="tls" if url.scheme == "https" else "none",
        source=source,
    )


async def _race(endpoints: Sequence[tuple[Endpoint, int]], gate: Gate) -> Connection:
    """The first connection that opens; a family starts a little after the one before, or when that one has failed."""
    failures: list[Failure] = []
    pending: set[asyncio.Task[Connection | Failure]] = set()
    waiting = list(endpoints)
    opened: list[Connection] = []
    try:
        while not opened and (pending or waiting):
            if waiting:
                endpoint, port = waiting.pop(0)
                pending.add(asyncio.create_task(gate.connect(endpoint, port=port)))
            done, pending = await asyncio.wait(
                pending, timeout=_HEAD_START if waiting else None, return_when=asyncio.FIRST_COMPLETED
            )
            results = [task.result() for task in done]
            opened += [result for result in results if isinstance(result, Connection)]
            failures += [result for result in results if isinstance(result, Failure)]
        if not opened:
            raise WebError(failures[0].error or failures[0].state)
        return opened.pop(0)
    finally:
        for task in pending:
            task.cancel()
        # One that opened in the meantime is nobody's.
        late = await asyncio.gather(*pending, return_exceptions=True)
        for connection in (*opened, *(result for result in late if isinstance(result, Connection))):
            connection.sock.close()


async def _exchange(
    connection: Connection, url: str, parts: _Url, limit: int, context: ssl.SSLContext | None
) -> Response:
    import httpcore

    from poterne.net.http_stream import MAX_HEAD, Http, Stream

    place = httpcore.URL(scheme=parts.scheme, host=parts.host, port=parts.port, target=parts.target)
    headers = [
        ("Host", parts.authority),
        ("User-Agent", f"poterne/{__version__}"),
        ("Accept", "*/*"),
        ("Connection", "close"),
    ]
    stream = Stream(connection.sock, limit + 2 * MAX_HEAD)
    body = bytearray()
    try:
        if context is not None:
            await stream.start_tls(context, parts.host)
        async with Http(place.origin, stream).stream("GET", place, headers=headers) as answer:
            async for chunk in answer.aiter_stream():
                body += chunk
                if len(body) > limit:
                    break
    except (httpcore.LocalProtocolError, httpcore.RemoteProtocolError):
        raise WebError("the answer is no HTTP, or broken off") from None
    except OSError as error:
        raise WebError(_words(error)) from None
    finally:
        stream.close()
    told = tuple((name.decode("latin-1").lower(), value.decode("latin-1")) for name, value in answer.headers)
    return Response(url, answer.status, told, bytes(body[:limit]), len(body) <= limit)


def _words(error: OSError) -> str:
    """The cause in the field's words."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return display(f"certificate: {error.verify_message}", 200)
    if isinstance(error, ssl.SSLError):
        return display(f"TLS: {error.reason or type(error).__name__}", 200)
    return errno.errorcode.get(error.errno or 0, type(error).__name__)
