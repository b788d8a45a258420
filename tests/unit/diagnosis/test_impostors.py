"""Who answers in the servers' place, and who takes STARTTLS away: each sign alone."""

from typing import Any

import pytest
from tests.unit.core_observations import (
    BOX,
    CONTROLS,
    FURTHER,
    GOOD_TLS,
    HOST,
    ISP,
    World,
    plain,
    seen,
    spoilt,
    unreached,
)

from poterne.diagnosis.case import Case
from poterne.diagnosis.starttls import lacking_alike, lacks_starttls
from poterne.report import Observation, Stages


def impostors(world: World) -> list[tuple[str, list[str], list[str]]]:
    return [
        (found.confidence, [o.id for o in found.seen], list(found.support))
        for found in Case.of(world.evidence).impostors.found
    ]


def at(port: int, *hosts: str) -> list[str]:
    return sorted(f"{host}-{port}-4" for host in hosts)


# ---- the canary


def test_a_canary_that_greets_is_certain_whatever_else_is_seen() -> None:
    world = World().canary(25, "open", greeting="220 box", greeting_kind="accepted")
    assert impostors(world) == [("certain", at(25, HOST), at(25, "192.0.2.1"))]
    assert impostors(world.canary(465, "open")) == [("certain", at(25, HOST), at(25, "192.0.2.1"))]
    assert impostors(World().canary(25, "refused")) == []


@pytest.mark.parametrize(
    ("elsewhere", "changed", "likely"),
    [
        ("no-answer", {}, True),
        ("refused", {}, True),
        ("open", {"stages": Stages(greeting_ms=20_000)}, False),
        ("no-answer", {"provisional": True}, False),
    ],
)
def test_a_canary_opens_on_one_port_and_not_on_another(elsewhere: str, changed: dict[str, Any], likely: bool) -> None:
    world = World().change(plain, 25, who="target").canary(25, "open").canary(465, elsewhere, **changed)
    support = sorted([*at(25, "192.0.2.1"), *at(465, "192.0.2.1")])
    assert impostors(world) == ([("likely", at(25, HOST), support)] if likely else [])


def test_a_canary_of_another_port_shows_nothing_of_this_one() -> None:
    world = World(ports=(25, 465)).change(plain, 25, who="target").canary(587, "open").canary(465)
    assert impostors(world) == []


def test_every_certificate_has_to_get_through() -> None:
    good = World(families=(4, 6)).canary(25, "open").canary(465)
    assert impostors(good) == []
    elsewhere = World(families=(4, 6)).canary(25, "open").canary(465).change(plain, 587, who="target")
    assert impostors(elsewhere) == []
    (found,) = impostors(good.change(plain, 25, who="target", family=6))
    assert found[:2] == ("likely", [f"{HOST}-25-4", f"{HOST}-25-6"])


def test_a_port_that_is_cut_may_be_somebody_else_s_too() -> None:
    cut = World().fail("reset", 25, who="target", error="ECONNRESET").canary(25, "open").canary(465)
    assert [found[:2] for found in impostors(cut)] == [("likely", at(25, HOST))]
    assert impostors(World().silent(25, who="target").canary(25, "open").canary(465)) == []


def test_what_has_only_been_seen_for_a_while_is_nobody_s_yet() -> None:
    greets = {"greeting": "220 box", "greeting_kind": "accepted"}
    world = World().change({"provisional": True}, 25, who="target").canary(25, "open", **greets)
    assert impostors(world) == []
    world = World(families=(4, 6)).change({"provisional": True}, 25, who="target", family=6)
    ((_, seen_, _),) = impostors(world.canary(25, "open", **greets))
    assert seen_ == at(25, HOST)


def test_where_only_starttls_is_missing_another_rule_says_so() -> None:
    stripped = World().change(plain, 25).canary(25, "open").canary(465)
    assert impostors(stripped) == []
    one = World(controls=CONTROLS[:1]).change(plain, 25).canary(25, "open").canary(465)
    assert [found[0] for found in impostors(one)] == ["likely"]


