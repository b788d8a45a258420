"""How far connections come: the target is held against the controls at the same stage."""

from typing import Any

import pytest
from tests.unit.core_observations import (
    BOX,
    CONTROLS,
    GOOD_TLS,
    HOST,
    RELAY,
    World,
    blockers,
    broken_off,
    found,
    mute,
    plain,
    report_of,
    seen,
    spoilt,
    stalled,
    unreached,
)

from poterne.diagnosis import EvidenceRequest
from poterne.diagnosis.stages import fell_silent, shook_hands, stage, through, wordless
from poterne.report import Family, Observation, Stages
from poterne.told import retold

ALPHA, BETA, GAMMA = CONTROLS
STALLED, BLOCKED = "tls-stalled", "port25-blocked"
_CLOSED: dict[str, Any] = {"greeting_kind": "closed", "error": "closed by the server"}


@pytest.mark.parametrize(
    ("observation", "where", "silent"),
    [
        (seen(465), "through", False),
        (seen(587), "through", False),
        (plain(587), "through", False),
        (seen(25, greeting="554 no", greeting_kind="refused", tls=None, security="none"), "through", False),
        (spoilt(465, "cert-expired"), "through", False),
        (unreached(25, "no-answer"), "connection", False),
        (unreached(25, "reset"), "greeting", False),
        (unreached(465, "reset"), "handshake", False),
        (mute(25), "greeting", True),
        (mute(25, **_CLOSED), "greeting", False),
        (mute(465, tls=GOOD_TLS, stages=Stages(tls_ms=20, greeting_ms=6500)), "greeting", True),
        (stalled(465), "handshake", True),
        (stalled(587), "handshake", True),
        (stalled(587, tls=None, cut=True, error="the budget ended"), "handshake", True),
        (spoilt(465, "tls-failed"), "handshake", False),
        (spoilt(587, "tls-failed"), "handshake", False),
        (broken_off(25), "dialogue", False),
        (broken_off(25, error="no answer in 12 s"), "dialogue", True),
        (broken_off(25, starttls="silent", error="no answer to STARTTLS in 12 s"), "dialogue", True),
    ],
)
def test_the_stage_at_which_a_connection_ends(observation: Observation, where: str, silent: bool) -> None:
    assert (stage(observation), fell_silent(observation)) == (where, silent)
    assert through(observation) is (where == "through")


def test_an_answer_to_a_handshake_may_be_an_alert() -> None:
    assert shook_hands(seen(465))
    assert shook_hands(spoilt(587, "tls-failed"))
    assert not shook_hands(stalled(587))
    assert not shook_hands(stalled(465))


def test_a_greeting_of_which_a_part_came_is_not_wordless() -> None:
    assert wordless(mute(25))
    assert not wordless(mute(25, greeting="220-please"))


# ---- handshakes


@pytest.mark.parametrize(("controls", "confidence"), [(3, "certain"), (2, "likely")])
def test_handshakes_that_stall_for_everybody_are_the_networks(controls: int, confidence: str) -> None:
    world = World(controls=CONTROLS[:controls]).change(stalled)
    assert world.codes == {STALLED}
    finding = found(world.conclusion, STALLED)
    assert (finding.confidence, finding.severity, finding.family) == (confidence, "blocker", None)
    assert finding.params["ports"] == (25, 465, 587, 993)
    assert not [want for want in world.wanted if want.port]


def test_one_control_proves_nothing() -> None:
    world = World(controls=CONTROLS[:1]).change(stalled)
    assert STALLED not in world.codes
    assert "tls-failed" in world.codes


@pytest.mark.parametrize("who", [ALPHA, BETA, GAMMA])
def test_a_control_that_shakes_hands_on_that_port_clears_the_network(who: str) -> None:
    """The server's own trouble: an MTU that is smaller on the way to it alone, say."""
    world = World().change(stalled, 587).change(seen, 587, who=who)
    assert STALLED not in world.codes
    assert found(world.conclusion, "tls-failed").port == 587


def test_a_control_that_stalls_alone_accuses_nobody() -> None:
    assert World().change(stalled, who=ALPHA).codes == {"ok"}
    assert STALLED not in World().change(stalled, who="target").change(stalled, who=ALPHA).codes


def test_one_family_is_named() -> None:
    families: tuple[Family, ...] = (4, 6)
    for family in families:
        world = World(families=families).change(stalled, family=family)
        assert world.codes == {STALLED, "ok"}
        assert found(world.conclusion, STALLED).family == family
    assert found(World(families=families).change(stalled).conclusion, STALLED).family is None


