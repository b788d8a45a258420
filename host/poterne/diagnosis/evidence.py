"""What the rules look at, and what they say."""

from dataclasses import dataclass, field
from datetime import datetime
from functools import cache

from poterne.diagnosis.evidence_request import EvidenceRequest
from poterne.diagnosis.stages import stalled
from poterne.knowledge import ports
from poterne.knowledge import timing as timings
from poterne.knowledge.timing import Timing
from poterne.report import (
    Confidence,
    Disturbance,
    Family,
    Finding,
    Lookup,
    Machine,
    NameAnswer,
    NameServer,
    Observation,
    Offer,
    Options,
    Portal,
    ProxyState,
    Report,
    Settings,
    Target,
    TraceState,
    Verdict,
    Way,
)

FAMILIES: tuple[Family, Family] = (4, 6)
CONFIDENCES: tuple[Confidence, ...] = ("possible", "likely", "certain")
"""The least sure first."""

_NOWHERE = Machine()
# What names were asked for beside those of the target, or whom beside the system.
_ASIDE = ("random", "second", "dns", "hosts")
# How a connection ends that is cut while TLS begins; any other failure there is an answer of something that speaks TLS.
_CUT_IN_TLS = ("closed by the server", "ECONNRESET", "EOF")


@dataclass(frozen=True, slots=True)
class Evidence:
    """All that is known of one check. `online`: this machine has a usable source address. `now`: its
    beginning, in UTC. `fetched`: what was wanted and has come, or cannot be had; `complete`: nothing more can be had.
    `disturbed`: what happened to this machine meanwhile. `timing`: the times of the check.
    """

    target: Target
    options: Options
    names: tuple[NameAnswer, ...]
    observations: tuple[Observation, ...]
    online: bool
    now: datetime
    machine: Machine = _NOWHERE
    portal: Portal | None = None
    proxy: ProxyState | None = None
    name_servers: tuple[NameServer, ...] = ()
    trace: TraceState = "unasked"
    offers: tuple[Offer, ...] = ()
    lookups: tuple[Lookup, ...] = ()
    fetched: frozenset[EvidenceRequest] = frozenset()
    disturbed: Disturbance | None = None
    complete: bool = False
    timing: Timing = field(default_factory=timings.usual)

    @classmethod
    def of(cls, report: Report) -> "Evidence":
        """The evidence of a saved report."""
        return cls(
            target=report.target,
            options=report.options,
            names=report.names,
            observations=report.observations,
            online=report.online,
            now=datetime.fromisoformat(report.started_at),
            machine=report.machine,
            portal=report.portal,
            proxy=report.proxy,
            name_servers=report.name_servers,
            trace=report.trace,
            offers=report.offers,
            lookups=report.lookups,
            disturbed=report.disturbed,
            complete=True,
        )

    @property
    def ours(self) -> tuple[Observation, ...]:
        """Everything seen at the target's own hosts: for a server or an endpoint, the host that was typed."""
        typed = self.target.host if self.target.kind in ("server", "endpoint") else None
        return tuple(o for o in self.observations if o.role == "target" and typed in (None, o.host))

    @property
    def by_dns(self) -> tuple[Observation, ...]:
        """What was seen at the addresses that DNS has for a host, and this system has not."""
        return tuple(o for o in self.observations if o.role == "control" and o.source == "dns")

    @property
    def tried(self) -> tuple[Observation, ...]:
        """The target's own observations, without controls; of the web's ports those only that were asked for."""
        return tuple(o for o in self.ours if o.port not in web_ports() or self.asks_for(o.port))

    @property
    def others(self) -> tuple[Observation, ...]:
        """What was seen at other hosts, which may be meant instead of the one that was typed."""
        ours = {o.host for o in self.ours} | {self.target.host}
        return tuple(o for o in self.observations if o.role == "target" and o.host not in ours)

    @property
    def asked(self) -> tuple[Observation, ...]:
        """For an endpoint, the observations of the port that was asked for; else all of the target's."""
        if self.target.port is None:
            return self.tried
        return tuple(observation for observation in self.tried if observation.port == self.target.port)

    @property
    def canary(self) -> tuple[Observation, ...]:
        """What was seen at the addresses at which nobody can answer."""
        return tuple(o for o in self.observations if o.role == "canary")

    @property
    def relay(self) -> tuple[Observation, ...]:
        """What was seen of the provider's relay."""
        return tuple(o for o in self.observations if o.role == "relay")

    @property
    def gateway(self) -> tuple[Observation, ...]:
        """What the home box itself answered."""
        return tuple(o for o in self.observations if o.role == "control" and o.source == "gateway")

    @property
    def own_names(self) -> list[NameAnswer]:
        """What the system said for the target's sake: no names that must not exist, nothing that others say."""
        answers = [answer for answer in self.names if answer.source not in _ASIDE]
        if self.target.kind in ("server", "endpoint"):
            answers = [answer for answer in answers if answer.name in (self.target.host, self.target.domain)]
        return answers

    def asks_for(self, port: int) -> bool:
        """Whether the user named that port."""
        return port == self.target.port or port in (self.options.ports or ())


