"""How findings are weighed: what keeps a target from being used, and what is quiet beside it."""

from typing import Any

import pytest
from tests.unit.core_observations import (
    HOST,
    World,
    blockers,
    broken_off,
    codes,
    concluded,
    found,
    plain,
    resolved,
    seen,
    server,
    spoilt,
    unreached,
)

from poterne.diagnosis import Conclusion
from poterne.report import Observation, Offer, Stages

ACCOUNT = "me@example.org"
SMTP: dict[str, Any] = {"host": "smtp.example.org", "source": "guess"}
IMAP: dict[str, Any] = {"host": "imap.example.org", "source": "guess"}
MX: dict[str, Any] = {"host": "mx.example.org", "source": "mx"}


def severities(conclusion: Conclusion) -> dict[str, str]:
    return {f"{f.code} {f.port}" if f.port else f.code: f.severity for f in conclusion.findings}


# ---- what a target needs


@pytest.mark.parametrize(
    ("target", "observations", "options", "well"),
    [
        (ACCOUNT, [seen(587)], {}, True),
        (ACCOUNT, [seen(993)], {}, False),
        (ACCOUNT, [seen(587), seen(993)], {}, True),
        (ACCOUNT, [seen(587), spoilt(993, "cert-expired")], {}, False),
        (ACCOUNT, [seen(587), unreached(993, "refused")], {}, True),
        (ACCOUNT, [seen(587), unreached(993, "no-answer", **IMAP)], {}, False),
        (ACCOUNT, [seen(587), unreached(993, "refused", **IMAP)], {}, True),
        (ACCOUNT, [seen(587), unreached(993, "no-answer", host="pop3.example.org")], {}, False),
        (ACCOUNT, [seen(587), unreached(587, "no-answer", **IMAP)], {}, True),
        ("example.org", [seen(587), unreached(993, "no-answer", **IMAP)], {}, False),
        (server("imap.example.org"), [seen(587, **IMAP), unreached(993, "no-answer", **IMAP)], {}, True),
        (server(), [plain(587)], {}, False),
        (server(), [seen(25)], {}, True),
        (server(), [seen(587), plain(993, security="none")], {}, False),
        (server(), [seen(993)], {"ports": (993,)}, True),
        (server(), [seen(993)], {"ports": (993, 587)}, False),
        (server(), [seen(587), spoilt(993, "cert-expired")], {"ports": (587,)}, True),
        (server(), [seen(443)], {"ports": (443,)}, True),
        (server(), [spoilt(443, "cert-expired")], {"ports": (443,)}, False),
        (server(), [seen(4190)], {"ports": (4190,)}, True),
        (server(), [seen(4190)], {"ports": (4190, 9)}, True),
        (f"{HOST}:443", [seen(443)], {}, True),
        (f"{HOST}:80", [seen(80)], {}, True),
        (f"{HOST}:80", [seen(80, greeting_kind="silent")], {}, False),
        (f"{HOST}:443", [spoilt(443, "cert-expired")], {}, False),
        (f"{HOST}:587", [seen(587), seen(465)], {}, True),
        (f"{HOST}:587", [seen(465)], {}, False),
        (f"{HOST}:587", [seen(587, cut=True)], {}, False),
        (f"{HOST}:587", [unreached(587, "no-answer"), seen(587, family=6)], {}, True),
        (f"submission://{HOST}", [seen(587, security="tls")], {}, False),
        (f"submission://{HOST}", [seen(587)], {}, True),
        (f"{HOST}:587", [seen(587, security="tls")], {}, True),
    ],
)
def test_what_makes_a_target_usable(target: Any, observations: list[Observation], options: Any, well: bool) -> None:
    conclusion = concluded(target, *observations, **options)
    assert ("ok" in codes(conclusion)) is well
    assert (conclusion.verdict.severity == "blocker") is not well


def test_ok_names_what_works_of_what_was_asked_for() -> None:
    both = found(concluded(server(), seen(587), seen(465), unreached(25, "refused")), "ok")
    assert (both.host, both.port, both.confidence) == (HOST, None, "certain")
    assert both.evidence == (f"{HOST}-587-4", f"{HOST}-465-4")
    asked = found(concluded(f"{HOST}:587", seen(587), seen(465)), "ok")
    assert (asked.host, asked.port, asked.evidence) == (HOST, 587, (f"{HOST}-587-4",))
    domain = found(concluded("me@example.org", seen(587), seen(443, **MX)), "ok")
    assert (domain.host, domain.evidence) == ("example.org", (f"{HOST}-587-4",))