def test_on_one_port_the_others_are_no_comparison() -> None:
    usual = EvidenceRequest("controls")
    world = World().change(stalled, 465)
    assert STALLED not in world.codes
    assert usual in world.wanted
    assert EvidenceRequest("controls", port=465) in world.with_(fetched=[usual]).wanted
    with_465 = World(control_ports=(25, 465, 587)).change(stalled, 465)
    assert with_465.codes == {STALLED, "ok"}
    assert found(with_465.conclusion, STALLED).params["ports"] == (465,)


def test_a_port_of_tls_alone_is_held_against_handshakes_elsewhere() -> None:
    world = World(target=f"{HOST}:465", ports=(465,)).change(stalled)
    assert blockers(world.conclusion) == {STALLED}


def test_a_proxy_that_opens_for_everybody_may_be_what_stalls() -> None:
    world = World().change(stalled).canary(25, "open").canary(465, "open")
    assert STALLED not in world.codes


def test_a_stall_of_a_moment_is_none() -> None:
    short = {"stages": Stages(connect_ms=10, greeting_ms=20, tls_ms=2000)}
    assert STALLED not in World().change(lambda port, **place: stalled(port, **place, **short)).codes


def test_controls_whose_handshakes_are_answered_by_an_alert_do_not_stall() -> None:
    failed = (
        World()
        .change(stalled, who="target")
        .change(lambda port, **place: spoilt(port, "tls-failed", **place), who="controls")
    )
    assert STALLED not in failed.codes


# ---- no byte of anybody


@pytest.mark.parametrize(("controls", "confidence"), [(3, "likely"), (2, "possible")])
def test_no_byte_of_anybody_on_25_is_the_networks(controls: int, confidence: str) -> None:
    world = World(controls=CONTROLS[:controls]).change(mute, 25).canary(25).canary(465)
    assert world.codes == {BLOCKED, "ok"}
    assert world.confidence(BLOCKED) == confidence


@pytest.mark.parametrize("greeting", ["220-wait", None])
def test_one_greeting_is_enough_to_clear_the_network(greeting: str | None) -> None:
    def speaks(port: int, **place: Any) -> Observation:
        return mute(port, greeting=greeting, **place) if greeting else seen(port, **place)

    world = World().change(mute, 25).change(speaks, 25, who=BETA)
    assert BLOCKED not in world.codes
    assert "no-greeting" in world.codes


def test_a_server_that_is_slow_alone_is_no_block() -> None:
    assert World().change(mute, 25, who="target").codes == {"no-greeting", "ok"}


def test_where_the_canary_opens_too_somebody_answers_in_the_servers_place() -> None:
    world = World().change(mute, 25).canary(25, "open").canary(465)
    assert world.codes == {"smtp-intercepted", "ok"}


def test_another_port_on_which_nobody_says_a_word_is_blocked_likewise() -> None:
    world = World().change(mute, 587).canary(587)
    assert world.codes == {"port-blocked", "ok"}
    assert world.confidence("port-blocked") == "likely"


# ---- greeted, and broken off


def test_a_dialogue_that_breaks_off_for_everybody_is_not_the_servers() -> None:
    world = World().change(broken_off, 25)
    assert world.codes == {"unproven", "ok"}
    one = World().change(broken_off, 25, who="target").change(broken_off, 25, who=ALPHA)
    assert "connection-cut" in one.codes


# ---- accepted, and cut


@pytest.mark.parametrize(("controls", "confidence"), [(3, "certain"), (2, "certain"), (1, "likely")])
def test_what_is_cut_at_once_where_controls_answer_is_the_servers(controls: int, confidence: str) -> None:
    world = World(controls=CONTROLS[:controls]).fail("reset", 25, 587, who="target")
    finding = found(world.conclusion, "connection-cut")
    assert (finding.confidence, finding.params["at_once"]) == (confidence, True)
    assert "unproven" not in world.codes


def test_without_controls_on_that_port_nobody_is_accused_of_a_cut() -> None:
    assert "connection-cut" not in World(controls=()).fail("reset", 587, who="target").codes
    assert "connection-cut" not in World().fail("reset", 587).codes
    mixed = World().fail("reset", 587, who="target").fail("reset", 587, who=ALPHA)
    assert "connection-cut" not in mixed.codes


def test_a_port_of_tls_that_is_cut_alone_may_dislike_what_we_say() -> None:
    ports = (25, 465, 587)
    alone = World(control_ports=ports).fail("reset", 465, who="target")
    assert "tls-failed" in alone.codes
    both = World(control_ports=ports).fail("reset", 465, 587, who="target")
    assert found(both.conclusion, "connection-cut").params["ports"] == (465, 587)
    assert "tls-failed" not in both.codes


# ---- offers that somebody writes over

