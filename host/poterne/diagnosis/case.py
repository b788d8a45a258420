"""One check's evidence, with everything that rules ask of it."""

from collections.abc import Iterable
from typing import NamedTuple

from poterne.diagnosis.controls import Controls
from poterne.diagnosis.evidence import Evidence
from poterne.diagnosis.evidence_request import EvidenceRequest
from poterne.diagnosis.failures import Failures
from poterne.diagnosis.impostors import Impostors
from poterne.diagnosis.invented import InventedNames
from poterne.diagnosis.limits import Limits
from poterne.diagnosis.nearest import Nearest
from poterne.diagnosis.own_addresses import OwnAddresses
from poterne.diagnosis.paths import Paths
from poterne.diagnosis.shared import SharedFailures
from poterne.diagnosis.target_seen import TargetSeen
from poterne.knowledge import ports

# On these some controls are asked from the beginning.
_BEGUN = (25, 587)


class Case(NamedTuple):
    """One check, arranged for judging. Nothing is computed that no rule asks for, and nothing twice.

    target     what was seen of the target itself
    controls   servers of other operators: who is alive, who answers where
    failures   how a connection failed, and who says so
    limits     whether packets are lost or connections limited, so that failures say less than they seem to
    paths      what traces show
    shared     what fails alike at the target and the controls, and what that proves
    nearest    signs that this machine or the home box is what refuses
    impostors  who answers in the servers' place
    own        whether an address is this line's own
    invented   whether the resolver invents addresses
    """

    evidence: Evidence
    target: TargetSeen
    controls: Controls
    failures: Failures
    limits: Limits
    paths: Paths
    shared: SharedFailures
    nearest: Nearest
    impostors: Impostors
    own: OwnAddresses
    invented: InventedNames

    @classmethod
    def of(cls, evidence: Evidence) -> "Case":
        """The case that evidence makes."""
        target, controls = TargetSeen(evidence), Controls(evidence)
        failures = Failures(evidence, target, controls)
        limits = Limits(evidence, target, controls, failures)
        paths = Paths(evidence, target, failures, limits)
        shared = SharedFailures(
            evidence, target=target, controls=controls, failures=failures, limits=limits, paths=paths
        )
        return cls(
            evidence=evidence,
            target=target,
            controls=controls,
            failures=failures,
            limits=limits,
            paths=paths,
            shared=shared,
            nearest=Nearest(
                evidence, target=target, controls=controls, failures=failures, limits=limits, shared=shared
            ),
            impostors=Impostors(evidence, target, controls, limits),
            own=OwnAddresses(evidence, target, controls, failures),
            invented=InventedNames(evidence, target),
        )

    def want(self, *wants: EvidenceRequest) -> Iterable[EvidenceRequest]:
        """Those that can still be had."""
        evidence = self.evidence
        return () if evidence.complete else [want for want in wants if want not in evidence.fetched]

    def want_controls(self, port: int) -> Iterable[EvidenceRequest]:
        """The controls on a port; some are asked on 25 and 587 from the beginning. On a port that the table does not
        name nobody is known to answer, so that nothing can be held against anybody.
        """
        if ports.facts(port) is None:
            return ()
        return self.want(EvidenceRequest("controls", port=None if port in _BEGUN else port))
