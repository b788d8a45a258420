from typing import Any

import pytest
from tests.unit.core_observations import (
    BOX,
    CONTROLS,
    FURTHER,
    GOOD_TLS,
    HOST,
    ISP,
    MACHINE,
    World,
    blockers,
    broken_off,
    found,
    plain,
    seen,
    spoilt,
    unreached,
)

from poterne.diagnosis import Evidence, EvidenceRequest, diagnose
from poterne.report import Family, Machine, Stages

BLOCKED = "port25-blocked"
NETWORK = {
    "port25-blocked", "port25-relay-only", "port-blocked", "mail-allowlist", "local-firewall", "gateway-firewall",
    "smtp-intercepted", "starttls-stripped", "tls-intercepted",
}  # fmt: skip


def test_where_all_is_well_nobody_is_accused_and_nothing_is_wanted() -> None:
    world = World(families=(4, 6)).canary(25).canary(465)
    assert world.codes == {"ok"}
    assert world.wanted == set()
    assert world.conclusion.way is None


# ---- port 25


@pytest.mark.parametrize(("controls", "confidence"), [(3, "certain"), (2, "likely")])
def test_port_25_is_blocked_where_two_live_controls_fail_alike(controls: int, confidence: str) -> None:
    world = World(controls=CONTROLS[:controls]).silent(25)
    assert world.codes == {BLOCKED, "ok"}
    finding = found(world.conclusion, BLOCKED)
    assert (finding.confidence, finding.severity, finding.port, finding.family) == (confidence, "warning", 25, None)
    assert set(finding.evidence) == {f"{host}-25-4" for host in (HOST, *CONTROLS[:controls])}
    assert world.conclusion.verdict.code == BLOCKED


def test_a_port_that_was_reached_a_moment_before_is_not_blocked_for_certain() -> None:
    """A limit on new connections may have been spent by then. What reached the relay says nothing of others."""
    lately = MACHINE.model_copy(update={"reached_ports": (25,)})
    assert World().silent(25).with_(machine=lately).confidence(BLOCKED) == "likely"
    assert World().silent(25).relay().with_(machine=lately).confidence("port25-relay-only") == "certain"
    elsewhere = MACHINE.model_copy(update={"reached_ports": (443, 587)})
    assert World().silent(25).with_(machine=elsewhere).confidence(BLOCKED) == "certain"


@pytest.mark.parametrize("controls", [0, 1])
def test_one_control_proves_nothing(controls: int) -> None:
    world = World(controls=CONTROLS[:controls]).silent(25)
    assert world.codes == {"unproven", "ok"}
    assert world.conclusion.verdict.code == "ok"
    assert EvidenceRequest("controls") in world.wanted


def test_an_endpoint_on_25_is_unusable_because_of_it() -> None:
    world = World(target=f"{HOST}:25").silent(25)
    assert world.conclusion.verdict.code == BLOCKED
    assert blockers(world.conclusion) == {BLOCKED}
    assert [setting.port for setting in world.conclusion.settings.outgoing] == [465, 587]


@pytest.mark.parametrize(
    ("state", "changed"),
    [
        ("no-answer", {}),
        ("refused", {}),
        ("prohibited", {"reporter": FURTHER[4], "error": "EHOSTUNREACH (ICMP 3/13)"}),
        ("reset", {"error": "ECONNRESET"}),
    ],
)
def test_whatever_way_it_is_blocked_in(state: str, changed: dict[str, Any]) -> None:
    assert World().fail(state, 25, **changed).twice(25).confidence(BLOCKED) == "certain"


@pytest.mark.parametrize("families", [(4,), (4, 6)])
def test_a_refusal_accuses_nobody_before_a_second_look(families: tuple[Family, ...]) -> None:
    """A limit on new connections that refuses answers at once, and this very check may have used it up."""
    world = World(families=families)
    for state, changed in (("refused", {}), ("prohibited", {"reporter": FURTHER[4]}), ("reset", {})):
        once = World(families=families).fail(state, 25, family=4, **changed)
        assert not once.codes & NETWORK
        (again,) = [want.observation for want in once.wanted if want.kind == "again"]  # alone on the wire
        assert again in {f"{host}-25-4" for host in CONTROLS}
        once.add(once.seen[again].model_copy(update={"id": "again"}))
        assert once.confidence(BLOCKED) == "certain"
        let_through = World.control(CONTROLS[1], 25, id="let-through")
        assert BLOCKED not in once.twice(25).add(let_through).codes
    assert world.codes == {"ok"}