# ---- names


def greeting(world: World, words: str, *hosts: str, port: int = 25) -> World:
    for host in hosts:
        world.change({"greeting": words}, port, who=host)
    return world


@pytest.mark.parametrize(
    "words",
    [
        "220 filter.isp.example ESMTP",
        "220 FILTER.isp.example. ready",
        "220-filter.isp.example",
        "220  filter.isp.example",
    ],
)
def test_one_name_however_it_is_written(words: str) -> None:
    world = greeting(World(), "220 filter.isp.example", HOST, CONTROLS[0])
    greeting(world, words, CONTROLS[1])
    assert [found[0] for found in impostors(world)] == ["certain"]


@pytest.mark.parametrize("words", ["250 filter.isp.example", "220 other.example", "a 220 filter.isp.example", None])
def test_other_words_are_no_such_name(words: str | None) -> None:
    world = greeting(World(), "220 filter.isp.example", HOST, CONTROLS[0])
    world.change({"greeting": words}, 25, who=CONTROLS[1])
    assert [found[0] for found in impostors(world)] == ["likely"]


def test_only_greetings_of_smtp_tell_a_name() -> None:
    world = World(control_ports=(25, 993)).change({"greeting": "220 filter.isp.example"}, 993)
    assert impostors(world) == []


def test_a_name_that_any_of_them_says_elsewhere_is_its_own() -> None:
    shared = greeting(World(), "220 farm.example", HOST, *CONTROLS)
    assert [found[0] for found in impostors(shared)] == ["certain"]
    ours = greeting(greeting(World(), "220 farm.example", HOST, *CONTROLS), "220 farm.example", HOST, port=587)
    assert impostors(ours) == []
    one = greeting(greeting(World(), "220 farm.example", HOST, *CONTROLS), "220 farm.example", CONTROLS[0], port=587)
    assert impostors(one) == []


def test_a_control_has_to_have_another_name_elsewhere() -> None:
    world = greeting(World(), "220 filter.isp.example", HOST, *CONTROLS).change(None, 587, who=CONTROLS[0])
    (found,) = impostors(world)
    assert found[0] == "certain"
    assert not set(at(25, CONTROLS[0])) & set(found[2])
    world.change(None, 587, who=CONTROLS[1])
    assert [found[0] for found in impostors(world)] == ["likely"]
    assert impostors(world.change(None, 587, who=CONTROLS[2])) == []


def test_a_target_with_one_port_shows_the_name_too() -> None:
    (found,) = impostors(greeting(World(ports=(25,)), "220 filter.isp.example", HOST, *CONTROLS))
    assert set(at(25, HOST, *CONTROLS)) < set(found[2])


def test_each_name_of_the_target_is_looked_at() -> None:
    for own in ("220 a.example.org", "220 zzz.example.org"):
        world = greeting(World(target="me@example.org"), "220 filter.isp.example", HOST, *CONTROLS)
        world.add(seen(25, host="mx.example.org", greeting=own), seen(587, host="mx.example.org", greeting=own))
        assert [found[0] for found in impostors(world)] == ["certain"]


# ---- paths


@pytest.mark.parametrize(
    ("near", "far", "confidence"),
    [
        (("open",), (BOX[4], ISP[4], "open"), "likely"),
        (("open",), (BOX[4], "open"), "likely"),
        (("open",), ("silent", ISP[4], "open"), "possible"),
        (("open",), ("silent", "open"), None),
        ((BOX[4], "open"), (BOX[4], ISP[4], FURTHER[4], "open"), "possible"),
        ((BOX[4], "open"), (BOX[4], ISP[4], "open"), None),
        ((BOX[4], "open", "open"), (BOX[4], ISP[4], "open"), None),
        ((BOX[4], ISP[4], FURTHER[4], "open"), (BOX[4], "open"), None),
        ((BOX[4], "refused"), (BOX[4], ISP[4], FURTHER[4], "open"), None),
        ((BOX[4], "open"), (BOX[4], ISP[4], FURTHER[4], "silent"), None),
    ],
)
def test_an_answer_from_nearer_than_another_port_s(
    near: tuple[str, ...], far: tuple[str, ...], confidence: str | None
) -> None:
    world = World(ports=(25, 993)).path(25, *near).path(993, *far)
    support = sorted([*at(25, HOST), *at(993, HOST)])
    assert impostors(world) == ([(confidence, at(25, HOST), support)] if confidence else [])


