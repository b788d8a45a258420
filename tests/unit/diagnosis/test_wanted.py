"""What else each scene wants, whole: nothing is missing, and nobody is asked in vain."""

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

from poterne.diagnosis import EvidenceRequest
from poterne.report import Stages

BEGUN = EvidenceRequest("controls")
DNS = EvidenceRequest("dns", host=HOST)
RELAY = EvidenceRequest("relay")
PORTAL = EvidenceRequest("portal")
WEB = EvidenceRequest("web", host=HOST)
SENDERS = ("smtp.sendgrid.net", "smtp.mailgun.org", "mail.smtp2go.com")
MUTE: dict[str, Any] = {
    "greeting": None, "greeting_kind": "silent", "tls": None, "security": "none", "auth": (),
    "stages": Stages(connect_ms=1, greeting_ms=9000),
}  # fmt: skip
AWAY: dict[str, Any] = {
    "greeting": "554 no", "greeting_kind": "refused", "capabilities": (), "security": "none", "tls": None,
}  # fmt: skip


def controls(*ports: int) -> set[EvidenceRequest]:
    return {EvidenceRequest("controls", port=port) for port in ports}


def canary(port: int) -> EvidenceRequest:
    return EvidenceRequest("canary", port=port)


def looked_at_again(port: int) -> EvidenceRequest:
    """Of the target: whether a server that keeps silent on some ports bans who makes many connections."""
    return EvidenceRequest("again", observation=f"{HOST}-{port}-4")


def again(*hosts: str, port: int = 25) -> set[EvidenceRequest]:
    return {EvidenceRequest("again", observation=f"{host}-{port}-4") for host in hosts}


def trace(port: int, working: int, family: int = 4) -> EvidenceRequest:
    return EvidenceRequest("trace", observation=f"{HOST}-{port}-{family}", working=f"{HOST}-{working}-{family}")


def followed(port: int, working: int) -> set[EvidenceRequest]:
    """The path of a silent port, and what the home box does there."""
    return {trace(port, working), EvidenceRequest("gateway", port=port, family=4)}


def with_defaults(*ports: int, hosts: tuple[str, ...] = SENDERS) -> World:
    """Controls of the table, seen on the ports for sending; the target serves these."""
    world = World(controls=(), ports=ports)
    return world.add(*[World.control(host, port, source="default") for host in hosts for port in (25, 465, 587)])