def test_servers_that_greet_late_are_no_block() -> None:
    late = {"stages": Stages(connect_ms=10, greeting_ms=12_000)}
    world = World().change(late, 25)
    assert not world.codes & NETWORK
    assert "slow-greeting" in world.codes


def gagged(world: World, *, mute: bool = False) -> World:
    """A proxy nearby opens port 25 for everybody, and nobody greets there."""
    kind: dict[str, Any] = {"greeting_kind": "silent" if mute else "closed"}
    waited = Stages(connect_ms=1, greeting_ms=20_000 if mute else 8000)
    unsaid = {"greeting": None, "tls": None, "capabilities": (), "auth": (), "security": "none", "starttls": None}
    return world.change({**unsaid, **kind, "stages": waited}, 25)


@pytest.mark.parametrize("mute", [False, True])
def test_behind_a_proxy_that_opens_for_everybody_only_greetings_count(mute: bool) -> None:
    world = gagged(World(families=(4, 6)), mute=mute)
    if mute:
        assert world.wanted >= {EvidenceRequest("canary", port=25), EvidenceRequest("canary", port=465)}
    waited = {"stages": Stages(connect_ms=1, greeting_ms=20_000)}
    world.canary(25, "open", **waited).canary(465, "open", **waited)
    assert world.codes == {BLOCKED, "ok"}
    assert world.confidence(BLOCKED) == "likely"  # it may be the proxy
    assert not [want for want in world.wanted if want.kind == "again"]
    assert BLOCKED not in world.add(World.control(CONTROLS[0], 25)).codes


def test_what_opens_on_one_port_alone_is_no_proxy_nearby() -> None:
    world = gagged(World()).canary(25, "open").canary(465)
    assert BLOCKED not in world.codes


def test_a_proxy_that_is_refused_takes_a_second_look() -> None:
    waited = {"stages": Stages(connect_ms=1, greeting_ms=20_000)}
    world = gagged(World()).change({"stages": Stages(connect_ms=1, greeting_ms=20)}, 25)
    world.canary(25, "open", **waited).canary(465, "open", **waited)
    assert BLOCKED not in world.codes
    assert len([want for want in world.wanted if want.kind == "again"]) == 1
    assert world.twice(25).confidence(BLOCKED) == "likely"


@pytest.mark.parametrize("dead", [1, 2, 3])
def test_a_dead_control_is_no_control(dead: int) -> None:
    world = World().silent(25)
    for host in CONTROLS[:dead]:
        world.silent(who=host)
    assert (BLOCKED in world.codes) is (dead < 2)
    if dead == 1:
        assert world.confidence(BLOCKED) == "likely"


def test_one_dead_control_beside_others_that_answer_is_no_block() -> None:
    world = World().silent(25, who="target").silent(25, who=CONTROLS[0])
    assert not world.codes & NETWORK
    assert "port-silent" in world.codes


def test_a_server_that_drops_25_itself() -> None:
    world = World().silent(25, who="target")
    assert world.codes == {"port-silent", "ok"}
    assert world.confidence("port-silent") == "certain"
    assert world.conclusion.verdict.code == "ok"
    assert world.conclusion.way is None


def test_one_control_answered_so_a_syn_was_lost() -> None:
    world = World().silent(25).change(None, 25, who=CONTROLS[2]).add(World.control(CONTROLS[2], 25, attempts=3))
    assert BLOCKED not in world.codes


@pytest.mark.parametrize("kind", ["busy", "refused"])
def test_a_greeting_that_refuses_is_an_answer(kind: str) -> None:
    world = World().silent(25).change(plain, 25, who=CONTROLS[1], greeting_kind=kind, greeting="554 no")
    assert not world.codes & NETWORK


