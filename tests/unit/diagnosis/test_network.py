"""No network, one that wants a sign-in, one family that fails: what each takes."""

from typing import Any

import pytest
from tests.unit.core_observations import (
    BOX,
    CONTROLS,
    HOST,
    ISP,
    MACHINE,
    OWN,
    World,
    evidence,
    plain,
    random_label,
    resolved,
    seen,
    spoilt,
    unreached,
)

from poterne.diagnosis import EvidenceRequest, diagnose
from poterne.report import Family, Machine, Observation, Portal, Stages, Tls

WITH_WEB = (25, 465, 587, 993, 443, 80)
GONE: dict[str, Any] = {"reporter": OWN[4], "error": "EHOSTUNREACH (ICMP 3/1)", "stages": Stages(connect_ms=3050)}
NO_NAMES = [random_label(state="timeout"), random_label(state="timeout", zone="org")]


def page(state: Any, **changed: Any) -> Portal:
    """The page that portals alter."""
    return Portal(url="http://portal.example/", state=state, **changed)


# ---- a sign-in page


def captive(world: World, **changed: Any) -> str | None:
    world.with_(portal=page("altered", **changed))
    return world.confidence("captive-portal") if "captive-portal" in world.codes else None


def test_who_a_portal_keeps_out() -> None:
    assert captive(World().silent()) == "certain"
    assert captive(World(controls=CONTROLS[:2]).silent()) == "certain"
    assert captive(World(controls=CONTROLS[:1]).silent()) == "likely"
    assert captive(World(controls=()).silent()) is None
    assert captive(World().silent().change({"provisional": True}, who="controls")) is None
    assert captive(World().silent(who="controls")) is None
    assert captive(World().silent(who="target")) is None
    assert captive(World().silent().change({"cached": True}, who="controls")) is None


def shown(subject: str, *, issuer: str = "A box", fault: str = "cert-untrusted") -> dict[str, Any]:
    tls = Tls(version="TLSv1.3", subject=subject, issuer=issuer, fault=fault, faults=(fault,), trusted=False)
    return {"tls": tls}


def test_controls_that_fail_differently_show_one_certificate() -> None:
    def world(*subjects: str) -> World:
        made = World(control_ports=(25, 465)).silent(25).change(shown("login.example"), 465, 587, 993)
        for host, subject in zip(CONTROLS, subjects, strict=False):
            made.change(shown(subject), 465, who=host)
        return made

    assert captive(world()) == "certain"
    assert captive(world("a.example")) == "likely"
    one = world().change(None, 465, who=CONTROLS[0]).change(None, 465, who=CONTROLS[1])
    assert captive(one) == "likely", "of one control only"
    other_issuer = world().change(shown("login.example", issuer="B"), 465, who=CONTROLS[0])
    assert captive(other_issuer) == "likely"


def test_controls_that_fail_alike_show_any_certificate() -> None:
    world = World(control_ports=(465,)).silent(who="target")
    for host in CONTROLS:
        world.change(shown(host), 465, who=host)
    assert captive(world) == "certain"
    world.change(shown(CONTROLS[0], fault="cert-expired"), 465, who=CONTROLS[0])
    assert captive(world) == "likely"


@pytest.mark.parametrize(
    ("works", "port"),
    [
        (seen, 465),
        (plain, 25),
    ],
)
@pytest.mark.parametrize("who", ["target", CONTROLS[0]])
def test_where_anything_works_there_is_no_portal(works: Any, port: int, who: str) -> None:
    world = World(control_ports=(25, 465)).silent()
    assert captive(world) == "certain"
    assert captive(world.change(works, port, who=who)) is None


@pytest.mark.parametrize(
    "fails",
    [
        lambda port, **place: spoilt(port, "cert-expired", **place),
        lambda port, **place: spoilt(port, "tls-failed", **place),
        lambda port, **place: seen(port, tls=None, cut=True, **place),
        lambda port, **place: plain(port, greeting_kind="busy", **place),
    ],
)
def test_what_answers_badly_does_not_work(fails: Any) -> None:
    assert captive(World().silent().change(fails, 587, who="target")) == "certain"