def test_only_another_port_of_the_same_address_is_farther() -> None:
    far = World().path(587, BOX[4], ISP[4], "open").seen[f"{HOST}-587-4"]
    assert [found[0] for found in impostors(World(ports=(25,)).path(25, "open").add(far))] == ["likely"]
    other = far.model_copy(update={"address": "192.0.2.8"})
    assert impostors(World(ports=(25,)).path(25, "open").add(other)) == []
    again = far.model_copy(update={"port": 25, "id": "again"})
    assert impostors(World(ports=(25,)).path(25, "open").add(again)) == []


def test_a_path_says_nothing_where_packets_are_lost_or_another_protocol_is_spoken() -> None:
    lossy = World().path(25, "open").path(587, BOX[4], ISP[4], "open").change({"attempts": 2}, 465, 587, 993)
    assert impostors(lossy) == []
    assert impostors(World().path(993, "open").path(587, BOX[4], ISP[4], "open")) == []


def test_the_surest_sign_of_a_port_counts_and_each_supports_it() -> None:
    world = World().path(25, "open").path(587, BOX[4], ISP[4], "open")
    world.canary(25, "open", greeting="220 box", greeting_kind="accepted")
    (found,) = impostors(world)
    assert found == ("certain", at(25, HOST), sorted([*at(25, HOST, "192.0.2.1"), *at(587, HOST)]))
    world.path(465, BOX[4], "open").path(993, BOX[4], ISP[4], FURTHER[4], "open")
    assert [(found[0], found[1]) for found in impostors(world)] == [
        ("possible", at(465, HOST)),
        ("certain", at(25, HOST)),
    ]


# ---- STARTTLS


@pytest.mark.parametrize(
    ("observation", "lacks"),
    [
        (plain(25), True),
        (plain(25, starttls="refused"), True),
        (plain(25, starttls="failed"), False),
        (plain(25, starttls=None), False),
        (plain(25, greeting_kind="busy"), False),
        (plain(25, state="reset"), False),
        (plain(25, tls=GOOD_TLS), False),
        (plain(25, starttls=None, capabilities_clear=("XXXX",)), True),
        (plain(25, starttls=None, capabilities=(" XXXXXXXA ",), capabilities_clear=()), True),
        (plain(25, starttls="failed", capabilities_clear=("XXXXXXXX",)), True),
        (plain(25, starttls=None, capabilities_clear=("XXX",)), False),
        (plain(25, starttls=None, capabilities_clear=("XXXXXXXAB",)), False),
        (plain(25, starttls=None, capabilities_clear=("XXXXXXXA 1",)), False),
        (seen(25), False),
        (spoilt(25, "tls-failed"), False),
        (unreached(25, "refused"), False),
    ],
)
def test_what_lacks_starttls(observation: Observation, lacks: bool) -> None:
    assert lacks_starttls(observation) is lacks


def lacking(world: World, port: int = 25) -> list[str]:
    known = Case.of(world.evidence)
    return [o.id for o in lacking_alike(known.target, known.controls, port)]