def test_a_reset_shows_that_packets_get_through() -> None:
    world = World().silent(25).refused(25, who=CONTROLS[1])
    assert not world.codes & NETWORK


def test_mixed_signatures_are_unproven() -> None:
    world = World().silent(25).rejected(25, by=FURTHER, who=CONTROLS[0])
    assert world.codes == {"unproven", "ok"}


def test_a_host_of_the_target_that_answers_clears_the_network() -> None:
    world = World(target="me@example.org").silent(25).add(seen(25, host="mx.example.org", source="mx"))
    assert not world.codes & NETWORK


def test_a_target_that_answers_nowhere_proves_nothing() -> None:
    world = World(target=f"{HOST}:25").silent(25).silent(who="target")
    assert BLOCKED not in world.codes


def test_a_target_that_resets_elsewhere_is_there() -> None:
    """An exchanger serves nothing but 25."""
    world = World(target=f"{HOST}:25", ports=(25, 465, 587)).silent(25).refused(465, 587, who="target")
    assert world.confidence(BLOCKED) == "certain"
    both = World(target=f"{HOST}:25", ports=(25, 465, 587)).refused(25).refused(465, 587, who="target")
    assert BLOCKED not in both.codes


def test_controls_are_not_the_target_and_not_each_other() -> None:
    world = World(controls=(HOST, *CONTROLS[:2])).silent(25)
    assert BLOCKED not in world.codes or world.confidence(BLOCKED) == "likely"
    twins = World().silent(25).change({"address": "198.51.100.99"}, who="controls")
    assert BLOCKED not in twins.codes
    domain = ("mx1.alpha.example", "mx2.alpha.example", "mx.beta.example")
    assert World(controls=domain).silent(25).confidence(BLOCKED) == "likely"
    registry = ("mx.alpha.co.uk", "mx.beta.co.uk", "mx.gamma.co.uk")
    assert World(controls=registry).silent(25).confidence(BLOCKED) == "certain"
    ours = World().silent(25).change({"address": "192.0.2.7"}, who=CONTROLS[0])
    assert ours.confidence(BLOCKED) == "likely"


def test_the_home_box_is_no_control() -> None:
    world = World(controls=CONTROLS[:1]).silent(25).gateway(25)
    world.add(seen(587, host=BOX[4], address=BOX[4], role="control", source="gateway"))
    assert BLOCKED not in world.codes


def test_what_was_seen_a_minute_ago_never_accuses() -> None:
    world = World().silent(25).change({"cached": True}, who="controls")
    assert world.codes == {"unproven", "ok"}
    assert {want.observation for want in world.wanted if want.kind == "again"} == {
        f"{host}-{port}-4" for host in CONTROLS for port in (25, 587)
    }
    fresh_failures = World().silent(25).change({"cached": True}, 587, who="controls")
    assert BLOCKED not in fresh_failures.codes
    asked_again = fresh_failures.add(*[World.control(host, 587, id=f"{host}-again") for host in CONTROLS])
    assert asked_again.confidence(BLOCKED) == "certain"


def test_what_was_seen_a_minute_ago_clears() -> None:
    world = World().silent(25).add(World.control("mx.delta.example", 25, cached=True))
    assert not world.codes & NETWORK


@pytest.mark.parametrize("who", ["target", "controls", "everybody"])
def test_what_is_silent_for_a_while_only_wants(who: str) -> None:
    world = World().silent(25).change({"provisional": True}, 25, who=who)
    assert not world.codes & NETWORK
    assert {want.kind for want in world.wanted} >= {"controls", "trace", "gateway"}


def test_silence_under_3_seconds_is_none() -> None:
    hasty = {"attempts": 2, "stages": Stages(connect_ms=900), "error": "the budget ended"}
    assert BLOCKED not in World().silent(25).change(hasty, 25).codes
    assert BLOCKED not in World().silent(25).change(hasty, 25, who="controls").codes
    assert BLOCKED not in World().silent(25).change(hasty, 25, who=CONTROLS[0]).codes


# ---- loss and limits


