"""One probe, or a whole check, against servers on loopback."""

import asyncio
import socket
from collections.abc import Iterable, Sequence
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from tests.unit.core_certificates import HOST, pem, pki
from tests.unit.core_dns import NameServer
from tests.unit.core_servers import Server
from tests.unit.core_timing import QUICK

from poterne import policy as policies
from poterne.check import check
from poterne.knowledge import ports
from poterne.knowledge.timing import Timing
from poterne.net import gate as dial
from poterne.probe.endpoint import observe
from poterne.probe.stream import Stream
from poterne.probe.toolkit import Toolkit
from poterne.probe.trust import TrustStores
from poterne.report import CheckEvent, Endpoint, Observation, Options, Report, ReportEvent, Request, Security


def remember_streams(monkeypatch: pytest.MonkeyPatch) -> list[Stream]:
    """Every connection of the test from here on; each knows how much was read from it."""
    streams: list[Stream] = []
    begin = Stream.__init__

    def remembered(self: Stream, sock: socket.socket) -> None:
        begin(self, sock)
        streams.append(self)

    monkeypatch.setattr(Stream, "__init__", remembered)
    return streams


@cache
def _nobody() -> NameServer:
    """A name server that knows nobody: no question of a test may leave this machine."""
    return NameServer({}).__enter__()


def policy(folder: Path, *, tables: str = "", **lab: Any) -> policies.Policy:
    """A policy with these keys of `[lab]`, read from a file as the program reads it."""
    return policies.load(policy_file(folder, tables=tables, **lab))


def policy_file(folder: Path, *, tables: str = "", **lab: Any) -> Path:
    """The file of such a policy, without comparisons unless `tables` has its own."""
    keys = {"resolver": _nobody().place, **lab}
    if "[controls]" not in tables:
        tables = f'[controls]\nhosts = []\ncanary = []\nportal = ""\n{tables}'
    rows = [f"{key} = {_toml(value)}" for key, value in keys.items()]
    file = folder / "policy.toml"
    file.write_text("\n".join([tables, "[lab]", *rows, ""]), encoding="utf-8")
    return file


def _toml(value: Any) -> str:
    if isinstance(value, str | Path):
        return f"'{value}'"
    return "[" + ", ".join(_toml(item) for item in value) + "]"


def mapped(host: str, **servers: Server | int | Sequence[Server | int]) -> list[str]:
    """Entries of `connect_to`: mapped("mail.example.org", p587=server, p25=number)."""
    entries = []
    for name, value in servers.items():
        for server in value if isinstance(value, list | tuple) else (value,):
            family, port = (server.family, server.port) if isinstance(server, Server) else (4, server)
            address = "127.0.0.1" if family == 4 else "[::1]"
            entries.append(f"{host}:{name[1:]}:{address}:{port}")
    return entries


class _Roots:
    """A folder with the trusted root's PEM file, for the length of the run."""

    def __init__(self) -> None:
        self._folder = TemporaryDirectory(prefix="core-roots-")
        self.file = Path(self._folder.name) / "roots.pem"
        self.file.write_bytes(pem(pki().root))


@cache
def _roots() -> _Roots:
    return _Roots()


def roots_file() -> Path:
    """The PEM file of the root that the lab trusts."""
    return _roots().file


@cache
def stores() -> TrustStores:
    """Trust stores with the lab's root, loaded once."""
    made = TrustStores(policies.Policy(lab=policies.Lab(roots=str(roots_file()))))
    made.warm()
    return made


def toolkit(trusted: TrustStores, seconds: float = 8.0, timing: Timing = QUICK) -> Toolkit:
    """What a probe needs. To be called in a running loop."""
    loop = asyncio.get_running_loop()
    ready: asyncio.Future[None] = loop.create_future()
    ready.set_result(None)
    return Toolkit(dial.Gate(policies.Policy(), timing=timing), trusted, loop.time() + seconds, ready)


def endpoint(server: Server, port: int, *, host: str = HOST, asked: Security | None = None) -> Endpoint:
    """The endpoint that a check would make for this port, at the server's address."""
    row = ports.facts(port)
    return Endpoint(
        id="o1",
        host=host,
        address=server.address,
        family=server.family,
        port=port,
        service=row.service if row else ports.UNKNOWN,
        asked=asked or (row.begins if row else "starttls"),
    )


async def look(
    server: Server,
    port: int,
    *,
    host: str = HOST,
    asked: Security | None = None,
    seconds: float = 8.0,
    progress: list[Observation] | None = None,
    trusted: TrustStores | None = None,
    timing: Timing = QUICK,
) -> Observation:
    """What a probe sees there, when its goodbye has been said."""
    tools = toolkit(trusted or stores(), seconds, timing)
    seen: list[Observation] = [] if progress is None else progress
    observation = await observe(
        endpoint(server, port, host=host, asked=asked), tools, dialled_port=server.port, on_progress=seen.append
    )
    await asyncio.gather(*tools.farewells)
    return observation


async def events(target: str, rules: policies.Policy, *, timing: Timing = QUICK, **options: Any) -> list[CheckEvent]:
    """Every event of a check, in order."""
    return [event async for event in check(Request(target=target, options=Options(**options)), rules, timing)]


async def report(target: str, rules: policies.Policy, *, timing: Timing = QUICK, **options: Any) -> Report:
    """The last event's report."""
    last = (await events(target, rules, timing=timing, **options))[-1]
    assert isinstance(last, ReportEvent)
    return last.report


def codes(found: Report) -> set[str]:
    """The codes of a report's findings."""
    return {finding.code for finding in found.findings}


def only(observations: Iterable[Observation]) -> Observation:
    """The one observation."""
    (observation,) = observations
    return observation
