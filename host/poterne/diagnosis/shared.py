"""What fails alike: the failures that the target shares with the controls, and what each of them proves."""

from collections.abc import Iterable
from dataclasses import dataclass

from poterne.diagnosis.controls import Controls, FamilyPort
from poterne.diagnosis.evidence import Evidence, settled, spoke
from poterne.diagnosis.failures import REPORTED, Failures, Signature, clears
from poterne.diagnosis.limits import Limits
from poterne.diagnosis.operators import independent, serves
from poterne.diagnosis.paths import Paths
from poterne.diagnosis.stages import wordless
from poterne.diagnosis.target_seen import TargetSeen
from poterne.report import Confidence, Family, Observation


@dataclass(frozen=True, slots=True)
class SharedFailure:
    """A failure on one port and family that the target shares with every live control that vouches for the port.

    `failing` are the target's observations, `controls` those of the controls, `count` how many operators these are.
    `shaky`: what has to be seen once more. `most`: what it may prove at most.
    """

    signature: Signature
    failing: tuple[Observation, ...]
    controls: tuple[Observation, ...]
    count: int
    shaky: tuple[Observation, ...] = ()
    most: Confidence = "certain"

    @property
    def confidence(self) -> Confidence | None:
        """What so many controls prove: three certain, two likely, fewer nothing; nothing either before a second look,
        where one is due.
        """
        if self.count < 2 or self.shaky:
            return None
        return self.most if self.count >= 3 or self.most == "possible" else "likely"