@pytest.mark.parametrize(
    "lossy",
    [
        World().change({"attempts": 2}, 587, who="target"),
        World().change({"stages": Stages(connect_ms=1031)}, 587, who=CONTROLS[0]),
        World(control_ports=(25, 465, 587)).silent(465, who=CONTROLS[0]),
    ],
)
def test_where_packets_are_lost_it_takes_a_second_look(lossy: World) -> None:
    world = lossy.silent(25)
    assert not world.codes & NETWORK
    again = {want.observation for want in world.wanted if want.kind == "again"}
    # The target is left out: if it drops 25 itself, it would take what a limit lets through.
    assert again == {f"{host}-25-4" for host in CONTROLS}
    assert world.twice(25).confidence(BLOCKED) == "certain"
    assert not [want for want in world.wanted if want.kind == "again"]


def test_a_second_look_that_opens_clears() -> None:
    world = World().silent(25).change({"attempts": 2}, 587, who="target").twice(25)
    world.add(World.control(CONTROLS[0], 25, id="again"))
    assert not world.codes & NETWORK


def test_a_limit_on_syns_is_no_block() -> None:
    """Some get through at once, some at a further attempt, some never."""
    world = World(families=(4, 6)).silent(25)
    world.add(World.control(CONTROLS[0], 25), World.control(CONTROLS[1], 25, 6, attempts=2))
    assert not world.codes & NETWORK


REJECTED: dict[int, str] = {4: FURTHER[4], 6: FURTHER[6]}


def test_resets_at_an_address_of_nobody_on_a_port_that_passes_are_a_limit() -> None:
    """No server is there that could have reset them, and the network lets others through on that port."""
    world = World().refused(25).twice(25).canary(25, "refused")
    assert world.confidence(BLOCKED) == "certain"
    world.canary(465, "refused")
    assert not world.codes & NETWORK
    assert World().refused(25).twice(25).canary(465).confidence(BLOCKED) == "certain"


@pytest.mark.parametrize("family", [4, 6])
def test_errors_for_one_control_and_not_for_another_are_a_limit(family: Family) -> None:
    world = World(families=(4, 6)).rejected(25, by=REJECTED).twice(25)
    assert world.confidence(BLOCKED) == "certain"
    world.rejected(587, by=REJECTED, who=CONTROLS[0], family=family)
    assert world.codes & NETWORK  # that one may be dead: nothing of it answers
    world.add(World.control(CONTROLS[0], 465, family))
    assert not world.codes & NETWORK


def test_what_is_turned_down_once_and_let_through_later_is_a_limit() -> None:
    world = World(control_ports=(25, 465, 587)).refused(25, 587).twice(25, 587).canary(587, "refused")
    assert world.codes >= {BLOCKED, "port-blocked"}
    assert not world.add(World.control(CONTROLS[1], 587, id="let-through")).codes & NETWORK


def test_a_port_that_is_silent_everywhere_is_no_loss() -> None:
    world = World(control_ports=(25, 465, 587)).silent(25, 465)
    assert world.confidence(BLOCKED) == "certain"
    assert world.confidence("port-blocked") == "certain"
    assert found(world.conclusion, "port-blocked").params["ports"] == (465,)


def test_a_trace_that_misses_the_first_router_on_both_ways_clears_nobody() -> None:
    """Perhaps this machine drops: the box gives few answers, and had none left."""
    world = World().silent(25).gateway(25)
    world.path(25, "silent").path(587, "silent", ISP[4], FURTHER[4])
    assert world.confidence(BLOCKED) == "possible"
    assert world.path(25, "silent", ISP[4], "silent").confidence(BLOCKED) == "certain"
    world.path(25, "silent").gateway(25, "refused")
    assert world.confidence(BLOCKED) == "certain"


# ---- families


def test_both_families() -> None:
    world = World(families=(4, 6)).silent(25)
    assert found(world.conclusion, BLOCKED).family is None
    assert world.confidence(BLOCKED) == "certain"


@pytest.mark.parametrize("family", [4, 6])
def test_one_family_of_two(family: Family) -> None:
    world = World(families=(4, 6)).silent(25, family=family)
    assert found(world.conclusion, BLOCKED).family == family
    assert world.confidence(BLOCKED) == "certain"
    assert not [want for want in world.wanted if want.kind == "again"]