def test_what_is_unproven_names_what_was_asked_for() -> None:
    nothing = found(concluded(ACCOUNT, seen(993)), "unproven")
    assert (nothing.host, nothing.port, nothing.params["ports"]) == ("example.org", None, (993,))
    assert (nothing.severity, nothing.confidence, nothing.evidence) == ("blocker", "possible", (f"{HOST}-993-4",))
    asked = found(concluded(f"{HOST}:587", plain(587, starttls=None), seen(465)), "unproven")
    assert (asked.host, asked.port, asked.params["ports"], asked.evidence) == (HOST, 587, (587,), (f"{HOST}-587-4",))
    both = found(concluded(f"{HOST}:587", *(plain(587, starttls=None, family=f) for f in (4, 6))), "unproven")
    assert both.params["ports"] == (587,)


# ---- how bad a fault is


CUT = seen(465, auth_clear=("PLAIN",), cut=True)


@pytest.mark.parametrize(
    ("target", "observations", "expected"),
    [
        (
            f"{HOST}:587",
            [spoilt(587, "cert-expired"), unreached(465, "refused")],
            {"cert-expired 587": "blocker", "port-closed 465": "note"},
        ),
        (
            server(),
            [seen(465), unreached(587, "no-answer"), unreached(993, "no-answer")],
            {"unproven 587": "warning", "unproven 993": "note", "ok": "good"},
        ),
        (
            ACCOUNT,
            [seen(587), spoilt(993, "cert-expired"), spoilt(25, "cert-expired", **MX)],
            {"cert-expired 993": "blocker", "cert-expired 25": "warning"},
        ),
        (
            ACCOUNT,
            [seen(993), spoilt(587, "cert-expired"), spoilt(995, "cert-expired", **MX)],
            {"cert-expired 587": "blocker", "cert-expired 995": "warning"},
        ),
        (
            ACCOUNT,
            [unreached(587, "refused"), CUT, seen(993, auth=())],
            {"connection-cut 465": "blocker", "port-closed 587": "note", "auth-absent 993": "note"},
        ),
        (f"submission://{HOST}", [seen(587, security="tls"), seen(465)], {"wrong-security 587": "blocker"}),
        (server(), [plain(587), plain(143)], {"plaintext-only 587": "blocker", "plaintext-only 143": "blocker"}),
        (
            server(),
            [spoilt(4190, "cert-expired"), plain(587)],
            {"plaintext-only 587": "blocker", "cert-expired 4190": "warning"},
        ),
        (server(), [spoilt(443, "cert-expired")], {"unproven": "blocker"}),
    ],
)
def test_only_what_is_in_the_way_blocks(target: Any, observations: list[Observation], expected: dict[str, str]) -> None:
    assert severities(concluded(target, *observations)) == expected


def test_a_fault_of_a_verified_port_does_not_block() -> None:
    slow = seen(587, starttls="injected", **MX)
    conclusion = concluded(ACCOUNT, seen(993), slow, spoilt(465, "cert-expired"), offers=())
    assert severities(conclusion)["starttls-injection 587"] == "warning"


def test_a_name_is_the_reason_where_it_is_the_one_that_was_asked_for_or_nothing_was_tried() -> None:
    gone = [resolved("mx.example.org", "mx", state="servfail", addresses=())]
    nothing = concluded(ACCOUNT, names=gone)
    assert severities(nothing) == {"dns-servfail": "blocker"}
    tried = concluded(ACCOUNT, unreached(587, "refused"), names=gone)
    assert severities(tried)["dns-servfail"] == "warning"
    own = concluded(f"{HOST}:587", unreached(587, "no-answer"), names=[resolved(state="servfail", addresses=())])
    assert severities(own)["dns-servfail"] == "blocker"


# ---- what is quiet beside something deeper


def test_closed_and_silent_ports_are_quiet_beside_a_deeper_reason_for_the_same_purpose() -> None:
    both = concluded(server(), unreached(465, "refused"), spoilt(587, "cert-expired"), unreached(25, "no-answer"))
    assert severities(both) == {"cert-expired 587": "blocker", "port-closed 465": "note", "unproven 25": "warning"}
    alone = concluded(server(), unreached(465, "refused"), unreached(587, "no-answer"))
    assert severities(alone) == {"port-closed 465": "blocker", "unproven 587": "blocker"}
    receiving = concluded(ACCOUNT, unreached(465, "refused"), spoilt(993, "cert-expired"))
    assert severities(receiving) == {"port-closed 465": "blocker", "cert-expired 993": "blocker"}


