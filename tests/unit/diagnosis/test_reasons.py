"""The server's side, and ports that are blocked: what each finding takes, and what is not enough."""

from typing import Any

import pytest
from tests.unit.core_observations import (
    BOX,
    CONTROLS,
    FURTHER,
    HOST,
    ISP,
    World,
    found,
    seen,
    unreached,
)

from poterne.diagnosis import EvidenceRequest
from poterne.report import Stages

ACCOUNT = "me@example.org"
WITH_WEB = (25, 465, 587, 993, 443, 80)
MAIL = (25, 465, 587, 993)
OWN_ADDRESS = {4: "192.0.2.7"}
HASTY: dict[str, Any] = {"attempts": 1, "stages": Stages()}
LOSSY: dict[str, Any] = {"attempts": 2}


def sure(world: World, code: str) -> str | None:
    return world.confidence(code) if code in world.codes else None


# ---- a server that is down


def down(**changed: Any) -> World:
    return World(**{"ports": WITH_WEB, **changed}).silent(who="target")


def test_what_it_takes_to_call_a_server_down() -> None:
    assert sure(down(), "server-down") == "likely"
    assert sure(down(controls=CONTROLS[:2]), "server-down") == "likely"
    assert sure(down(controls=CONTROLS[:1]), "server-down") is None
    assert sure(down(ports=(587,)), "server-down") is None
    assert sure(down(ports=(587, 443)), "server-down") == "likely"
    assert sure(down().change({"provisional": True}, 443), "server-down") is None
    assert sure(down().change({"cached": True}, who="controls"), "server-down") is None
    assert sure(down().rejected(587, by=ISP, who="target"), "server-down") is None
    assert sure(down().fail("unreachable", 587, who="target", reporter=ISP[4]), "server-down") == "likely"
    assert sure(down().fail("unreachable", who="target", error="ENETUNREACH"), "server-down") is None
    assert sure(down().fail("unreachable", 587, who="target", error="ENETUNREACH"), "server-down") == "likely"
    assert sure(down().change(LOSSY, who="controls"), "server-down") is None


def test_two_controls_have_to_live_in_one_family_that_the_server_was_tried_in() -> None:
    both = down(families=(4, 6)).change(None, who=CONTROLS[0], family=6)
    both.change(None, who=CONTROLS[1], family=4).change(None, who=CONTROLS[2])
    assert sure(both, "server-down") is None
    other = down(families=(4, 6)).change(None, who="controls", family=4).change(None, who="target", family=6)
    assert sure(other, "server-down") is None


def test_the_port_that_was_asked_for_may_be_the_only_one() -> None:
    shared = World(target=f"{HOST}:25", ports=(25, 443)).silent(25).silent(443, who="target")
    assert sure(shared, "server-down") is None
    other = World(target=f"{HOST}:587", ports=(25, 587, 443)).silent(25).silent(587, 443, who="target")
    assert sure(other, "server-down") == "likely"
    one_family = World(target=f"{HOST}:25", families=(4, 6), ports=(25, 443)).silent(who="target").silent(25, family=4)
    assert sure(one_family, "server-down") == "likely"


def test_a_host_that_answers_hinders_no_other_from_being_called_down() -> None:
    world = World(target=ACCOUNT, ports=(25, 465))
    for number, host in enumerate(("b.example.org", "c.example.org")):
        place: dict[str, Any] = {"host": host, "address": f"192.0.2.{number + 30}"}
        world.add(*(unreached(port, "no-answer", **place) for port in (25, 465, 443)))
    down_ = {f.host for f in world.conclusion.findings if f.code == "server-down"}
    assert down_ == {"b.example.org", "c.example.org"}
    world.change({"provisional": True}, 443, who="b.example.org")
    assert {f.host for f in world.conclusion.findings if f.code == "server-down"} == {"c.example.org"}
    world.change(None, 465, 443, who="b.example.org")
    assert {f.host for f in world.conclusion.findings if f.code == "server-down"} == {"c.example.org"}
    world.fail("unreachable", who="b.example.org", error="ENETUNREACH")
    assert {f.host for f in world.conclusion.findings if f.code == "server-down"} == {"c.example.org"}
    assert {EvidenceRequest("web", host=host) for host in ("b.example.org", "c.example.org")} <= world.wanted


def test_where_packets_of_one_family_are_lost_a_server_of_the_other_may_be_down() -> None:
    world = World(target=ACCOUNT, families=(4, 6), ports=(465,)).change(LOSSY, family=4)
    place: dict[str, Any] = {"host": "b.example.org", "address": "192.0.2.9"}
    world.add(*(unreached(port, "no-answer", **place) for port in (25, 465)))
    assert "server-down" not in world.codes
    place = {"host": "c.example.org", "address": "2001:db8::9", "family": 6}
    world.add(*(unreached(port, "no-answer", **place) for port in (25, 465)))
    assert {f.host for f in world.conclusion.findings if f.code == "server-down"} == {"c.example.org"}