@pytest.mark.parametrize("who", ["target", "controls", CONTROLS[0]])
def test_where_some_of_the_other_family_get_through_it_may_be_a_limit(who: str) -> None:
    """A limit on new connections, of both families together, that the first of them have used up."""
    world = World(families=(4, 6)).silent(25, family=4).silent(25, family=6, who=who)
    assert not world.codes & NETWORK
    assert {want.observation for want in world.wanted if want.kind == "again"} >= {f"{host}-25-4" for host in CONTROLS}
    world.twice(25, who="controls")
    assert found(world.conclusion, BLOCKED).family == 4
    refused = World(families=(4, 6)).refused(25, family=4).refused(25, family=6, who=who).twice(25)
    assert BLOCKED not in refused.codes


def test_the_target_alone_shows_nothing_of_the_other_family() -> None:
    world = World(families=(4, 6)).silent(25, family=4).change(None, family=6, who="controls")
    assert not world.codes & NETWORK
    assert world.twice(25).confidence(BLOCKED) == "certain"


def test_a_machine_of_one_family() -> None:
    world = World(families=(6,)).silent(25)
    assert found(world.conclusion, BLOCKED).family is None
    assert world.confidence(BLOCKED) == "certain"


def test_controls_of_the_other_family_do_not_count() -> None:
    world = World(families=(4, 6)).silent(25, family=6).change(None, family=4)
    world.change(None, who="controls", family=6)
    for host in CONTROLS:
        world.add(World.control(host, 587, 4), unreached(25, "no-answer", host=host, role="control", source="policy"))
    assert BLOCKED not in world.codes


# ---- the relay


def test_only_the_relay_gets_through() -> None:
    world = World().silent(25)
    assert EvidenceRequest("relay") in world.wanted
    world.relay()
    assert world.codes == {"port25-relay-only", "ok"}
    finding = found(world.conclusion, "port25-relay-only")
    assert (finding.confidence, finding.params["relay"]) == ("certain", "smtp.isp.example")
    assert "smtp.isp.example-25-4" in finding.evidence


def test_the_relay_is_wanted_before_the_silence_is_final() -> None:
    world = World().silent(25).change({"provisional": True}, 25)
    assert EvidenceRequest("relay") in world.wanted
    assert EvidenceRequest("relay") not in World().silent(25, who="target").wanted


def test_a_relay_that_is_silent_too() -> None:
    world = World().silent(25).add(unreached(25, "no-answer", role="relay", host="smtp.isp.example"))
    assert BLOCKED in world.codes


# ---- other ports


def test_several_ports_make_one_finding() -> None:
    world = World(ports=(25, 465, 587, 2525, 993), control_ports=(25, 465, 587, 2525)).silent(465, 587)
    finding = found(world.conclusion, "port-blocked")
    assert finding.params["ports"] == (465, 587)
    assert (finding.confidence, finding.severity) == ("certain", "warning")
    assert world.codes == {"port-blocked", "ok"}


def test_where_every_port_of_the_controls_is_blocked_another_has_to_show_that_they_are_alive() -> None:
    world = World(control_ports=(25, 465, 587)).silent(25, 465, 587)
    assert not world.codes & NETWORK
    assert EvidenceRequest("controls", port=993) in world.wanted
    world.add(*[World.control(host, 993) for host in CONTROLS])
    assert world.confidence("port-blocked") == "certain"
    assert blockers(world.conclusion) == {"port-blocked"}
    assert found(world.conclusion, "port-blocked").params == {"ports": (25, 465, 587), "all": True}


def test_a_port_that_is_closed_at_everybody_is_not_blocked() -> None:
    """Perhaps none of them offers it."""
    world = World(control_ports=(25, 587, 993)).refused(993)
    assert world.codes == {"port-closed", "ok"} or not world.codes & NETWORK
    assert EvidenceRequest("canary", port=993) in world.wanted
    assert [want for want in world.wanted if want.kind == "trace"]