def blocked(*ports: int, target: Any = None) -> World:
    return World(target=target, ports=(25, *ports)).silent(25)


def test_a_block_is_quiet_beside_a_connection_that_came_further() -> None:
    further = blocked(587).change(lambda port, **place: spoilt(port, "cert-expired", **place), 587, who="target")
    assert severities(further.conclusion) == {"cert-expired 587": "blocker", "port25-blocked 25": "warning"}
    cut = blocked(587).change(broken_off, 587, who="target")
    assert severities(cut.conclusion) == {"connection-cut 587": "blocker", "port25-blocked 25": "warning"}
    receiving = blocked(993).change(lambda port, **place: spoilt(port, "cert-expired", **place), 993, who="target")
    assert severities(receiving.conclusion)["port25-blocked 25"] == "blocker"


def test_a_block_is_no_less_a_reason_beside_closed_ports() -> None:
    closed = World(target=ACCOUNT, ports=(25, 465, 993)).silent(25).refused(465, who="target")
    assert severities(closed.conclusion)["port25-blocked 25"] == "blocker"
    assert severities(closed.conclusion)["port-closed 465"] == "note"


def test_a_host_that_was_not_reached_either_quiets_no_block() -> None:
    world = World(target=ACCOUNT, ports=(25, 993)).silent(25)
    world.add(unreached(465, "unreachable", family=6, error="ENETUNREACH", host="b.example.org"))
    assert blockers(world.conclusion) == {"port25-blocked", "no-common-family"}


def test_two_blocks_do_not_quiet_each_other() -> None:
    world = World(control_ports=(25, 465, 587, 993)).silent(25, 465)
    assert {"port25-blocked", "port-blocked"} <= world.codes


def test_a_better_name_does_not_quiet_the_block_of_the_asked_port_and_is_quiet_itself() -> None:
    def world(target: Any, port: int) -> World:
        made = World(target=target).silent(25)
        made.change(lambda number, **place: spoilt(number, "cert-name-mismatch", **place), 465, 587, 993, who="target")
        return made.add(seen(port, host="other.example", source="certificate", address="192.0.2.9"))

    endpoint = world(f"{HOST}:25", 587).conclusion
    assert severities(endpoint)["port25-blocked 25"] == "blocker"
    assert severities(endpoint)["wrong-host-name"] == "warning"
    asked = world(f"{HOST}:587", 587).conclusion
    assert severities(asked)["wrong-host-name"] == "blocker", "the block is of another port"
    whole = world(server(), 587).conclusion
    assert severities(whole)["wrong-host-name"] == "blocker"
    assert whole.verdict.code == "wrong-host-name"
    assert severities(whole)["port25-blocked 25"] == "warning"


# ---- the verdict


def test_what_a_network_does_is_the_verdict_and_the_rest_stands_behind() -> None:
    world = World(control_ports=(25, 465, 587)).silent(25, 465)
    assert [f.code for f in world.conclusion.findings] == ["port25-blocked", "port-blocked", "ok"]
    assert world.conclusion.verdict.code == "port25-blocked"
    good = World().change({"auth": (), "capabilities": ("X",)}, 587, who="target").conclusion
    assert [f.code for f in good.findings] == ["ok", "auth-absent"]
    assert good.verdict.code == "ok"
    silent = World().silent(25, who="target").conclusion
    assert [f.code for f in silent.findings] == ["port-silent", "ok"]
    assert (silent.verdict.code, silent.verdict.severity) == ("ok", "good")


def test_of_reasons_that_weigh_the_same_the_better_port_stands_first() -> None:
    conclusion = concluded(server(), spoilt(25, "cert-expired"), spoilt(993, "cert-expired", host=HOST))
    assert [f.port for f in conclusion.findings] == [993, 25]
    asked = concluded(f"{HOST}:587", *(unreached(port, "refused") for port in (25, 465, 587)))
    assert [(f.port, f.params["ports"]) for f in asked.findings] == [(587, (587,)), (25, (25, 465))]


def test_ports_that_a_network_blocks_are_not_recommended_first() -> None:
    world = World(families=(4, 6), control_ports=(25, 465, 587))
    assert [way.port for way in world.conclusion.settings.outgoing] == [465, 587, 25]
    world.silent(465, family=4)
    assert [way.port for way in world.conclusion.settings.outgoing] == [587, 25, 465]