# ---- a server that turns this machine away


def test_what_it_takes_to_be_turned_away() -> None:
    banned = World(ports=WITH_WEB).rejected(*MAIL, by=OWN_ADDRESS, who="target")
    assert sure(banned, "client-rejected") == "likely"
    assert sure(banned.silent(587, who="target", reporter=None, error=None), "client-rejected") == "likely"
    assert sure(banned.rejected(465, by=ISP, who="target"), "client-rejected") is None
    one = World(ports=(587, 443)).rejected(587, by=OWN_ADDRESS, who="target")
    assert sure(one, "client-rejected") is None
    spoken = World(ports=WITH_WEB).rejected(25, 465, 587, by=OWN_ADDRESS, who="target")
    assert sure(spoken, "client-rejected") is None
    mute = spoken.change({"greeting_kind": "silent", "tls": None}, 993, who="target")
    assert sure(mute, "client-rejected") is None
    seldom = World(ports=(587, 2525, 443)).rejected(587, 2525, by=OWN_ADDRESS, who="target")
    assert sure(seldom, "client-rejected") is None
    filters = World(ports=(587, 4190, 443)).rejected(587, 4190, by=OWN_ADDRESS, who="target").with_(ports=(587, 4190))
    assert sure(filters, "client-rejected") is None
    soon = World(ports=WITH_WEB).rejected(*MAIL, by=OWN_ADDRESS, who="target", provisional=True)
    assert sure(soon, "client-rejected") is None
    assert EvidenceRequest("web", host=HOST) in soon.wanted


def test_each_host_is_turned_away_or_not_by_itself() -> None:
    world = World(target=ACCOUNT, control_ports=(25, 465, 587)).silent(25, 465)
    for host, address, ports in (("b.example.org", "192.0.2.8", (25, 465)), ("c.example.org", "192.0.2.9", (587, 993))):
        state = "no-answer" if host == "b.example.org" else "prohibited"
        said = {"reporter": address} if state == "prohibited" else {}
        world.add(*(unreached(port, state, host=host, address=address, **said) for port in ports))
    assert [f.host for f in world.conclusion.findings if f.code == "client-rejected"] == ["c.example.org"]


def silent_mail(**changed: Any) -> World:
    return World(**{"ports": WITH_WEB, **changed}).silent(*MAIL, who="target")


def test_silence_of_mail_beside_a_web_that_answers() -> None:
    assert sure(silent_mail(), "client-rejected") is None, "nothing tells a ban from a web server's address"
    assert sure(silent_mail(), "no-mail-service") == "likely"
    assert sure(silent_mail(controls=CONTROLS[:2]), "no-mail-service") == "likely"
    assert sure(silent_mail(controls=CONTROLS[:1]), "no-mail-service") == "possible"
    assert sure(silent_mail(control_ports=(443,)), "no-mail-service") is None
    assert sure(silent_mail().refused(80, 443, who="target"), "client-rejected") == "possible"
    assert sure(silent_mail().silent(80, 443, who="target"), "client-rejected") is None
    assert sure(silent_mail().change(LOSSY, who="controls"), "client-rejected") is None
    banned = World(ports=WITH_WEB).rejected(*MAIL, by=OWN_ADDRESS, who="target").change(LOSSY, who="controls")
    assert sure(banned, "client-rejected") == "likely"
    six = World(ports=WITH_WEB, families=(4, 6)).silent(*MAIL, who="target").change(LOSSY, who="controls", family=6)
    assert sure(six, "client-rejected") is None


def test_what_is_shared_with_controls_is_no_ban() -> None:
    world = silent_mail(control_ports=(25, 465, 587)).silent(465, 587)
    evidence = {f.code: f.evidence for f in world.conclusion.findings}
    assert f"{HOST}-465-4" not in evidence.get("client-rejected", ())
    reset_there = silent_mail().refused(25, who="controls")
    assert f"{HOST}-25-4" in found(reset_there.conclusion, "no-mail-service").evidence
    waiting = silent_mail().silent(25, who="controls").change({"provisional": True}, 25, who="controls")
    assert f"{HOST}-25-4" in found(waiting.conclusion, "no-mail-service").evidence
    dead = silent_mail().silent(25, who="controls").change(None, 587, who=CONTROLS[0])
    dead.change(None, 25, who=CONTROLS[1]).change(None, 25, who=CONTROLS[2])
    assert f"{HOST}-25-4" in found(dead.conclusion, "no-mail-service").evidence
    everybody = World(ports=WITH_WEB).rejected(465, 587, 993, by=OWN_ADDRESS, who="target").refused(25)
    assert found(everybody.conclusion, "client-rejected").evidence[:3] == tuple(
        f"{HOST}-{p}-4" for p in (465, 587, 993)
    )