def test_where_to_sign_in_is_told() -> None:
    world = World().silent().with_(portal=page("altered", location="http://login.example/"))
    (finding,) = world.conclusion.findings
    assert finding.params == {"location": "http://login.example/"}
    (finding,) = World().silent().with_(portal=page("altered")).conclusion.findings
    assert finding.params == {}


def test_the_web_answers_in_a_network_with_a_portal() -> None:
    world = World(ports=WITH_WEB).silent(25, 465, 587, 993).silent(who="controls")
    assert captive(world) == "certain"


# ---- no network


def offline(world: World) -> str | None:
    return world.confidence("offline") if "offline" in world.codes else None


def test_nothing_came_back_from_anybody() -> None:
    assert offline(World().silent()) == "likely"
    assert offline(World().silent().with_(portal=page("failed"))) == "likely"
    assert offline(World().silent().with_(portal=page("failed"), names=[random_label()])) == "likely"
    assert offline(World(controls=CONTROLS[:2]).silent()) == "likely"
    assert offline(World(controls=CONTROLS[:1]).silent()) is None
    assert offline(World().silent().with_(portal=page("clear"))) is None
    assert offline(World().silent().with_(portal=page("altered"))) is None


@pytest.mark.parametrize("state", ["nxdomain", "nodata", "ok"])
def test_a_resolver_that_answers_shows_a_network(state: Any) -> None:
    known = [random_label("192.0.2.9") if state == "ok" else random_label(state=state)]
    assert offline(World().silent().with_(names=known)) is None
    assert offline(World().silent().with_(names=NO_NAMES)) == "likely"
    typed = resolved(state="nxdomain", addresses=())
    assert offline(World().silent().with_(names=[typed])) == "likely", "it may be remembered"


@pytest.mark.parametrize(
    "answer",
    [seen(25), unreached(25, "refused"), unreached(25, "reset"), unreached(25, "prohibited", reporter="192.0.2.7")],
)
def test_any_answer_shows_a_network(answer: Observation) -> None:
    assert offline(World().silent().with_(portal=page("failed")).add(answer)) is None


@pytest.mark.parametrize("who", ["target", CONTROLS[0]])
def test_silence_has_to_be_final(who: str) -> None:
    world = World().silent().change({"provisional": True}, 25, who=who)
    assert offline(world) is None
    assert {EvidenceRequest("portal"), EvidenceRequest("controls")} <= world.wanted
    assert offline(world.change({"provisional": False, "cached": True}, 25, who=CONTROLS[0])) == (
        "likely" if who == CONTROLS[0] else None
    )


def test_controls_of_a_minute_ago_are_not_counted() -> None:
    assert offline(World(controls=CONTROLS[:2]).silent().change({"cached": True}, who=CONTROLS[0])) is None


def test_this_machine_reports_that_the_router_is_gone() -> None:
    assert offline(World().fail("unreachable", **GONE)) == "certain"
    assert offline(World().silent().fail("unreachable", who="target", **GONE)) == "likely"
    assert offline(World().silent().fail("unreachable", who=CONTROLS[0], **GONE)) == "certain"
    by_the_box = {**GONE, "reporter": BOX[4]}
    assert offline(World().fail("unreachable", **by_the_box)) == "likely"
    another = {**GONE, "error": "ENETUNREACH (ICMP 3/0)"}
    assert offline(World().fail("unreachable", **another)) == "likely"


def test_where_not_even_the_controls_have_names() -> None:
    def nobody(**known: Any) -> str | None:
        return offline(World(controls=()).silent().with_(**known))

    assert nobody(portal=page("failed"), names=NO_NAMES) == "likely"
    assert nobody(names=NO_NAMES) is None
    assert nobody(portal=page("failed")) is None
    assert nobody(portal=page("failed"), names=[*NO_NAMES, random_label()]) is None
    one = World(controls=CONTROLS[:1]).silent().with_(portal=page("failed"), names=NO_NAMES)
    assert offline(one) is None


