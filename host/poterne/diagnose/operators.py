"""Who is behind the controls, and which of their ports are known to be served."""

from collections.abc import Iterable
from functools import cache

from poterne.knowledge import load
from poterne.model import Observation


def loopback(address: str) -> bool:
    """Whether an address says nothing of who is there: a lab may map everybody to it."""
    return address == "::1" or address.startswith("127.")


@cache
def _defaults() -> dict[str, tuple[str, frozenset[int]]]:
    """Network and ports of the default controls."""
    try:
        rows = load("controls")["control"]
    except (OSError, KeyError):
        return {}
    return {row["host"]: (row["network"], frozenset(row["ports"])) for row in rows}


def vouches(control: Observation, port: int) -> bool:
    """Whether that port of a control is known to be served, so that its failure is news. An administrator vouches for
    every port of the hosts in the policy; the defaults are documented port by port.
    """
    if control.source == "policy":
        return True
    return port in _defaults().get(control.host, ("", frozenset()))[1]


def known_ports(host: str) -> frozenset[int]:
    """The documented ports of a default control."""
    return _defaults().get(host, ("", frozenset()))[1]


def independent(observations: Iterable[Observation]) -> int:
    """How many operators are behind observations: two names of one address, or of one network in the table, are one."""
    known: set[str] = set()
    count = 0
    marks: dict[str, set[str]] = {}
    for seen in observations:
        network = _defaults().get(seen.host, (None, None))[0] if seen.source != "policy" else None
        marks.setdefault(seen.host, {seen.host}).update([f"network {network}"] if network else [])
        if not loopback(seen.address):
            marks[seen.host].add(seen.address)
    for host in sorted(marks):
        if not marks[host] & known:
            count += 1
        known |= marks[host]
    return count