def test_a_reset_of_nobody_shows_who_resets() -> None:
    world = World(control_ports=(25, 587, 993)).refused(993).canary(993, "refused").twice(993)
    assert world.confidence("port-blocked") == "certain"
    silent = World(control_ports=(25, 587, 993)).refused(993).canary(993).twice(993)
    assert "port-blocked" not in silent.codes


def test_a_reset_from_nearer_than_the_server() -> None:
    world = World(control_ports=(25, 587, 993)).refused(993)
    world.path(993, BOX[4], ISP[4], "refused").path(587, BOX[4], ISP[4], FURTHER[4], "open").twice(993)
    assert world.confidence("port-blocked") == "certain"
    far = World(control_ports=(25, 587, 993)).refused(993)
    far.path(993, BOX[4], ISP[4], FURTHER[4], "refused").path(587, BOX[4], ISP[4], FURTHER[4], "open").twice(993)
    assert "port-blocked" not in far.codes


def test_hosts_that_send_prove_less_about_ports_for_receiving() -> None:
    """Many drop whatever they do not serve, and so may the target."""
    world = World(control_ports=(25, 587, 993)).silent(993)
    assert world.confidence("port-blocked") == "likely"
    served = World(families=(4, 6), control_ports=(25, 587, 993)).silent(993, family=4)
    assert served.confidence("port-blocked") == "certain"
    world.path(993, BOX[4], ISP[4], "silent", "silent").path(587, BOX[4], ISP[4], "open")
    assert world.confidence("port-blocked") == "likely"
    world.path(587, BOX[4], ISP[4], FURTHER[4], "open")
    assert world.confidence("port-blocked") == "certain"


def test_a_router_that_rejects_a_port_needs_nobody_who_serves_it() -> None:
    world = World(control_ports=(25, 587, 993)).rejected(993, by=FURTHER).twice(993)
    assert world.confidence("port-blocked") == "certain"


def default_world(port: int, *hosts: str) -> World:
    world = World(controls=(), ports=(25, 587, port))
    return world.add(*[World.control(host, p, source="default") for host in hosts for p in (25, 587, port)])


SENDERS = ("smtp.sendgrid.net", "smtp.mailgun.org", "mail.smtp2go.com")


def test_defaults_vouch_for_the_ports_in_the_table_only() -> None:
    assert default_world(465, *SENDERS).silent(465).confidence("port-blocked") == "certain"
    assert not default_world(143, *SENDERS).silent(143).codes & NETWORK
    assert not default_world(465, "smtp.office365.com", "smtp.postmarkapp.com", "x.example").silent(465).codes & NETWORK


def test_two_defaults_of_one_network_are_one() -> None:
    world = default_world(993, "email-smtp.eu-west-1.amazonaws.com", "smtp.resend.com").silent(25)
    assert not world.codes & NETWORK


def test_a_control_without_that_port_still_clears_it() -> None:
    world = default_world(143, *SENDERS).silent(143, who="target")
    assert world.codes == {"port-silent", "ok"}


def test_a_port_that_few_offer_is_nobodys_news() -> None:
    world = World(ports=(25, 465, 587, 993, 2525, 4190)).silent(2525, 4190)
    assert world.codes == {"ok"}
    assert world.wanted == set()


def test_port_465_of_a_dead_server_is_not_blocked() -> None:
    world = World(control_ports=(25, 465, 587)).silent(who="target")
    assert not world.codes & NETWORK


# ---- the allow-list


def listed(*, further: str = "silent") -> World:
    world = World().silent(25, 587, who="target")
    world.path(25, BOX[4], further, "silent").path(587, BOX[4], further, "silent")
    return world.path(465, BOX[4], ISP[4], FURTHER[4], "open")


def test_a_box_that_lets_mail_out_to_others_only() -> None:
    world = listed()
    finding = found(world.conclusion, "mail-allowlist")
    assert (finding.confidence, finding.host, finding.params["ports"]) == ("likely", HOST, (25, 587))
    assert world.codes == {"mail-allowlist", "ok"}
    assert world.conclusion.verdict.code == "mail-allowlist"


def test_a_server_that_drops_both_itself() -> None:
    world = listed(further=ISP[4])
    assert world.codes == {"port-silent", "ok"}