SCENES: dict[str, tuple[World, set[EvidenceRequest]]] = {
    "all is well": (World(families=(4, 6)), set()),
    "silence without controls": (World(controls=()).silent(25), {BEGUN, *followed(25, 465)}),
    "silence for everybody": (World().silent(25), {BEGUN, RELAY, *followed(25, 465)}),
    "silence for a while": (
        World().silent(25).change({"provisional": True}, 25),
        {BEGUN, RELAY, *followed(25, 465)},
    ),
    "silence, and controls of a minute ago": (
        World().silent(25).change({"cached": True}, who="controls"),
        {BEGUN, RELAY, *followed(25, 465), *again(*CONTROLS), *again(*CONTROLS, port=587)},
    ),
    "silence, and a control of a minute ago that has been asked again": (
        World()
        .silent(25)
        .change({"cached": True}, who=CONTROLS[0])
        .add(World().silent(25).seen[f"{CONTROLS[0]}-25-4"].model_copy(update={"id": "again"})),
        {BEGUN, RELAY, *followed(25, 465), *again(CONTROLS[0], port=587), *controls(993, 443)},
    ),
    "controls of a minute ago that answer": (
        World().silent(25, who="target").change({"cached": True}, who="controls"),
        {BEGUN},
    ),
    "controls of a minute ago, of the other family": (
        World(families=(4, 6)).silent(25, family=4).change({"cached": True}, family=6, who="controls"),
        {BEGUN, RELAY, *followed(25, 465), *again(*CONTROLS)},  # a limit may have let some of the other family through
    ),
    "a control of a minute ago that is known in the other family only": (
        World().silent(25).add(World.control("mx.delta.example", 25, 6, cached=True)),
        {BEGUN, RELAY, *followed(25, 465)},
    ),
    "resets for everybody": (
        World().refused(25),
        {BEGUN, RELAY, canary(25), trace(25, 465), *again(CONTROLS[1])},
    ),
    "resets of two controls": (
        World(controls=CONTROLS[:2]).refused(25),
        {BEGUN, RELAY, canary(25), trace(25, 465), *again(CONTROLS[1])},
    ),
    "resets of one control": (World(controls=CONTROLS[:1]).refused(25), {BEGUN, RELAY}),
    "a path that is known": (
        World().refused(25).path(25, BOX[4], "refused"),
        {BEGUN, RELAY, canary(25), *again(CONTROLS[1])},
    ),
    "cuts for everybody": (
        World().fail("reset", 25, error="ECONNRESET"),
        {BEGUN, RELAY, canary(25), *again(CONTROLS[1])},
    ),
    "cuts of two controls": (
        World(controls=CONTROLS[:2]).fail("reset", 25, error="ECONNRESET"),
        {BEGUN, RELAY, canary(25), *again(CONTROLS[1])},
    ),
    "cuts of one control": (World(controls=CONTROLS[:1]).fail("reset", 25, error="ECONNRESET"), {BEGUN, RELAY}),
    "errors of a router": (World().rejected(25, by=ISP), {BEGUN, RELAY, *again(CONTROLS[1])}),
    "errors of the box": (World().rejected(25, by=BOX), {BEGUN, RELAY}),
    "a failure of the target alone": (World().refused(25, who="target"), {BEGUN}),
    "nobody greets": (World().change(MUTE, 25), {BEGUN, RELAY, canary(25), canary(465)}),
    "nobody greets on another port": (
        World(control_ports=(25, 993)).change(MUTE, 993),
        {*controls(993), canary(25), canary(465), canary(993)},
    ),
    "no port of the controls shows life": (
        World(control_ports=(25, 465, 587)).silent(25, 465, 587),
        {looked_at_again(993), BEGUN, RELAY, *controls(465, 993, 443), *followed(25, 993), *followed(587, 993)},
    ),
    "no port of known controls shows life": (
        with_defaults(25, 465, 587, 993, 995, 143, 443).silent(25, 465, 587),
        {looked_at_again(143), BEGUN, RELAY, *controls(465, 993, 143), *followed(25, 143), *followed(587, 143)},
    ),
    "no port of known controls shows life, and the target serves few": (
        with_defaults(25, 465, 587, 995, 443).silent(25, 465, 587),
        {looked_at_again(995), BEGUN, RELAY, *controls(465, 995, 443), *followed(25, 443), *followed(587, 443)},
    ),
    "no port of the controls shows life, and the target serves one that is not known": (
        World(ports=(25, 465, 587), control_ports=(25, 465, 587))
        .silent(25, 465, 587)
        .add(seen(587, id="strange").model_copy(update={"port": 9, "service": "discard"})),
        {
            EvidenceRequest("again", observation="strange"),
            WEB,
            BEGUN,
            RELAY,
            *controls(465, 443),
            EvidenceRequest("gateway", port=25, family=4),
            EvidenceRequest("gateway", port=587, family=4),
            EvidenceRequest("trace", observation=f"{HOST}-25-4", working="strange"),
            EvidenceRequest("trace", observation=f"{HOST}-587-4", working="strange"),
        },
    ),
    "one control of a port shows no life": (
        World(controls=(*CONTROLS[:2],)).silent(25).silent(who=CONTROLS[0]),
        {BEGUN, RELAY, *controls(993, 443), *followed(25, 465)},
    ),
    "three others live": (
        World(controls=(*CONTROLS, "mx.delta.test")).silent(25).silent(who="mx.delta.test"),
        {BEGUN, RELAY, *followed(25, 465)},
    ),
    "a control that may not serve that port is not asked for life": (
        with_defaults(25, 143, 587).silent(143, who="target"),
        {*controls(143), *followed(143, 25)},
    ),
    "a port on which controls answer, and one on which none does": (
        World(controls=())
        .silent(25, who="target")
        .silent(587, who="target")
        .add(
            World.control("mx.delta.example", 25),
            *(
                unreached(
                    587,
                    "no-answer",
                    host=f"mx.{name}.test",
                    role="control",
                    source="policy",
                    address=f"198.51.100.{number}",
                )
                for number, name in enumerate(("a", "b"))
            ),
        ),
        {looked_at_again(465), BEGUN, *controls(993, 443), *followed(587, 465)},
    ),
    "a budget that ended early is no silence": (
        World().silent(25).silent(who="controls").change({"attempts": 1, "stages": Stages()}, who="controls"),
        {BEGUN, RELAY, *followed(25, 465)},
    ),
    "the target answers nowhere": (World().silent(who="target"), {BEGUN, PORTAL, WEB, DNS, *controls(465, 993)}),
    "the target answers nowhere, and has no port for sending by itself": (
        World(ports=(465, 993)).silent(who="target"),
        {BEGUN, PORTAL, WEB, DNS, *controls(465, 993)},
    ),
    "nobody answers": (
        World().silent(),
        {
            BEGUN,
            RELAY,
            PORTAL,
            WEB,
            DNS,
            *controls(465, 993, 443),
            EvidenceRequest("proxy"),
            EvidenceRequest("resolvers"),
        },
    ),
    "one port that few miss": (World(controls=(), ports=(465, 587, 993, 995)).refused(995), set()),
    "one port that nearly everybody offers": (World(controls=()).refused(465), controls(465)),
    "a port whose purpose no other serves": (World(controls=(), ports=(465, 587, 995)).refused(995), controls(995)),
    "a port whose purpose another serves badly": (
        World(controls=(), ports=(465, 587, 993, 995)).refused(995).change(plain, 993),
        controls(995),
    ),
    "a port that was asked for": (
        World(controls=(), ports=(465, 587, 993, 995)).refused(995).with_(ports=(465, 587, 993, 995)),
        controls(995),
    ),
    "a port that few miss in a network that resets": (
        World(controls=CONTROLS[:2], ports=(25, 465, 587, 993, 995)).refused(25).refused(995),
        {BEGUN, RELAY, canary(25), trace(25, 465), *again(CONTROLS[1]), *controls(995)},
    ),
    "a port that few miss in a network that drops": (
        World(ports=(25, 465, 587, 993, 995)).silent(25).refused(995),
        {BEGUN, RELAY, *followed(25, 465)},
    ),
    "a port that few miss where one control is reset": (
        World(controls=CONTROLS[:1], ports=(25, 465, 587, 993, 995)).refused(25).refused(995),
        {BEGUN, RELAY},
    ),
    "a private issuer": (
        World(controls=()).change({"tls": GOOD_TLS.model_copy(update={"public_trusted": False})}, 465),
        {BEGUN, *controls(465)},
    ),
    "an unknown root": (
        World(controls=()).change({"tls": spoilt(465, "cert-untrusted").tls}, 465),
        {BEGUN},
    ),
    "another's name": (
        World(controls=()).change({"tls": spoilt(465, "cert-name-mismatch").tls}, 465),
        {EvidenceRequest("names", host=HOST), *controls(465), canary(465)},
    ),
    "old versions on one port": (World(controls=()).change({"tls": spoilt(465, "tls-legacy-only").tls}, 465), set()),
    "old versions everywhere": (
        World(controls=()).change({"tls": spoilt(465, "tls-legacy-only").tls}),
        {BEGUN, PORTAL, DNS},
    ),
    "an expired certificate": (
        World(controls=()).change({"tls": spoilt(465, "cert-expired").tls}, 465),
        {BEGUN, PORTAL},
    ),
    "everybody turns us away": (
        World(control_ports=(25, 465, 587)).change(AWAY, 465),
        {*controls(465), canary(465)},
    ),
    "two controls turn us away": (
        World(controls=CONTROLS[:2], control_ports=(25, 465, 587)).change({**AWAY, "greeting_kind": "busy"}, 465),
        {*controls(465), canary(465)},
    ),
    "one control turns us away": (
        World(controls=CONTROLS[:1], control_ports=(25, 465, 587)).change(AWAY, 465),
        controls(465),
    ),
    "a control turned us away a minute ago": (
        World(controls=CONTROLS[:2], control_ports=(25, 465, 587))
        .change(AWAY, 465)
        .change({"cached": True}, 465, who=CONTROLS[0]),
        controls(465),
    ),
    "a canary that opens on 25": (World().canary(25, "open"), {canary(465)}),
    "a canary that opens on 465": (World().canary(465, "open"), {canary(25)}),
    "a canary that opens on another": (World().canary(993, "open"), {canary(25)}),
    "a canary that greets": (World().canary(25, "open", greeting="220 box", greeting_kind="accepted"), set()),
    "a canary that is silent": (World().canary(25), set()),
    "an allow-list": (
        World().silent(25, 587, who="target"),
        {looked_at_again(465), BEGUN, trace(25, 465), trace(587, 465)},
    ),
    "an allow-list of one of two hosts": (
        World(target="me@example.org")
        .silent(25, 587, who="target")
        .add(seen(25, host="mx.example.org", address="192.0.2.9")),
        {looked_at_again(465), BEGUN, trace(25, 465), trace(587, 465)},
    ),
    "an allow-list whose traces are there": (
        World().silent(25, 587, who="target").path(25, BOX[4], "silent").path(587, BOX[4], "silent"),
        {looked_at_again(465), BEGUN},
    ),
    "errors of a router on the listed ports": (World().rejected(25, 587, by=ISP, who="target"), {BEGUN}),
}