_X = {"capabilities": ("SIZE", "XXXXXXXA"), "capabilities_clear": ("SIZE", "XXXXXXXA")}


@pytest.mark.parametrize("sign", [_X, {"greeting": "220 ********************0*2******0***0"}])
def test_a_filter_before_one_server_hides_its_encryption(sign: dict[str, Any]) -> None:
    world = World().change(lambda port, **place: plain(port, **{**place, **sign}), 25, who="target")
    assert world.codes == {"tls-failed", "ok"}
    finding = found(world.conclusion, "tls-failed")
    assert (finding.port, finding.params["masked"]) == (25, True)
    told = retold(report_of(world.evidence)).findings
    (says,) = [each.says for each in told if each.code == "tls-failed"]
    assert says is not None
    assert says.key == "tls_failed_masked"


@pytest.mark.parametrize("greeting", ["220 mail ESMTP", "220 *** welcome ***", "220 2", "220"])
def test_a_server_without_encryption_is_not_masked(greeting: str) -> None:
    world = World().change(lambda port, **place: plain(port, **{**place, "greeting": greeting}), 25, who="target")
    assert world.codes == {"plaintext-only", "ok"}


def test_what_is_stripped_is_not_said_of_the_server_on_any_port() -> None:
    world = World(ports=(25, 110, 143, 465, 587, 993)).change(plain, 25, 110, 143, 587)
    assert world.codes == {"starttls-stripped", "ok"}
    offering = world.add(*(World.control(host, 143) for host in CONTROLS))
    assert found(offering.conclusion, "plaintext-only").params["ports"] == (143,)


# ---- somebody else's certificate


def _of_the_relay(port: int, **place: Any) -> Observation:
    return spoilt(port, "cert-name-mismatch", **{**place, "greeting": f"220 {RELAY} ESMTP"})


def test_a_certificate_for_another_name_on_one_port_is_held_against_others() -> None:
    world = World(controls=()).change(_of_the_relay, 25)
    wanted = {EvidenceRequest("controls"), EvidenceRequest("canary", port=25)}
    assert wanted <= world.wanted
    everywhere = World(controls=()).change(lambda port, **place: spoilt(port, "cert-name-mismatch", **place))
    assert EvidenceRequest("canary", port=25) not in everywhere.wanted


def test_a_relay_that_answers_in_everybodys_place_is_an_interceptor() -> None:
    world = World(controls=()).change(_of_the_relay, 25).change({"greeting": "220 mail.example.org ESMTP"}, 465, 587)
    world.relay(greeting=f"220 {RELAY} ESMTP")
    assert world.codes == {"smtp-intercepted", "ok"}
    assert found(world.conclusion, "smtp-intercepted").params["ports"] == (25,)


def test_the_relay_itself_is_no_interceptor() -> None:
    world = World(controls=()).relay(greeting=f"220 {RELAY} ESMTP")
    world.change({"greeting": f"220 {RELAY} ESMTP"}, 25, 465, 587, who="target")
    assert world.codes == {"ok"}


def test_the_name_of_an_interceptors_certificate_is_not_the_servers() -> None:
    private = GOOD_TLS.model_copy(
        update={
            "issuer": "Antivirus root", "public_trusted": False, "trusted": False, "name_ok": False,
            "fault": "cert-untrusted", "faults": ("cert-untrusted", "cert-name-mismatch"),
        }
    )  # fmt: skip
    assert World().change({"tls": private}).codes == {"tls-intercepted"}


# ---- what is told of it


def test_the_way_counts_every_port() -> None:
    world = World(target=f"{HOST}:25", control_ports=(25, 465, 587)).silent(25, 587)
    world.change({"greeting": "554 no", "greeting_kind": "refused"}, 465, who="target")
    way = world.conclusion.way
    assert way is not None
    assert (way.stopped, way.passing, way.refused) == ((25, 587), (993,), (465,))


def _named_to_others(world: World) -> Any:
    told = retold(report_of(world.evidence)).told
    assert told is not None
    assert told.message is not None
    return told.message.says[-1].values["HOSTS"]


def test_the_message_names_only_whom_it_rests_on() -> None:
    """Controls that the router let through on that port are none of those that it refused."""
    assert _named_to_others(World(target=f"{HOST}:25").silent(25)) == (HOST, *CONTROLS)
    assert _named_to_others(World().rejected(25, by=BOX, who="target")) == (HOST,)
    world = World().rejected(25, by=BOX, who="target").rejected(25, by=BOX, who=BETA)
    assert _named_to_others(world) == (HOST, BETA)
    assert _named_to_others(World().change(stalled)) == (HOST, *CONTROLS)