def test_without_a_trace_it_is_the_server_or_its_path() -> None:
    world = World().silent(25, 587, who="target")
    assert world.codes == {"port-silent", "ok"}
    assert {want.observation for want in world.wanted if want.kind == "trace"} == {f"{HOST}-25-4", f"{HOST}-587-4"}


def test_a_box_that_says_so() -> None:
    world = World().rejected(25, 587, by=BOX, who="target")
    assert world.confidence("mail-allowlist") == "certain"
    assert world.codes == {"mail-allowlist", "ok"}


def test_a_box_that_resets() -> None:
    world = World().refused(25, 587, who="target").path(587, BOX[4], "refused")
    world.path(465, BOX[4], ISP[4], FURTHER[4], "open")
    assert world.confidence("mail-allowlist") == "likely"


def test_a_server_without_587_is_no_allow_list() -> None:
    world = World().silent(25, who="target").refused(587, who="target")
    assert not world.codes & NETWORK
    both = World().refused(25, 587, who="target")
    assert not both.codes & NETWORK
    assert "port-closed" in both.codes


@pytest.mark.parametrize("port", [25, 587])
def test_an_allow_list_lets_others_through_on_both_ports(port: int) -> None:
    assert "mail-allowlist" not in listed().silent(port, who="controls").codes


# ---- what is known of this machine


def test_where_nothing_shows_that_packets_leave_it_is_not_certain() -> None:
    tunnel = MACHINE.model_copy(update={"gateways": ()})
    world = World().silent(25).with_(machine=tunnel)
    assert world.confidence(BLOCKED) == "likely"
    assert world.path(25, ISP[4], "silent").confidence(BLOCKED) == "certain"
    assert World().silent(25).with_(machine=Machine()).confidence(BLOCKED) == "certain"  # a system that tells nothing


def test_a_block_of_the_asked_port_comes_before_a_better_name() -> None:
    world = World(target="192.0.2.7:25").silent(25)
    world.change({"host": "192.0.2.7"}, who="target")
    mismatch = GOOD_TLS.model_copy(update={"name_ok": False, "fault": "cert-name-mismatch",
                                           "faults": ("cert-name-mismatch",)})  # fmt: skip
    world.change({"tls": mismatch}, 465, 587, 993, who="192.0.2.7")
    world.add(seen(465, source="certificate"), seen(587, source="certificate"))
    assert world.codes >= {BLOCKED, "wrong-host-name"}
    assert world.conclusion.verdict.code == BLOCKED
    assert blockers(world.conclusion) == {BLOCKED}


# ---- what stands beside


def test_a_fault_further_on_is_the_reason_and_the_block_stands_beside() -> None:
    world = World(ports=(25, 587)).silent(25)
    world.change(lambda port, **place: spoilt(port, "cert-expired", **place), 587, who="target")
    assert world.conclusion.verdict.code == "cert-expired"
    assert found(world.conclusion, BLOCKED).severity == "warning"


def test_where_nothing_else_is_left_the_block_is_the_reason() -> None:
    world = World(target="me@example.org", ports=(25, 993)).silent(25)
    assert world.conclusion.verdict.code == BLOCKED
    assert blockers(world.conclusion) == {BLOCKED}


def test_a_saved_report_says_the_same() -> None:
    known = World(families=(4, 6)).silent(25).relay().evidence
    saved = Evidence(**{**{name: getattr(known, name) for name in Evidence.__slots__}, "complete": True})
    assert diagnose(saved).findings == diagnose(known).findings
    assert diagnose(saved).wanted == frozenset()


def test_a_port_that_breaks_off_after_its_greeting_was_reached() -> None:
    world = World().silent(25).change(broken_off, 25, who=CONTROLS[0])
    assert not world.codes & NETWORK


def test_what_opens_for_everybody_in_front_of_the_network_accuses_nobody_behind() -> None:
    mute = {"greeting": None, "greeting_kind": "silent", "tls": None, "capabilities": (), "auth": ()}
    world = World().change({**mute, "security": "none", "starttls": None}, 25).canary(25, "open").canary(465, "open")
    assert not world.codes & NETWORK