@pytest.mark.parametrize("name", SCENES)
def test_a_scene_wants_this_and_nothing_else(name: str) -> None:
    world, wanted = SCENES[name]
    assert world.wanted == wanted


@pytest.mark.parametrize("name", SCENES)
def test_a_saved_report_wants_nothing(name: str) -> None:
    assert World(ports=(), controls=()).add(*SCENES[name][0].seen.values()).with_(complete=True).wanted == set()


# ---- answers that come too soon


def timed(soon: float = 4, late: float = 60, **changed: Any) -> World:
    """Port 25 opens so soon, and every other port so late, here and at the controls."""
    world = World().change({"stages": Stages(connect_ms=late)}).change({"stages": Stages(connect_ms=soon)}, 25)
    return world.change(changed, 25, who="target")


LOOKED_INTO = {canary(25), trace(25, 465)}


@pytest.mark.parametrize(
    ("world", "wanted"),
    [
        (timed(), LOOKED_INTO),
        (timed(soon=14.9, late=60), LOOKED_INTO),
        (timed(soon=15, late=60), set()),
        (timed(soon=4, late=19), set()),
        (timed(soon=4, late=19.1), LOOKED_INTO),
        (timed(attempts=2), set()),
        (timed(stages=Stages()), set()),
        (timed(state="reset"), {BEGUN}),
        (timed(path=World().path(25, "open").seen[f"{HOST}-25-4"].path), set()),
        (timed(address="192.0.2.8"), set()),
        (timed().change({"stages": Stages(connect_ms=4)}, 993, who="target"), set()),
        (timed().change({"stages": Stages(connect_ms=4), "attempts": 2}, 993, who="target"), LOOKED_INTO),
        (timed().change({"stages": Stages(connect_ms=50)}, 587, who="target"), {canary(25), trace(25, 587)}),
        (timed().change({"stages": Stages(connect_ms=50)}, 25, who=CONTROLS[0]), LOOKED_INTO),
        (timed().change({"stages": Stages(connect_ms=50)}, 25, who="controls"), set()),
        (
            timed()
            .change({"stages": Stages(connect_ms=50)}, 25, who=CONTROLS[0])
            .change({"stages": Stages(connect_ms=50)}, 25, who=CONTROLS[1]),
            set(),
        ),
    ],
)
def test_an_answer_that_comes_much_sooner_than_those_of_other_ports_is_looked_into(
    world: World, wanted: set[EvidenceRequest]
) -> None:
    assert world.wanted == wanted


def test_a_host_that_is_as_quick_everywhere_hinders_no_other() -> None:
    quick = [seen(port, host="a.example.org", address="192.0.2.9", id=f"a{port}") for port in (25, 465)]
    world = World(target="me@example.org", ports=()).add(*quick)
    assert world.add(*timed().seen.values()).wanted == LOOKED_INTO


def test_errors_of_several_routers_want_as_little_as_one() -> None:
    assert World().rejected(25, by=FURTHER).wanted == {BEGUN, RELAY, *again(CONTROLS[1])}