def test_controls_that_lack_it_like_the_target() -> None:
    assert lacking(World().change(plain, 25)) == [f"{host}-25-4" for host in CONTROLS]
    assert lacking(World().change(plain, 25), 587) == []
    assert lacking(World().change(plain, 587), 25) == []
    assert lacking(World(controls=CONTROLS[:2]).change(plain, 25)) == [f"{host}-25-4" for host in CONTROLS[:2]]
    assert lacking(World(controls=CONTROLS[:1]).change(plain, 25)) == []
    assert lacking(World().change(plain, 25).add(World.control(CONTROLS[0], 25))) == []
    assert lacking(World().change(plain, 25, who="controls")) == []
    assert lacking(World().change(plain, 25).change({"provisional": True}, 25, who="target")) == []
    assert lacking(World().change(plain, 25).silent(25, who=CONTROLS[0])) == [f"{h}-25-4" for h in CONTROLS[1:]]


def test_what_was_seen_a_minute_ago_shows_that_it_is_offered_and_not_that_it_is_lacking() -> None:
    cached = World().change(plain, 25).change({"cached": True}, 25, who=CONTROLS[0])
    assert lacking(cached) == [f"{host}-25-4" for host in CONTROLS[1:]]
    two = World(controls=CONTROLS[:2]).change(plain, 25).change({"cached": True}, 25, who=CONTROLS[0])
    assert lacking(two) == []
    offered = World().change(plain, 25).add(World.control(CONTROLS[0], 25, cached=True))
    assert lacking(offered) == []


def test_controls_of_the_family_that_lacks_it_count() -> None:
    world = World(families=(4, 6)).change(plain, 25, family=6)
    assert lacking(world) == [f"{host}-25-6" for host in CONTROLS]
    assert lacking(World(families=(4, 6)).change(plain, 25, family=4, who="target").change(plain, 25, family=6)) == []


# ---- opened TLS


def opened(*hosts: str, **changed: Any) -> World:
    tls = GOOD_TLS.model_copy(update={"issuer": "Antivirus root", "public_trusted": False, **changed})
    world = World()
    for host in (HOST, *hosts):
        world.change({"tls": tls}, 587, who=host)
    return world


@pytest.mark.parametrize(
    ("changed", "intercepted"),
    [
        ({}, True),
        ({"trusted": False, "fault": "cert-untrusted", "faults": ("cert-untrusted",)}, True),
        ({"trusted": False, "fault": "cert-expired", "faults": ("cert-expired", "cert-incomplete-chain")}, True),
        ({"trusted": False, "fault": "cert-expired", "faults": ("cert-expired",)}, False),
        ({"trusted": None}, False),
        ({"public_trusted": None}, False),
        ({"public_trusted": True}, False),
        ({"issuer": None}, False),
        ({"issuer": "", "subject": "x"}, False),
        ({"issuer": HOST, "subject": HOST}, False),
    ],
)
def test_an_issuer_that_the_public_set_does_not_know(changed: dict[str, Any], intercepted: bool) -> None:
    assert ("tls-intercepted" in opened(*CONTROLS, **changed).codes) is intercepted


def test_public_certificates_on_the_same_port_only_speak_against_one_control() -> None:
    assert "tls-intercepted" not in opened(CONTROLS[0]).codes
    alone = opened(CONTROLS[0]).change(None, 587, who=CONTROLS[1]).change(None, 587, who=CONTROLS[2])
    assert alone.confidence("tls-intercepted") == "likely", "what others show on 25 is another matter"
    assert opened(*CONTROLS[:2]).confidence("tls-intercepted") == "certain"


@pytest.mark.parametrize("who", ["target", "controls"])
def test_what_is_not_settled_shows_no_issuer(who: str) -> None:
    assert "tls-intercepted" not in opened(*CONTROLS).change({"provisional": True}, 587, who=who).codes


def test_each_issuer_is_judged_alone() -> None:
    world = opened(*CONTROLS)
    other = GOOD_TLS.model_copy(update={"issuer": "A company", "public_trusted": False})
    world.change({"tls": other}, 25, who="target")
    assert [f.params["issuer"] for f in world.conclusion.findings if f.code == "tls-intercepted"] == ["Antivirus root"]
    untrusted = world.change({"tls": other.model_copy(update={"trusted": False})}, 465, who="target")
    assert "tls-intercepted" in untrusted.codes