def test_resets_beside_a_ban_are_explained_by_it() -> None:
    world = World(ports=(*WITH_WEB, 110)).rejected(*MAIL, by=OWN_ADDRESS, who="target").refused(110, who="target")
    assert world.codes == {"client-rejected"}


# ---- a port that is silent


def test_what_it_takes_to_call_a_port_silent() -> None:
    assert sure(World().silent(25, who="target"), "port-silent") == "certain"
    assert sure(World().rejected(25, by=FURTHER, who="target"), "port-silent") == "certain"
    assert sure(World().refused(25, who="target"), "port-silent") is None
    assert sure(World().silent(25, who="target", provisional=True), "port-silent") is None
    assert sure(World(ports=(25,)).silent(25, who="target"), "port-silent") is None
    assert sure(World(ports=(25, 587)).silent(25, who="target").refused(587, who="target"), "port-silent") == "certain"
    mute = {"greeting_kind": "silent", "tls": None}
    assert sure(World(ports=(25, 587)).silent(25, who="target").change(mute, 587, who="target"), "port-silent")
    rejected = World(ports=(25, 587)).silent(25, who="target").rejected(587, by=OWN_ADDRESS, who="target")
    assert sure(rejected, "port-silent") is None
    assert sure(World().silent(25, who="target").change(LOSSY, 465, 587, 993), "port-silent") is None
    again = World().silent(25, who="target").add(seen(25, id="again"))
    assert sure(again, "port-silent") is None
    elsewhere = World(target=ACCOUNT).silent(25, who="target").add(seen(25, host="b.example.org"))
    assert sure(elsewhere, "port-silent") == "certain"
    six = World(families=(4, 6)).silent(25, who="target", family=4)
    assert sure(six, "port-silent") == "certain"


def test_one_control_and_losses_want_a_second_look() -> None:
    mixed = World().silent(25, who="target").silent(25, who=CONTROLS[0]).silent(25, who=CONTROLS[1])
    assert EvidenceRequest("again", observation=f"{HOST}-25-4") in mixed.wanted
    assert sure(mixed.twice(25, who="target"), "port-silent") == "likely"
    two = World().silent(25, who="target").silent(25, who=CONTROLS[0])
    assert sure(two, "port-silent") == "certain"
    lost = World().silent(25, who="target").change(LOSSY, 587, who="target")
    assert sure(lost, "port-silent") is None
    assert EvidenceRequest("again", observation=f"{HOST}-25-4") in lost.wanted
    assert sure(lost.twice(25, who="target"), "port-silent") == "certain"
    resets = World().silent(25, who="target").refused(25, who=CONTROLS[0]).refused(25, who=CONTROLS[1])
    assert sure(resets, "port-silent") == "likely"
    dead = World().silent(25, who="target").silent(who=CONTROLS[0]).silent(who=CONTROLS[1])
    assert sure(dead, "port-silent") == "likely"
    waiting = (
        World().silent(25, who="target").silent(25, who=CONTROLS[0], provisional=True).change(None, 25, who=CONTROLS[1])
    )
    assert sure(waiting, "port-silent") == "likely"
    rejected = World().silent(25, who="target").rejected(25, by=ISP, who=CONTROLS[0]).change(None, 25, who=CONTROLS[1])
    assert sure(rejected, "port-silent") is None


def test_what_hinders_one_port_hinders_no_other() -> None:
    world = World(ports=(25, 465, 587, 993)).silent(25, 587, who="target")
    world.change({"provisional": True}, 25, who="target")
    assert found(world.conclusion, "port-silent").params["ports"] == (587,)
    open_again = World().silent(25, 587, who="target").add(seen(25, id=f"{HOST}-25-4-again"))
    assert found(open_again.conclusion, "port-silent").params["ports"] == (587,)
    families = World(families=(4, 6)).silent(25, who="target").change(LOSSY, 465, 587, 993, family=4)
    assert {f.family for f in families.conclusion.findings if f.code == "port-silent"} <= {6, None}
    second = World(ports=(25, 465, 587)).silent(25, 587, who="target")
    second.silent(25, who=CONTROLS[0]).silent(25, who=CONTROLS[1])
    assert found(second.conclusion, "port-silent").params["ports"] == (587,)


# ---- blocks


def test_a_limit_of_the_other_family_is_wanted_out_of_the_way_first() -> None:
    world = World().silent(25).add(unreached(25, "no-answer", id="again", **HASTY))
    assert world.codes == {"port25-blocked", "ok"}


