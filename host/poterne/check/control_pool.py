"""Who is asked for comparison: controls, canaries, the provider's relay."""

import random
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from typing import Literal

from poterne.errors import InvalidRequest, InvalidTarget
from poterne.knowledge import controls
from poterne.policy import Policy
from poterne.report import Options
from poterne.target.parser import host_name

RELAY_PORT = 25


@dataclass(frozen=True, slots=True)
class Control:
    """A host that is held to be up. `ports`: those on which it is documented to answer; None: the administrator vouches
    for every port. `network`: its operator, where known.
    """

    host: str
    source: Literal["policy", "default"]
    network: str | None = None
    ports: frozenset[int] | None = None

    def vouches(self, port: int) -> bool:
        """Whether silence on that port would be news."""
        return self.ports is None or port in self.ports

    @property
    def sends(self) -> bool:
        """Whether it can show that 25 alone is in trouble: it vouches for 25, and for 587 or 465."""
        return self.vouches(RELAY_PORT) and any(self.vouches(port) for port in controls.table().begin.life_ports)

    def life_ports(self, port: int) -> tuple[int, ...]:
        """Other ports on which it may show that it is alive while `port` fails, the likeliest first."""
        usual = controls.table().begin.life_ports
        candidates = [*usual, *sorted((self.ports or frozenset()) - {RELAY_PORT}, reverse=True)]
        return tuple(dict.fromkeys(other for other in candidates if other != port and self.vouches(other)))


@dataclass(slots=True)
class Pool:
    """The controls of one check: `drawn` are asked at once, `spares` replace those on which nothing opens."""

    drawn: tuple[Control, ...]
    spares: list[Control] = field(default_factory=list)
    others: tuple[Control, ...] = ()
    _vouching: dict[int, tuple[Control, ...]] = field(default_factory=dict)

    def spare(self) -> Control | None:
        """The next control that may replace one on which nothing opens; None where there is no more."""
        return self.spares.pop(0) if self.spares else None

    def vouching(self, port: int) -> tuple[Control, ...]:
        """The controls to hold a failure of `port` against: those of `drawn` that vouch for it, then others of further
        networks, up to as many as are drawn. The same at each call.
        """
        if port not in self._vouching:
            count = len(self.drawn) if not self.others else controls.table().begin.drawn
            known = [control for control in self.drawn if control.vouches(port)]
            more = [control for control in self.others if control.vouches(port)]
            self._vouching[port] = tuple(_of_different_networks([*known, *more])[:count])
        return self._vouching[port]


def draw(policy: Policy, *, without: Collection[str] = (), chooser: random.Random | None = None) -> Pool:
    """The policy's hosts in their order (an empty list: none), else a few of `knowledge/controls.toml`, of different
    networks, at random.

    Hosts of `without` (what is tested itself), and defaults under the same domain, are left out.
    """
    if policy.controls.hosts is not None:
        named = dict.fromkeys(host for host in policy.controls.hosts if host not in without)
        return Pool(drawn=tuple(Control(host, "policy") for host in named))
    begin = controls.table().begin
    domains = {_domain(host) for host in without}
    rows = [row for row in _defaults() if _domain(row.host) not in domains]
    chooser = chooser or random.SystemRandom()
    mixed = chooser.sample(rows, len(rows))
    senders = _of_different_networks([row for row in mixed if row.sends])
    drawn, spares = senders[: begin.drawn], senders[begin.drawn :][: begin.spares]
    return Pool(tuple(drawn), spares, tuple(row for row in mixed if row not in drawn))


def canary(policy: Policy) -> tuple[str, ...]:
    """Addresses at which nobody can answer: the policy's, else documentation addresses (RFC 5737, RFC 3849)."""
    if policy.controls.canary is not None:
        return policy.controls.canary
    return tuple(map(str, controls.table().canary.addresses))


def relay(policy: Policy, options: Options) -> tuple[str | None, str]:
    """The provider's own relay and who named it: the user (`option`), else the policy (`policy`), else nobody (None).

    Raises InvalidRequest where the user's is no host.
    """
    if options.relay is not None:
        try:
            return host_name(options.relay.strip()), "option"
        except InvalidTarget as error:
            raise InvalidRequest(f"the relay: {error}") from None
    return policy.controls.relay, "policy"


def _defaults() -> tuple[Control, ...]:
    return tuple(Control(row.host, "default", row.network, row.ports) for row in controls.table().control)


def _of_different_networks(controls: Sequence[Control]) -> list[Control]:
    """The first of each network, in order."""
    first: dict[str, Control] = {}
    for control in controls:
        first.setdefault(control.network or control.host, control)
    return list(first.values())


def _domain(host: str) -> str:
    return ".".join(host.split(".")[-2:])