@dataclass(frozen=True, slots=True)
class Conclusion:
    """What was concluded; `verdict` is one of the findings. `wanted`: evidence that would tell more. `way`: where
    connections stop, None where they do not, or where nobody knows.
    """

    findings: tuple[Finding, ...]
    verdict: Verdict
    settings: Settings
    wanted: frozenset[EvidenceRequest] = frozenset()
    way: Way | None = None


@cache
def web_ports() -> frozenset[int]:
    """The ports that show whether a host is up at all."""
    return frozenset(row.number for row in ports.known() if row.dialogue == "http")


def is_web(observation: Observation) -> bool:
    """Whether the port is one of the web's."""
    return observation.port in web_ports()


def direction(observation: Observation) -> str:
    """What the port is for: outgoing, incoming, filters or other."""
    row = ports.row_of(observation)
    return row.direction if row else "other"


def answers(observation: Observation) -> bool:
    """Whether the expected protocol greeted us, and talked with us to the end."""
    return observation.state == "open" and observation.greeting_kind == "accepted" and not observation.cut


def encrypted(observation: Observation) -> bool:
    """Whether a handshake without any fault protects the dialogue."""
    tls = observation.tls
    return (
        observation.security in ("tls", "starttls")
        and tls is not None
        and tls.version in ("TLSv1.2", "TLSv1.3")
        and tls.trusted is True
        and tls.name_ok is True
        and tls.fault is None
    )


def well(observation: Observation) -> bool:
    """Whether an endpoint did all that is expected of it."""
    row = ports.row_of(observation)
    clear = row is not None and row.begins == "none"
    return answers(observation) and (clear or encrypted(observation))


def verified(observation: Observation) -> bool:
    """`verified` (docs/contract.md 2.3): reached, the protocol answered, encrypted, with a good certificate."""
    return answers(observation) and encrypted(observation)


def spoke(observation: Observation) -> bool:
    """Whether somebody said something of the expected kind: any greeting, be it a refusal, or a TLS handshake's. That a
    port opens is not enough: a proxy on the way opens in anybody's name.
    """
    if observation.state != "open":
        return False
    if observation.greeting_kind in ("accepted", "busy", "refused"):
        return True
    return observation.tls is not None and not cut_in_tls(observation)


def cut_in_tls(observation: Observation) -> bool:
    """Whether the connection was cut while TLS began."""
    tls = observation.tls
    return (
        tls is not None
        and tls.version is None
        and tls.fault == "tls-failed"
        and any(word in (tls.alert or "") for word in _CUT_IN_TLS)
    )


def refused_by_target(observation: Observation) -> bool:
    """Whether the refusal came from the target's address: a reset, or an ICMP error of its own, whatever its code (a
    firewall there). An ICMP error of somebody on the way does not say that.
    """
    own_error = observation.reporter is not None and observation.reporter == observation.address
    return reset(observation) or own_error


def reset(observation: Observation) -> bool:
    """Whether a TCP reset answered the SYN. It bears the target's address, whoever sent it."""
    return observation.state == "refused" and observation.reporter is None


def reached(observation: Observation) -> bool:
    """Whether something came back in the target's name: data, a reset, or an ICMP error of its own."""
    return observation.state in ("open", "reset") or refused_by_target(observation)


def settled(observation: Observation) -> bool:
    """Whether it is a result of this check. Silence is one only after several attempts, or more than 3 s with one: a
    SYN can be lost, and a budget can end early. The silence of an open port is one after some seconds. The usual times
    decide: a saved report does not hold those of its check.
    """
    if observation.provisional or observation.cached:
        return False
    stages = observation.stages
    if observation.state == "open" and (observation.greeting_kind == "silent" or stalled(observation)):
        spoken = observation.greeting_kind == "accepted"
        waits = (stages.tls_ms,) if spoken else (stages.greeting_ms, stages.tls_ms)
        waited = [wait for wait in waits if wait is not None]
        return not waited or max(waited) >= timings.usual().dialogue.slow * 1000
    connect = timings.usual().connect
    patience_ms = min(3.0, connect.give_up) * 1000
    waited_ms = stages.connect_ms or 0
    return observation.state != "no-answer" or observation.attempts >= len(connect.attempts) or waited_ms >= patience_ms


def needed(observation: Observation, evidence: Evidence) -> bool:
    """Whether a failure is news: a port that servers seldom offer is missed only where it was asked for."""
    row = ports.row_of(observation)
    return row is None or not row.optional or evidence.asks_for(observation.port)