def test_ports_that_are_stopped_and_ports_that_are_turned_down_are_two_findings() -> None:
    world = World(ports=(25, 465, 587, 993), control_ports=(25, 465, 587, 993)).silent(465)
    world.refused(993).twice(993).canary(993, "refused")
    ports = sorted(f.params["ports"] for f in world.conclusion.findings if f.code == "port-blocked")  # type: ignore[type-var]
    assert ports == [(465,), (993,)]
    both = World(ports=(25, 465, 587, 993), control_ports=(25, 465, 587, 993)).silent(465)
    both.rejected(993, by=ISP).twice(993)
    assert [f.params["ports"] for f in both.conclusion.findings if f.code == "port-blocked"] == [(465, 993)]


def test_ports_of_one_family_and_of_both_are_two_findings() -> None:
    world = World(families=(4, 6), control_ports=(25, 465, 587, 993)).silent(465).silent(587, family=6)
    told = {(f.family, f.params["ports"]) for f in world.conclusion.findings if f.code == "port-blocked"}
    assert told == {(None, (465,)), (6, (587,))}


def test_a_block_is_as_sure_as_in_the_family_where_it_is_surest() -> None:
    world = World(families=(4, 6)).silent(25).change(None, 25, who=CONTROLS[0], family=6)
    assert world.confidence("port25-blocked") == "certain"
    other = World(families=(4, 6)).silent(25).change(None, 25, who=CONTROLS[0], family=4)
    assert other.confidence("port25-blocked") == "certain"


def test_a_reset_of_another_port_or_family_of_nobody_shows_nothing() -> None:
    def reset(port: int, **changed: Any) -> World:
        world = World(control_ports=(25, 587, 993)).refused(993).twice(993)
        return world.canary(port, **{"state": "refused", **changed})

    assert sure(reset(993), "port-blocked") == "certain"
    assert sure(reset(995), "port-blocked") is None
    assert sure(reset(993, family=6), "port-blocked") is None
    assert sure(reset(993, state="no-answer"), "port-blocked") is None


def test_a_relay_that_is_silent_gets_no_further() -> None:
    assert World().silent(25).relay().codes == {"port25-relay-only", "ok"}
    other_port = World().silent(25).add(seen(587, role="relay", host="smtp.isp.example", source="relay"))
    assert other_port.codes == {"port25-blocked", "ok"}


@pytest.mark.parametrize("hop", [0, 1])
def test_a_reset_at_the_first_hop_is_not_the_network_s(hop: int) -> None:
    world = World().refused(25).path(25, *["refused"] * (2 - hop), start=hop)
    assert "port25-blocked" not in world.codes
    second = World().refused(25).path(25, "silent", "refused").twice(25)
    assert "port25-blocked" in second.codes


# ---- the allow-list


def listed(world: World, host: str = HOST) -> World:
    world.path(25, BOX[4], "silent", host=host).path(587, BOX[4], "silent", host=host)
    return world.path(465, BOX[4], ISP[4], FURTHER[4], "open", host=host)


def test_what_it_takes_to_call_it_an_allow_list() -> None:
    def world(**changed: Any) -> World:
        return listed(World(**changed).silent(25, 587, who="target"))

    assert sure(world(), "mail-allowlist") == "likely"
    assert sure(world(controls=CONTROLS[:2]), "mail-allowlist") == "likely"
    assert sure(world(controls=CONTROLS[:1]), "mail-allowlist") is None
    assert sure(world().path(587, BOX[4], ISP[4]), "mail-allowlist") is None
    assert sure(world().path(587), "mail-allowlist") == "likely"
    assert sure(world().change({"provisional": True}, 587, who="target"), "mail-allowlist") is None
    assert sure(world().change({"cached": True}, 465, 993, who="target"), "mail-allowlist") is None
    assert sure(world().rejected(25, 587, by=ISP, who="target"), "mail-allowlist") is None
    one = listed(World().silent(25, who="target"))
    assert sure(one, "mail-allowlist") is None
    mixed = World().rejected(25, by=BOX, who="target").silent(587, who="target")
    assert sure(mixed, "mail-allowlist") is None


def test_each_host_and_family_is_judged_alone() -> None:
    world = World(target=ACCOUNT, families=(4, 6)).rejected(25, 587, by=BOX, who="target", family=6)
    assert found(world.conclusion, "mail-allowlist").family == 6
    world.add(*(seen(port, host="b.example.org", address="192.0.2.9") for port in (25, 587)))
    assert found(world.conclusion, "mail-allowlist").host == HOST
    first = World(target=ACCOUNT, ports=()).add(seen(25, host="a.example.org", address="192.0.2.9"))
    first.add(*World().rejected(25, 587, by=BOX, who="target").seen.values())
    assert found(first.conclusion, "mail-allowlist").host == HOST
    no_controls = World(families=(4, 6)).change(None, who="controls", family=4)
    no_controls.rejected(25, 587, by=BOX, who="target", family=6)
    assert found(no_controls.conclusion, "mail-allowlist").family == 6
