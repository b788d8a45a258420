"""Findings of comparisons, whole: about whom, how sure, and by which observations."""

from datetime import timedelta
from typing import Any, NamedTuple

import pytest
from tests.unit.core_observations import (
    BOX,
    CONTROLS,
    FURTHER,
    GOOD_TLS,
    HOST,
    ISP,
    NOW,
    OWN,
    RELAY,
    World,
    found,
    plain,
    random_label,
    resolved,
    seen,
    spoilt,
    unreached,
)

from poterne.report import Portal, Stages

WITH_WEB = (25, 465, 587, 993, 443, 80)
MAIL = (25, 465, 587, 993)
TARGET = (HOST,)
EVERYBODY = (HOST, *CONTROLS)
OWN_ADDRESS = {4: "192.0.2.7"}


def portal(state: Any, days: float = 0, **changed: Any) -> Portal:
    """The page that portals alter, from a server whose clock is so many days behind ours."""
    date = (NOW - timedelta(days=days)).isoformat()
    return Portal(url="http://portal.example/", state=state, date=date, asked_at=NOW.isoformat(), **changed)


def at(*ports: int, hosts: tuple[str, ...] = TARGET, families: tuple[int, ...] = (4,)) -> list[str]:
    return [f"{host}-{port}-{family}" for family in families for host in hosts for port in ports]


class Told(NamedTuple):
    world: World
    code: str
    severity: str
    confidence: str
    evidence: list[str]
    host: str | None = None
    ports: tuple[int, ...] | None = None
    family: int | None = None
    params: dict[str, Any] = {}  # noqa: RUF012


def faulty(fault: str, *hosts: str, ports: tuple[int, ...] = (465, 587)) -> World:
    world = World(ports=ports)
    for host in (HOST, *hosts):
        world.change(lambda port, **place: spoilt(port, fault, **place), who=host)
    return world


def private(*ports: int, issuer: str = "Antivirus root") -> World:
    tls = GOOD_TLS.model_copy(update={"issuer": issuer, "public_trusted": False})
    return World(families=(4, 6)).change({"tls": tls}, *ports)


def nobody_s_name(*ports: int) -> World:
    world = World()
    for host in EVERYBODY:
        world.change({"greeting": "220 filter.isp.example ESMTP"}, *ports, who=host)
    return world


def nameless() -> World:
    world = World(ports=(), controls=()).canary(25).canary(465).path(25, BOX[4], "silent", host="192.0.2.1")
    return world.with_(portal=portal("failed"), names=[resolved(state="timeout", addresses=())])