def nameless(*hops: str, canary: dict[str, Any] | None = None, **known: Any) -> World:
    world = World(ports=(), controls=()).canary(25, **(canary or {})).canary(465, **(canary or {}))
    if hops:
        world.path(25, *hops, host="192.0.2.1")
    names = [resolved(state="timeout", addresses=())]
    return world.with_(**{"portal": page("failed"), "names": names, **known})


def test_no_name_and_no_router() -> None:
    assert offline(nameless("silent")) == "likely"
    assert offline(nameless(BOX[4], "silent")) == "likely"
    assert offline(nameless(BOX[4], ISP[4])) is None
    assert offline(nameless("silent", "prohibited")) is None
    assert offline(nameless()) is None
    unasked = [
        resolved(state="unasked", addresses=()),
        resolved("example.org", "domain", state="timeout", addresses=()),
    ]
    assert offline(nameless("silent", names=unasked)) == "likely"
    assert offline(nameless("silent", names=[])) is None
    two = [resolved(state="timeout", addresses=()), resolved(source="domain", state="servfail", addresses=())]
    assert offline(nameless("silent", names=two)) is None
    assert offline(nameless("silent", portal=None)) is None
    assert offline(nameless("silent", portal=page("clear"))) is None


@pytest.mark.parametrize("state", ["nxdomain", "nodata", "ok"])
def test_a_name_that_must_not_exist_is_looked_up_in_a_network(state: Any) -> None:
    typed = resolved(state="timeout", addresses=())
    known = random_label("192.0.2.9") if state == "ok" else random_label(state=state)
    assert offline(nameless("silent", names=[typed, known])) is None
    assert offline(nameless("silent", names=[typed, *NO_NAMES])) == "likely"


def test_a_canary_that_is_heard_of_shows_a_network() -> None:
    assert offline(nameless("silent", canary={"state": "refused"})) is None
    assert offline(nameless("silent", canary={"state": "prohibited", "reporter": ISP[4]})) is None
    assert offline(nameless(canary={"state": "unreachable", **GONE})) == "certain"
    assert offline(nameless(canary={"state": "unreachable", **GONE, "error": "ENETUNREACH"})) is None
    assert offline(nameless("silent", canary={"provisional": True})) is None
    assert offline(nameless("silent").canary(465, "refused")) is None
    only_465 = nameless("silent")
    only_465.change(None, 25, who="192.0.2.1")
    assert offline(only_465) is None
    control = nameless("silent").add(World.control(CONTROLS[0], 25)).silent(who=CONTROLS[0])
    assert offline(control) is None


def test_what_is_wanted_where_no_name_is_to_be_had() -> None:
    first = World(ports=(), controls=()).with_(names=[resolved(state="timeout", addresses=())])
    assert first.wanted == {EvidenceRequest("portal"), EvidenceRequest("controls"), EvidenceRequest("canary", port=25)}
    trace = EvidenceRequest("trace", observation="192.0.2.1-25-4")
    assert nameless().wanted == {*first.wanted, trace, EvidenceRequest("proxy")}
    assert nameless(canary={"state": "refused"}).wanted == {*first.wanted, EvidenceRequest("proxy")}
    assert first.with_(names=[resolved()]).wanted == set()
    assert first.with_(names=[]).wanted == first.wanted, "that no name is known may be the network's doing"


def test_without_an_address_to_send_from_there_is_no_network() -> None:
    known = evidence("me@example.org", online=False)
    (finding,) = diagnose(known).findings
    assert (finding.code, finding.confidence, finding.severity) == ("offline", "certain", "blocker")


# ---- a family


def broken(world: World, family: Family = 6) -> str | None:
    code = f"ipv{family}-broken"
    return world.confidence(code) if code in world.codes else None


def both(**changed: Any) -> World:
    return World(**{"families": (4, 6), **changed}).silent(family=6)


