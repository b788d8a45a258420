"""A whole discovery against a name server and a web server on loopback."""

import asyncio
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from tests.unit.core_dns import Answer, NameServer
from tests.unit.core_sites import Site
from tests.unit.core_timing import QUICK
from tests.unit.core_world import policy, roots_file, stores

from poterne.discovery import Discovery, Server
from poterne.knowledge.timing import Timing
from poterne.net import gate as dial
from poterne.net.resolver import NameResolver
from poterne.probe.toolkit import Toolkit
from poterne.report import Lookup, NameAnswer, Offer, Target
from poterne.target.parser import parse

_UNSEEN = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}
Records = Mapping[tuple[str, str], Answer]
# Nobody has them (RFC 5737), and nobody minds if a stranger's document names them.
ADDRESS, ANOTHER, THIRD = "192.0.2.7", "192.0.2.8", "192.0.2.9"


def is_plain(text: str) -> bool:
    """Whether a line can be shown: one line, without characters that cannot be seen or that change others."""
    return not any(unicodedata.category(character) in _UNSEEN for character in text)


@dataclass(frozen=True)
class Discovered:
    """What came of it, and what was asked."""

    target: Target
    servers: list[Server]
    names: list[NameAnswer]
    offers: list[Offer]
    lookups: list[Lookup]
    asked: list[tuple[str, str]]

    @property
    def hosts(self) -> set[tuple[str, str]]:
        """(host, source) of the servers."""
        return {(server.host, server.source) for server in self.servers}

    def ports(self, host: str) -> list[int]:
        """The ports that are to be tried there, in order."""
        return [port for server in self.servers if server.host == host for port in server.ports]

    def lookup(self, place: str) -> Lookup:
        """How the question about this place went."""
        (found,) = (lookup for lookup in self.lookups if lookup.place == place)
        return found

    def states(self, source: str) -> list[str]:
        """How the questions of one source went."""
        return [lookup.state for lookup in self.lookups if lookup.source == source]


def discover(
    folder: Path,
    text: str,
    records: Records,
    *,
    site: Site | None = None,
    tables: str = "",
    seconds: float = 8.0,
    enough: bool = False,
    timing: Timing = QUICK,
) -> Discovered:
    """Discovers a target's servers to the end. Documents come from `site`; `tables` is further TOML of the policy;
    `enough`: settings are verified already."""

    async def run() -> Discovered:
        with NameServer(records) as server:
            chosen = policy(
                folder,
                tables=tables,
                resolver=server.place,
                roots=roots_file(),
                connect_to=site.mapped if site else [],
            )
            resolver = NameResolver(chosen, timing)
            loop = asyncio.get_running_loop()
            ready: asyncio.Future[None] = loop.create_future()
            ready.set_result(None)
            toolkit = Toolkit(dial.Gate(chosen, timing=timing), stores(), loop.time() + seconds, ready)
            names: list[NameAnswer] = []
            discovery = Discovery(parse(text), resolver, names, chosen, toolkit)
            if enough:
                discovery.enough.set()
            servers = [found async for found in discovery.servers()]
            await resolver.close()
            assert asyncio.all_tasks() == {asyncio.current_task()}, "nothing is left behind"
            return Discovered(discovery.target, servers, names, discovery.offers, discovery.lookups, list(server.asked))

    return asyncio.run(run())