# ---- what makes one finding


def test_faults_that_differ_by_port_and_family_only_are_one_finding() -> None:
    every = [spoilt(port, "cert-expired", family=family) for port in (465, 587) for family in (4, 6)]
    finding = found(concluded(server(), *every), "cert-expired")
    assert (finding.port, finding.family, finding.params["ports"]) == (465, None, (465, 587))
    assert finding.evidence == tuple(o.id for o in every)


@pytest.mark.parametrize(
    ("first", "second", "count"),
    [
        (unreached(465, "refused"), unreached(587, "refused"), 1),
        (unreached(465, "refused"), unreached(993, "refused"), 2),
        (unreached(465, "refused"), unreached(587, "refused", host="b.example.org"), 2),
        (unreached(465, "refused"), unreached(587, "refused", reporter="192.0.2.7"), 2),
        (unreached(465, "refused", reporter="192.0.2.7"), unreached(587, "refused", reporter="192.0.2.7"), 1),
        (plain(587, greeting_kind="busy", greeting="421 a"), plain(25, greeting_kind="busy", greeting="421 b"), 2),
        (plain(587, greeting_kind="busy", greeting="421 a"), plain(25, greeting_kind="busy", greeting="421 a"), 1),
    ],
)
def test_what_is_told_apart(first: Observation, second: Observation, count: int) -> None:
    conclusion = concluded(ACCOUNT, first, second, seen(995), seen(2525, host="b.example.org"))
    code = "port-closed" if first.state == "refused" else "greeting-busy"
    assert len([f for f in conclusion.findings if f.code == code]) == count


def test_greetings_that_are_slow_differ_by_their_seconds_only() -> None:
    slow = [seen(port, stages=Stages(greeting_ms=ms)) for port, ms in ((465, 6000), (587, 9000))]
    finding = found(concluded(server(), *slow), "slow-greeting")
    assert (finding.params["ports"], finding.params["seconds"]) == ((465, 587), 6)


@pytest.mark.parametrize(
    ("tested", "family"),
    [
        ([unreached(587, "refused", family=6), seen(587)], 6),
        ([unreached(587, "refused"), seen(587, family=6)], 4),
        ([unreached(587, "refused", family=6)], None),
        ([unreached(587, "refused", family=6), seen(465)], None),
        ([unreached(587, "refused", family=6), seen(587, host="b.example.org")], None),
        ([unreached(587, "refused", family=6), unreached(587, "refused")], None),
    ],
)
def test_a_fault_of_one_family_where_the_other_was_tested(tested: list[Observation], family: int | None) -> None:
    assert found(concluded(ACCOUNT, *tested, seen(993)), "port-closed").family == family


def test_a_finding_about_a_host_names_no_port() -> None:
    closed = [unreached(port, "refused") for port in (25, 465, 587, 993)]
    finding = found(concluded(server(), *closed), "no-mail-service")
    assert (finding.host, finding.port, finding.family, finding.params) == (HOST, None, None, {})
    assert finding.evidence == tuple(o.id for o in closed)


@pytest.mark.parametrize("lossy", [True, False])
def test_what_breaks_off_where_packets_are_lost_is_possible_only(lossy: bool) -> None:
    world = World(families=(4, 6)).change(broken_off, 587, who="target").change(None, 587, who="target", family=6)
    world.change(lambda port, **place: spoilt(port, "cert-expired", **place), 465, who="target", family=4)
    if lossy:
        world.change({"attempts": 2}, 25, 993, family=4)
    assert world.confidence("connection-cut") == ("possible" if lossy else "certain")
    assert world.confidence("cert-expired") == "certain"
    six = World(families=(4, 6)).change(broken_off, 587, who="target").change({"attempts": 2}, 25, 465, 993, family=6)
    assert {f.confidence for f in six.conclusion.findings if f.code == "connection-cut"} <= {"certain", "possible"}


def test_a_port_that_is_offered_for_sending_is_a_way() -> None:
    offer = Offer(source="srv", said_by="example.org", protocol="smtp", host=HOST, port=25, security="starttls")
    bare = seen(25, source="srv", auth=())
    assert "ok" in codes(concluded(ACCOUNT, bare, offers=[offer]))
    assert "ok" not in codes(concluded(ACCOUNT, bare))
