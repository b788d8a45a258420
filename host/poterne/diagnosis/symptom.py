"""What a rule says: a symptom, that is a finding in the making."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from poterne.diagnosis.evidence_request import EvidenceRequest
from poterne.report import Confidence, Family, Observation, ParamValue


@dataclass(frozen=True, slots=True)
class Symptom:
    """A code with what it is about.

    What one `observation` shows by itself; such symptoms become one finding where they differ by port and family only.
    Or what a comparison of the observations `seen` with others shows, whose ids are `support`: a finding of its own.
    `explains` holds the ids of observations of which nothing shallower needs to be said. `blocks`: whether it keeps the
    target from being used (None: by its ports).
    """

    code: str
    confidence: Confidence
    observation: Observation | None = None
    host: str | None = None
    params: dict[str, ParamValue] = field(default_factory=dict)
    seen: tuple[Observation, ...] = ()
    support: tuple[str, ...] = ()
    family: Family | None = None
    explains: frozenset[str] = frozenset()
    blocks: bool | None = None

    @property
    def compared(self) -> bool:
        """Whether it comes from a comparison."""
        return self.observation is None and bool(self.seen or self.support)


Yields = Iterator[Symptom | EvidenceRequest]
