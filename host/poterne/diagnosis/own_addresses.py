"""Addresses of this line: this computer's own, and those at which its router itself answers."""

import ipaddress
from functools import cached_property
from typing import Literal

from poterne.diagnosis.controls import Controls
from poterne.diagnosis.evidence import Evidence, is_web
from poterne.diagnosis.failures import Failures
from poterne.diagnosis.target_seen import TargetSeen
from poterne.report import Observation

Owner = Literal["computer", "router"]


class OwnAddresses:
    """Whose the target's addresses are, as far as that is known or a trace shows it."""

    def __init__(self, evidence: Evidence, target: TargetSeen, controls: Controls, failures: Failures) -> None:
        self._evidence = evidence
        self._target = target
        self._controls = controls
        self._failures = failures

    def owner(self, seen: Observation) -> Owner | None:
        """Who of this line has the address of an observation; None where nothing shows that it is one of ours."""
        address = seen.address.partition("%")[0]
        if ipaddress.ip_address(address).is_loopback:
            return None
        if address in self._known["computer"]:
            return "computer"
        return "router" if self.is_known(seen) or seen.address in self._answered_by_the_router else None

    def is_known(self, seen: Observation) -> bool:
        """Whether the address is known as one of this computer's or its router's, without a trace to it."""
        address = seen.address.partition("%")[0]
        return any(address in known for known in self._known.values()) and not ipaddress.ip_address(address).is_loopback

    @cached_property
    def _known(self) -> dict[Owner, frozenset[str]]:
        machine = self._evidence.machine
        first = self._failures.first_hops
        routers = {*machine.gateways, *first[4], *first[6]}
        return {
            "computer": frozenset(address.partition("%")[0] for address in machine.addresses),
            "router": frozenset(address.partition("%")[0] for address in routers),
        }

    @cached_property
    def _answered_by_the_router(self) -> frozenset[str]:
        """Addresses of the target for which the first hop answers on every port that was traced, a web port among them,
        while controls answer: a firewall in the router would let the web pass, and says nothing of other ports.
        """
        paths: dict[str, list[Observation]] = {}
        for seen in self._target.seen:
            if seen.path:
                paths.setdefault(seen.address, []).append(seen)
        return frozenset(
            address
            for address, there in paths.items()
            if any(map(is_web, there))
            and len({o.port for o in there}) > 1
            and all(map(_ends_at_the_first_hop, there))
            and any(o.family == there[0].family for o in self._controls.living)
        )


def _ends_at_the_first_hop(seen: Observation) -> bool:
    """Whether the first hop, and nobody before or behind it, answered in the name of the address."""
    answers = [hop for hop in seen.path if hop.answer != "silent"]
    return bool(answers) and all(
        hop.hop == 1
        and (hop.answer in ("refused", "open") or (hop.answer == "prohibited" and hop.address == seen.address))
        for hop in answers
    )