class SharedFailures:
    """What the target's failures have in common with those of the controls."""

    def __init__(
        self,
        evidence: Evidence,
        *,
        target: TargetSeen,
        controls: Controls,
        failures: Failures,
        limits: Limits,
        paths: Paths,
    ) -> None:
        self._evidence = evidence
        self._target = target
        self._controls = controls
        self._failures = failures
        self._limits = limits
        self._paths = paths
        self._known: dict[FamilyPort, SharedFailure | None] = {}

    def on(self, family: Family, port: int) -> SharedFailure | None:
        """The failure on that port that the target and the controls have in common; None where there is none, where
        anybody got through, or where it is not known of everybody yet.
        """
        if (family, port) not in self._known:
            self._known[family, port] = self._compare(family, port)
        return self._known[family, port]

    def _compare(self, family: Family, port: int) -> SharedFailure | None:
        here = [o for o in self._target.seen if (o.family, o.port) == (family, port)]
        failing = tuple(o for o in here if settled(o) and not spoke(o))
        judged = self._controls.vouching(family, port)
        signature = self._shared(failing, judged, family, port)
        if signature is None or not self._closed(here, family, port, signature):
            return None
        fits = (signature, "silent") if signature in REPORTED else (signature,)
        if any(not o.cached and (not settled(o) or self._failures.greeting_signature(o) not in fits) for o in judged):
            return None
        if signature != "silent" and (self._limits.limited(family, port, signature) or self._limits.picks(signature)):
            return None  # at once, and to some only: a second look proves no more than the first
        controls = tuple(o for o in judged if settled(o))
        shaky = self._limits.shaky(family, port, controls, signature)
        most = self._most(failing, controls, signature)
        return SharedFailure(signature, failing, controls, independent(controls), shaky, most)

    def _common(self, failing: tuple[Observation, ...], judged: list[Observation]) -> Signature | None:
        """How all of them failed. Routers send few ICMP errors a second (RFC 1812 section 4.3.2.8), so that silence
        beside the errors of one router, who reported a control too, be it on another port, is the same failure.
        """
        ours = {self._failures.greeting_signature(o) for o in failing}
        reports = [o for o in (*failing, *judged) if self._failures.signature(o) in REPORTED]
        kinds = {self._failures.signature(o) for o in reports}
        reporters = {(o.family, o.reporter) for o in reports}
        one = len(kinds) == len(reporters) == 1 and ours <= {"silent", *kinds}
        if one and ours and any((o.family, o.reporter) in reporters for o in self._controls.seen):
            return kinds.pop()
        if len(ours) != 1:
            return None
        how = ours.pop()
        silent = [o for o in judged if self._failures.signature(o) == "silent"]
        if how in REPORTED and silent and not any(self._failures.signature(o) == how for o in self._controls.seen):
            return None  # nobody but the target is reported: the controls' silence has another reason
        return how

    def _shared(
        self, failing: tuple[Observation, ...], judged: list[Observation], family: Family, port: int
    ) -> Signature | None:
        """The one way in which all of them fail, if that says anything."""
        signature = self._common(failing, judged)
        if signature in ("mute", "silent") and self._limits.unreliable(family):
            return None
        mute = [o for o in (*failing, *judged) if self._failures.signature(o) == "mute"]
        if signature == "mute" and not all(map(wordless, mute)):
            return None  # a stalled handshake, or somebody who is slow to end a greeting
        if signature in ("mute", "cut") and not self._failures.proxied(port):
            # Whatever opens there alone, and for everybody, is somebody who answers in the servers' place.
            return None if any(o.state == "open" and o.port == port for o in self._evidence.canary) else signature
        return signature

    def _closed(self, here: list[Observation], family: Family, port: int, signature: Signature) -> bool:
        """Whether nobody gets through on a port, while the target answers on another."""
        others = [o for o in self._evidence.others if (o.family, o.port) == (family, port)]
        if any(clears(o, signature) for o in (*here, *others, *self._controls.on(family, port))):
            return False
        silent = signature in ("silent", "way", "gateway", "own")
        return any(self._target.answers_elsewhere(o, resets=silent) for o in here)

    def _most(
        self, failing: tuple[Observation, ...], controls: tuple[Observation, ...], signature: Signature
    ) -> Confidence:
        """What a failure in common proves at most.

        Possible only: where a trace met the first router on neither way, so that it cannot clear this machine; where
        only two controls say no word. Likely: what `_doubtful` says. On a port that the controls are not known to serve
        it is certain only where a router rejects it, or silence begins on the way (a reset is held against more than
        controls, where such a port is judged).
        """
        port = failing[0].port
        if signature == "silent" and any(self._paths.begins_unseen(o) for o in failing):
            return "possible"
        if signature == "mute" and independent(controls) < 3:
            return "possible"
        if self._doubtful(failing, signature):
            return "likely"
        known = independent(o for o in controls if serves(o, port) or self._served_once(o))
        if known >= 3 or signature in ("way", "refused") or any(self._paths.stops_midway(o) for o in failing):
            return "certain"
        return "likely"

    def _doubtful(self, failing: tuple[Observation, ...], signature: Signature) -> bool:
        """Whether something else may be behind it. A proxy that answers for everybody may be what fails. Servers may
        take minutes to greet (RFC 5321 section 4.5.3.2.1), and look up names as slowly as one another. Where the way
        out has no gateway, and no trace shows that anything leaves this machine, it may be this machine. Where this
        machine has reached that port of somebody a moment before, other than the relay's, it may be a limit that was
        spent by then.
        """
        port, family = failing[0].port, failing[0].family
        if signature == "mute" or (signature == "cut" and self._failures.proxied(port)):
            return True
        machine = self._evidence.machine
        passed = any(hop.answer == "time-exceeded" for o in failing for hop in o.path)
        unshown = not passed and bool(machine.networks) and not _of_family(machine.gateways, family)
        spent = port in machine.reached_ports and not any(spoke(o) for o in self._evidence.relay)
        return signature == "silent" and (unshown or spent)

    def _served_once(self, control: Observation) -> bool:
        """Whether it answered on that port at all, be it in the other family, or a minute ago."""
        return any(o.host == control.host and o.port == control.port and spoke(o) for o in self._controls.seen)


def _of_family(addresses: Iterable[str], family: Family) -> list[str]:
    return [address for address in addresses if (":" in address) == (family == 6)]