GONE: dict[str, Any] = {"reporter": OWN[4], "error": "EHOSTUNREACH (ICMP 3/1)", "stages": Stages(connect_ms=3050)}
TOLD: dict[str, Told] = {
    "a server that is down": Told(
        World(ports=WITH_WEB).silent(who="target"),
        "server-down", "blocker", "likely", [*at(*WITH_WEB), *at(25, 587, hosts=CONTROLS)], HOST,
    ),
    "a server that is down in one family, the only one that it has": Told(
        World(families=(4, 6), ports=WITH_WEB).silent(who="target").change(None, family=4, who="target"),
        "server-down", "blocker", "likely",
        [*at(*WITH_WEB, families=(6,)), *at(25, 587, hosts=CONTROLS, families=(6,))], HOST,
    ),
    "a server of which the web was not asked": Told(
        World().silent(who="target"),
        "server-down", "blocker", "possible", [*at(*MAIL), *at(25, 587, hosts=CONTROLS)], HOST,
    ),
    "a server that turns us away": Told(
        World(ports=WITH_WEB).rejected(*MAIL, by=OWN_ADDRESS, who="target"),
        "client-rejected", "blocker", "likely", at(*WITH_WEB), HOST,
    ),
    "a server that lets only others in": Told(
        World(ports=WITH_WEB).silent(*MAIL, who="target").refused(80, who="target"),
        "client-rejected", "blocker", "possible", at(*WITH_WEB), HOST,
    ),
    "ports that are silent in both families": Told(
        World(families=(4, 6)).silent(25, 587, who="target"),
        "port-silent", "warning", "certain",
        [*at(25, 587, families=(4, 6)),
         *(id_ for family in (4, 6) for port in (25, 587) for id_ in at(port, hosts=CONTROLS, families=(family,)))],
        HOST, (25, 587),
    ),
    "a port that is silent in one family": Told(
        World(families=(4, 6)).silent(587, who="target", family=6),
        "port-silent", "warning", "certain", at(587, hosts=EVERYBODY, families=(6,)), HOST, (587,), 6,
    ),
    "a port for receiving that is silent": Told(
        World(controls=CONTROLS[:1], control_ports=(25, 587, 993)).silent(993, who="target").add(seen(995)),
        "port-silent", "note", "likely", at(993, hosts=(HOST, CONTROLS[0])), HOST, (993,),
    ),
    "a family that is broken": Told(
        World(families=(4, 6)).silent(family=6),
        "ipv6-broken", "warning", "certain",
        [*at(*MAIL, families=(6,)), *(f"{host}-{port}-6" for host in CONTROLS for port in (25, 587)),
         *at(587, hosts=CONTROLS)],
        family=6,
    ),
    "the older family that is broken": Told(
        World(families=(4, 6), controls=CONTROLS[:2], ports=WITH_WEB).silent(family=4),
        "ipv4-broken", "warning", "likely",
        [*at(*MAIL), *(f"{host}-{port}-4" for host in CONTROLS[:2] for port in (25, 587)),
         *at(587, hosts=CONTROLS[:2], families=(6,))],
        family=4,
    ),
    "a clock that is ahead, by two controls": Told(
        faulty("cert-expired", *CONTROLS[:2]),
        "clock-wrong", "blocker", "certain", [*at(465, 587), *(f"{h}-{p}-4" for h in CONTROLS[:2] for p in (25, 587))],
    ),
    "a clock that is ahead, by a server's date": Told(
        faulty("cert-expired").change(None, who="controls").with_(portal=portal("clear", 400.4)),
        "clock-wrong", "blocker", "likely", at(465, 587), params={"days": 400},
    ),
    "a clock that is behind": Told(
        faulty("cert-not-yet-valid", CONTROLS[0]).with_(portal=portal("clear", -1.6)),
        "clock-wrong", "blocker", "certain", [*at(465, 587), *at(25, 587, hosts=CONTROLS[:1])], params={"days": 2},
    ),
    "a clock that differs the other way": Told(
        faulty("cert-expired", *CONTROLS[:2]).with_(portal=portal("clear", -3)),
        "clock-wrong", "blocker", "certain", [*at(465, 587), *(f"{h}-{p}-4" for h in CONTROLS[:2] for p in (25, 587))],
    ),
    "a network that wants a sign-in": Told(
        World(ports=WITH_WEB).silent().with_(portal=portal("altered", location="http://login.example/")),
        "captive-portal", "blocker", "certain", [*at(*MAIL), *at(25, 587, hosts=CONTROLS)],
        params={"location": "http://login.example/"},
    ),
    "no network": Told(
        World(ports=WITH_WEB).silent().with_(portal=portal("failed")),
        "offline", "blocker", "likely", [*at(*WITH_WEB), *at(25, 587, hosts=CONTROLS)],
    ),
    "no network, as this machine says": Told(
        World(ports=WITH_WEB).fail("unreachable", **GONE),
        "offline", "blocker", "certain", [*at(*WITH_WEB), *at(25, 587, hosts=CONTROLS)],
    ),
    "no network and no names": Told(
        nameless(), "offline", "blocker", "likely", at(25, 465, hosts=("192.0.2.1",)),
    ),
    "a resolver that invents addresses": Told(
        World().with_(names=[resolved(), random_label("203.0.113.80"), random_label("203.0.113.80", zone="org")]),
        "dns-hijacked", "warning", "certain", [],
    ),
    "a resolver that invented the target": Told(
        World(ports=WITH_WEB).silent(*MAIL, who="target").with_(
            names=[resolved(), random_label("192.0.2.7"), random_label(zone="org")]
        ),
        "dns-hijacked", "blocker", "likely", at(*MAIL),
    ),
    "port 25 in both families": Told(
        World(families=(4, 6)).silent(25),
        "port25-blocked", "warning", "certain",
        [*at(25, families=(4, 6)), *at(25, hosts=CONTROLS, families=(4, 6))], None, (25,),
    ),
    "port 25 in one family": Told(
        World(families=(4, 6)).silent(25, family=6),
        "port25-blocked", "warning", "certain", at(25, hosts=EVERYBODY, families=(6,)), None, (25,), 6,
    ),
    "port 25 for others than the relay": Told(
        World(families=(4, 6)).silent(25).relay(),
        "port25-relay-only", "warning", "certain",
        [*at(25, families=(4, 6)), *at(25, hosts=CONTROLS, families=(4, 6)), *at(25, hosts=(RELAY,), families=(4, 6))],
        None, (25,), params={"relay": RELAY},
    ),
    "port 25 behind the box": Told(
        World().silent(25).path(25, BOX[4], ISP[4], "silent").path(587, BOX[4], ISP[4], FURTHER[4], "open"),
        "port25-blocked", "warning", "certain", at(25, hosts=EVERYBODY), None, (25,), params={"where": "provider"},
    ),
    "two ports in one family": Told(
        World(families=(4, 6), control_ports=(25, 465, 587)).silent(465, 587, family=4),
        "port-blocked", "warning", "certain",
        [*at(465, 587), *at(465, hosts=CONTROLS), *at(587, hosts=CONTROLS)], None, (465, 587), 4,
    ),
    "two ports, one of them behind the box": Told(
        World(control_ports=(25, 465, 587)).silent(465, 587)
        .path(465, BOX[4], ISP[4], "silent").path(25, BOX[4], ISP[4], FURTHER[4], "open"),
        "port-blocked", "warning", "certain",
        [*at(465, 587), *at(465, hosts=CONTROLS), *at(587, hosts=CONTROLS)], None, (465, 587),
    ),
    "two ports, of which one is less sure": Told(
        World(control_ports=(25, 465, 587)).silent(465, 587).change(None, 587, who=CONTROLS[0]),
        "port-blocked", "warning", "likely",
        [*at(465, 587), *at(465, hosts=CONTROLS), *at(587, hosts=CONTROLS[1:])], None, (465, 587),
    ),
    "a box with a list, in both families": Told(
        World(families=(4, 6)).rejected(25, 587, by=BOX, who="target"),
        "mail-allowlist", "warning", "certain",
        [*at(25, 587, families=(4, 6)),
         *(id_ for family in (4, 6) for port in (25, 587) for id_ in at(port, hosts=CONTROLS, families=(family,)))],
        HOST, (25, 587),
    ),
    "STARTTLS that is taken away in one family": Told(
        World(families=(4, 6)).change(plain, 25, family=6),
        "starttls-stripped", "warning", "certain", at(25, hosts=EVERYBODY, families=(6,)), None, (25,), 6,
    ),
    "STARTTLS that is taken away on two ports": Told(
        World().change(plain, 25, 587),
        "starttls-stripped", "warning", "certain",
        [*at(25, 587), *at(25, hosts=CONTROLS), *at(587, hosts=CONTROLS)], None, (25, 587),
    ),
    "TLS that is opened": Told(
        private(587).change({"tls": GOOD_TLS}, 587, family=6),
        "tls-intercepted", "warning", "certain", at(587, hosts=EVERYBODY), None, (587,), 4,
        {"issuer": "Antivirus root", "trusted": True},
    ),
    "a canary that greets": Told(
        World().canary(25, "open", greeting="220 box", greeting_kind="accepted").canary(465),
        "smtp-intercepted", "warning", "certain", at(25, hosts=(HOST, "192.0.2.1")), None, (25,),
    ),
    "a canary that opens": Told(
        World().change(plain, 25, who="target").canary(25, "open").canary(465),
        "smtp-intercepted", "warning", "likely", [*at(25), *at(25, 465, hosts=("192.0.2.1",))], None, (25,),
    ),
    "one name of all": Told(
        nobody_s_name(25),
        "smtp-intercepted", "warning", "certain",
        [*at(25, 465, 587), *(f"{host}-{port}-4" for host in CONTROLS for port in (25, 587))], None, (25,),
    ),
    "an answer of the first hop": Told(
        World().path(25, "open").path(587, BOX[4], ISP[4], "open"),
        "smtp-intercepted", "warning", "likely", at(25, 587), None, (25,),
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", TOLD)
def test_a_finding_is_told_whole(name: str) -> None:
    told = TOLD[name]
    finding = found(told.world.conclusion, told.code)
    params = {**told.params, **({"ports": told.ports} if told.ports else {})}
    port = told.ports[0] if told.ports else None
    assert (finding.severity, finding.confidence) == (told.severity, told.confidence)
    assert (finding.host, finding.port, finding.family, finding.params) == (told.host, port, told.family, params)
    assert finding.evidence == tuple(told.evidence)


EXPLAINED = {name: told for name, told in TOLD.items() if told.evidence and told.severity == "blocker"}


@pytest.mark.parametrize("name", EXPLAINED)
def test_what_a_deep_finding_explains_is_not_said_again(name: str) -> None:
    codes = {finding.code for finding in EXPLAINED[name].world.conclusion.findings}
    assert codes <= {EXPLAINED[name].code, "dns-nxdomain"}


def test_what_is_reset_beside_a_block_is_the_network_s_too() -> None:
    """Where a family has no controls, nothing was held against its resets."""
    world = World(families=(4, 6), control_ports=(25, 465, 587)).refused(25, 465).twice(25, 465)
    world.canary(25, "refused").canary(465, "refused").change(None, who="controls", family=6)
    assert world.codes == {"port25-blocked", "port-blocked", "ok"}


def test_a_look_again_that_saw_the_same_is_explained_too() -> None:
    world = World().rejected(25, by=OWN).twice(25, who="target")
    assert world.codes == {"local-firewall", "ok"}
    changed = unreached(25, "no-answer", id="again")
    assert World().rejected(25, by=OWN).add(changed).codes == {"local-firewall", "unproven", "ok"}