def test_a_budget_that_ends_while_a_greeting_is_awaited_proves_nothing() -> None:
    mute = {"greeting": None, "greeting_kind": "silent", "tls": None, "capabilities": (), "auth": ()}
    hasty = {**mute, "stages": Stages(connect_ms=10, greeting_ms=1500), "security": "none", "starttls": None}
    assert not World().change(hasty, 25).codes & NETWORK


def test_a_lab_may_map_everybody_to_one_address() -> None:
    world = World().silent(25).change({"address": "127.0.0.1"})
    assert world.confidence(BLOCKED) == "certain"


@pytest.mark.parametrize("state", ["error", "unreachable"])
def test_a_control_that_could_not_be_asked_leaves_it_open(state: str) -> None:
    world = World().silent(25).fail(state, 25, who=CONTROLS[0], error="ENETUNREACH")
    assert world.codes == {"unproven", "ok"}


def test_an_allow_list_of_both_families_is_one_finding() -> None:
    world = World(families=(4, 6)).rejected(25, 587, by=BOX, who="target")
    assert world.codes == {"mail-allowlist", "ok"}
    assert found(world.conclusion, "mail-allowlist").family is None
    assert len(world.conclusion.findings) == 2
    one = World(families=(4, 6)).rejected(25, 587, by=BOX, who="target", family=6)
    assert found(one.conclusion, "mail-allowlist").family == 6


def test_controls_are_wanted_on_each_port_that_fails() -> None:
    assert EvidenceRequest("controls", port=465) in World().silent(465).wanted
    assert EvidenceRequest("controls", port=993) in World().silent(993).wanted


def test_resets_of_a_family_without_controls_are_the_network_s_too() -> None:
    world = World(families=(4, 6)).change(None, who="controls", family=6).refused(25).twice(25).canary(25, "refused")
    assert world.codes == {"port25-blocked", "ok"}


@pytest.mark.parametrize("port", [465, 587, 993])
def test_a_port_that_the_network_resets_beside_one_that_works(port: int) -> None:
    world = World(control_ports=(25, 465, 587, 993)).refused(port).twice(port).canary(port, "refused")
    assert world.codes == {"port-blocked", "ok"}
    assert world.confidence("port-blocked") == "certain"


def test_routers_that_send_few_icmp_errors() -> None:
    world = World(families=(4, 6), control_ports=(25, 465, 587)).rejected(25, 465, by=ISP)
    plain: dict[str, Any] = {"reporter": None, "error": None}
    world.silent(25, who="target", family=4, **plain).silent(25, who=CONTROLS[0], family=4, **plain)
    world.silent(465, who="controls", family=4, **plain).twice(465, who="target").twice(25, 465)
    assert world.codes == {"port25-blocked", "port-blocked", "ok"}
    for code in ("port25-blocked", "port-blocked"):
        assert found(world.conclusion, code).family is None
        assert world.confidence(code) == "certain"


def test_silence_beside_errors_of_several_routers_is_another_failure() -> None:
    world = World().silent(25, who="target").rejected(25, by=ISP, who="controls")
    world.rejected(25, by=FURTHER, who=CONTROLS[0]).twice(25)
    assert "port25-blocked" not in world.codes


def test_a_box_that_sends_few_icmp_errors() -> None:
    world = World(families=(4, 6)).rejected(25, by=BOX, family=6).silent(25, family=4)
    assert world.codes == {"gateway-firewall", "ok"}
    assert found(world.conclusion, "gateway-firewall").family is None


def test_a_router_that_reports_the_target_alone_is_not_why_controls_are_silent() -> None:
    """A policy's hosts may not serve 993 at all: their silence is no rejection."""
    alone = World(control_ports=(25, 587, 993)).rejected(993, by=ISP, who="target").silent(993, who="controls")
    assert not alone.codes & {"port-blocked", "gateway-firewall"}
    reported = World(control_ports=(25, 587, 993)).rejected(993, by=ISP, who="target").silent(993, who="controls")
    assert "port-blocked" in reported.rejected(993, by=ISP, who=CONTROLS[0]).twice(993).codes