def test_what_breaks_a_family() -> None:
    assert broken(both()) == "certain"
    assert broken(both(controls=CONTROLS[:2])) == "likely"
    assert broken(both(controls=CONTROLS[:1])) is None
    assert broken(both().silent(family=4, who=CONTROLS[0])) == "likely"
    assert broken(both().change({"cached": True}, family=4, who="controls")) is None
    assert broken(both().change({"provisional": True}, 25, who="target", family=6)) is None
    assert broken(both().change({"provisional": True}, 25, who=CONTROLS[0], family=6)) is None
    assert broken(both().change(None, family=6, who="controls")) is None
    assert broken(both().change(None, family=6, who="target")) is None
    assert broken(both().rejected(25, by=ISP, family=6)) == "certain"
    assert broken(both().fail("reset", 25, who="target", family=6)) is None


def test_only_controls_that_were_asked_in_both_families_count() -> None:
    assert broken(both().change(None, family=6, who=CONTROLS[0])) == "likely"
    assert broken(both().change(None, family=6, who=CONTROLS[0]).change(None, family=6, who=CONTROLS[1])) is None


def test_loss_in_the_working_family_breaks_none() -> None:
    lossy = both().change({"attempts": 2}, 465, 587, 993, family=4)
    assert broken(lossy) is None
    assert not [want for want in lossy.wanted if want.kind == "again"]
    four = World(families=(4, 6)).silent(family=4).change({"attempts": 2}, 465, 587, 993, family=6)
    assert broken(four, 4) is None


def test_where_anything_was_lost_each_host_is_looked_at_once_more() -> None:
    world = both().change({"attempts": 2}, 587, who="target", family=4)
    again = {want.observation for want in world.wanted if want.kind == "again"}
    assert {f"{host}-587-6" for host in CONTROLS} | {f"{HOST}-993-6"} == again
    two = both(controls=CONTROLS[:2]).change({"attempts": 2}, 587, who="target", family=4)
    assert [want for want in two.wanted if want.kind == "again"]
    assert broken(two) is None
    few = both(controls=CONTROLS[:1]).change({"attempts": 2}, 587, who="target", family=4)
    assert not [want for want in few.wanted if want.kind == "again"]
    assert broken(world) is None
    for host in (HOST, CONTROLS[0]):
        world.twice(587, who=host)
    again = {want.observation for want in world.wanted if want.kind == "again"}
    assert again == {f"{host}-587-6" for host in CONTROLS[1:]}
    rejected = both().rejected(25, 465, 587, 993, by=ISP, family=6).change({"attempts": 2}, 587, who="target", family=4)
    assert broken(rejected) == "certain", "an error of a router is no lost packet"


@pytest.mark.parametrize(
    ("addresses", "has"),
    [
        (("fd77::2",), True),
        ((), True),
        ((OWN[4],), False),
        (("fe80::2",), False),
        (("FE80::2",), False),
        (("::1",), False),
        (("fe80::2", "fd77::2"), True),
    ],
)
def test_a_machine_without_an_address_of_a_family_has_no_broken_one(addresses: tuple[str, ...], has: bool) -> None:
    assert (broken(both().with_(machine=Machine(addresses=addresses))) is not None) is has


@pytest.mark.parametrize(("address", "has"), [("127.0.0.1", False), ("169.254.1.1", False), ("10.77.0.2", True)])
def test_local_addresses_of_ipv4_lead_nowhere(address: str, has: bool) -> None:
    world = World(families=(4, 6)).silent(family=4).with_(machine=Machine(addresses=(address, "fd77::2")))
    assert (broken(world, 4) is not None) is has


def test_what_never_left_this_machine_breaks_no_family() -> None:
    world = World(families=(4, 6)).fail("unreachable", family=6, error="ENETUNREACH").with_(machine=MACHINE)
    assert broken(world) is None
    assert broken(world.silent(25, family=6, who="target", error=None)) == "certain"


def test_a_broken_family_whose_web_alone_was_asked() -> None:
    world = World(families=(4, 6), ports=(25, 443)).silent(family=6).change(None, 25, who="target", family=6)
    (finding,) = [f for f in world.conclusion.findings if f.code == "ipv6-broken"]
    assert finding.evidence[0] == f"{HOST}-443-6"
