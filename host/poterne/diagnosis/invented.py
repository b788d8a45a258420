"""A resolver that invents addresses."""

from functools import cached_property

from poterne.diagnosis.evidence import Evidence, verified
from poterne.diagnosis.target_seen import TargetSeen
from poterne.report import Confidence, NameAnswer
from poterne.target.hosts import is_within


class InventedNames:
    """Labels that must not exist and have addresses all the same."""

    def __init__(self, evidence: Evidence, target: TargetSeen) -> None:
        self._evidence = evidence
        self._target = target

    @cached_property
    def typed(self) -> frozenset[str]:
        """The names that the target is known by."""
        return frozenset(name for name in (self._evidence.target.host, self._evidence.target.domain) if name)

    @cached_property
    def _invented(self) -> list[NameAnswer]:
        return [answer for answer in self._evidence.names if answer.source == "random" and answer.addresses]

    @cached_property
    def _false(self) -> frozenset[str]:
        """The invented addresses; none of labels in the target's own zone, which may have a wildcard (RFC 4592)."""
        foreign = [answer for answer in self._invented if not self._in_our_zone(answer.name)]
        return frozenset(address for answer in foreign for address in answer.addresses)

    @cached_property
    def _ours(self) -> frozenset[str]:
        """The target's addresses."""
        answers = [answer for answer in self._evidence.own_names if answer.name in self.typed]
        named = {address for answer in answers for address in answer.addresses}
        return frozenset(named | {o.address for o in self._target.seen})

    @cached_property
    def confidence(self) -> Confidence | None:
        """How sure it is that the resolver invents addresses: certain by two labels, likely by one that has the
        target's addresses, None where nothing shows it.
        """
        if not self._false:
            return None
        if len({answer.name for answer in self._invented}) >= 2:
            return "certain"
        return "likely" if self._ours & self._false else None

    @cached_property
    def caught(self) -> bool:
        """Whether the target has no other addresses than invented ones, so that it does not exist either."""
        if self.confidence is None:
            return False
        works = any(verified(o) for o in self._target.tried)
        return bool(self._ours) and self._ours <= self._false and not works

    def _in_our_zone(self, label: str) -> bool:
        """Whether the zone that a label was invented in holds the target too; a top-level domain is nobody's own."""
        zone = label.partition(".")[2]
        return "." in zone and any(is_within(name, zone) for name in self.typed)
