"""What the rules look at, and what they say."""

from dataclasses import dataclass
from datetime import datetime

from poterne import ports
from poterne.model import Finding, NameAnswer, Observation, Options, Report, Settings, Target, Verdict


@dataclass(frozen=True, slots=True)
class Evidence:
    """All that is known of one check. `online`: this machine has a usable source address. `now`: its
    beginning, in UTC.
    """

    target: Target
    options: Options
    names: tuple[NameAnswer, ...]
    observations: tuple[Observation, ...]
    online: bool
    now: datetime

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
        )

    @property
    def tried(self) -> tuple[Observation, ...]:
        """The target's own observations, without controls."""
        return tuple(observation for observation in self.observations if observation.role == "target")

    @property
    def asked(self) -> tuple[Observation, ...]:
        """For an endpoint, the observations of the port that was asked for; else all of the target's."""
        if self.target.port is None:
            return self.tried
        return tuple(observation for observation in self.tried if observation.port == self.target.port)


@dataclass(frozen=True, slots=True)
class Conclusion:
    """What was concluded; `verdict` is one of the findings."""

    findings: tuple[Finding, ...]
    verdict: Verdict
    settings: Settings


def direction(observation: Observation) -> str:
    """What the port is for: outgoing, incoming, filters or other."""
    row = ports.facts(observation.port)
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


def verified(observation: Observation) -> bool:
    """DESIGN's `verified`: reached, the protocol answered, encrypted and trusted, the certificate names the host."""
    return answers(observation) and encrypted(observation)
