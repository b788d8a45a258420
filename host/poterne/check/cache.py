"""What controls showed within the last minute on the same network. It may clear a network, never accuse one."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from time import monotonic

from poterne.report import Observation

KEEP_SECONDS = 60.0
MAX_NETWORKS = 8
MAX_OBSERVATIONS = 48


@dataclass(slots=True)
class Cache:
    """Observations of controls that answered well, by the network's key. `clock` gives seconds that never go back."""

    clock: Callable[[], float] = monotonic
    _seen: dict[str, dict[tuple[str, str, int], tuple[float, Observation]]] = field(default_factory=dict)

    def recall(self, network: str | None) -> tuple[Observation, ...]:
        """What was remembered of this network less than KEEP_SECONDS ago, marked as cached, with ids of its own (`k1`,
        …), which those of a check do not meet.
        """
        self._forget()
        kept = self._seen.get(network, {}) if network is not None else {}
        return tuple(
            observation.model_copy(update={"id": f"k{number}", "cached": True})
            for number, (_, observation) in enumerate(kept.values(), start=1)
        )

    def remember(self, network: str | None, observations: Iterable[Observation]) -> None:
        """Keeps those that may clear a network. Without a key nothing is kept: the network could not be told apart."""
        self._forget()
        if network is None:
            return
        now = self.clock()
        kept = self._seen.pop(network, {})
        for seen in observations:
            if _clears(seen):
                kept[seen.host, seen.address, seen.port] = (now, seen)
        if kept:
            self._seen[network] = dict(list(kept.items())[-MAX_OBSERVATIONS:])
        while len(self._seen) > MAX_NETWORKS:
            del self._seen[next(iter(self._seen))]

    def _forget(self) -> None:
        oldest = self.clock() - KEEP_SECONDS
        for network, kept in list(self._seen.items()):
            fresh = {place: entry for place, entry in kept.items() if entry[0] > oldest}
            if fresh:
                self._seen[network] = fresh
            else:
                del self._seen[network]


def _clears(seen: Observation) -> bool:
    """A control of this check that opened, greeted, and showed nothing odd: what is odd would accuse somebody."""
    return (
        seen.role == "control"
        and seen.source not in ("gateway", "dns")
        and not (seen.cached or seen.provisional)
        and seen.state == "open"
        and seen.greeting_kind in (None, "accepted")
        and seen.starttls in (None, "accepted")
        and (seen.tls is None or seen.tls.fault is None)
        and seen.error is None
        and not seen.cut
    )
