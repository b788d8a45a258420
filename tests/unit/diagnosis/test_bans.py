"""A server that counts connections, and bans whoever makes many."""

from typing import Any

import pytest
from tests.unit.core_observations import CONTROLS, HOST, World, found, report_of, seen, unreached

from poterne.diagnosis import EvidenceRequest
from poterne.told import retold

AGAIN = EvidenceRequest("again", observation=f"{HOST}-465-4")
PORTS = (465, 587, 25, 993, 143)
_OPENED = (465, 587)


def banned(state: str = "no-answer", *, controls: int = 3, **changed: Any) -> World:
    """The first two connections were let in, and no later one."""
    world = World(ports=PORTS, controls=CONTROLS[:controls], control_ports=(25, 587, 993, 143))
    return world.fail(state, 25, 993, 143, who="target", **changed)


def second(world: World, state: str | None, **changed: Any) -> World:
    """Port 465 was looked at again."""
    id_ = f"{HOST}-465-4-again"
    how = seen(465, id=id_) if state is None else unreached(465, state, id=id_, **changed)
    return world.add(how)


def test_what_opened_is_looked_at_again_where_other_ports_are_silent() -> None:
    assert AGAIN in banned().wanted
    early = banned(provisional=True, attempts=1)
    assert AGAIN in early.wanted  # so that nobody waits for it


@pytest.mark.parametrize(("controls", "confidence"), [(3, "likely"), (1, "possible")])
@pytest.mark.parametrize(
    ("state", "changed"),
    [("no-answer", {}), ("refused", {"reporter": "192.0.2.7", "error": "ECONNREFUSED (ICMP 3/3)"})],
)
def test_what_opened_and_opens_no_more_shows_a_ban(
    state: str, changed: dict[str, Any], controls: int, confidence: str
) -> None:
    world = second(banned(state, controls=controls, **changed), state, **changed)
    finding = found(world.conclusion, "client-rejected")
    assert (finding.confidence, finding.host) == (confidence, HOST)
    assert (finding.params["tripped"], finding.params["count"]) == (True, len(_OPENED))
    assert not world.codes & {"port-silent", "unproven", "port-closed"}
    assert AGAIN not in world.wanted
    (says,) = [each.says for each in retold(report_of(world.evidence)).findings if each.code == "client-rejected"]
    assert says is not None
    assert says.key == "client_rejected_tripped"


def test_a_server_that_drops_what_it_does_not_offer_bans_nobody() -> None:
    world = second(banned(), None)
    assert "client-rejected" not in world.codes
    assert "port-silent" in world.codes
    assert AGAIN not in world.wanted


def test_one_silent_port_and_closed_ones_are_no_sign() -> None:
    world = World(ports=PORTS).silent(25, who="target").refused(993, 143, who="target")
    assert AGAIN not in world.wanted


def test_without_a_live_control_it_may_be_the_network() -> None:
    assert "client-rejected" not in second(banned(controls=0), "no-answer").codes
