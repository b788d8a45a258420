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
    blockers,
    found,
    plain,
    seen,
    spoilt,
)

from poterne.diagnosis import EvidenceRequest
from poterne.report import Stages

CODE = "smtp-intercepted"


# ---- somebody answers in the servers' place


def test_where_everybody_turns_us_away_the_canary_is_waited_for() -> None:
    away = {"greeting": "554 no", "greeting_kind": "refused", "capabilities": (), "security": "none", "tls": None}
    canary = EvidenceRequest("canary", port=25)
    assert canary in World().change(away, 25).wanted
    assert canary not in World().change(away, 25, who="target").wanted


def test_the_canary_greets() -> None:
    world = World().canary(25, "open", greeting="220 box", greeting_kind="accepted").canary(465)
    finding = found(world.conclusion, CODE)
    assert (finding.confidence, finding.params["ports"]) == ("certain", (25,))
    assert world.conclusion.verdict.code == CODE


def test_the_canary_opens_on_25_alone() -> None:
    world = World().change(plain, 25, who="target").canary(25, "open").canary(465)
    assert world.confidence(CODE) == "likely"
    assert "plaintext-only" not in world.codes


def test_the_canary_opens_and_a_good_certificate_was_seen_there() -> None:
    assert CODE not in World().canary(25, "open").canary(465).codes


def test_a_proxy_that_opens_everything_is_no_interceptor() -> None:
    world = World().change(plain, 25, who="target").canary(25, "open").canary(465, "open")
    assert CODE not in world.codes


def test_one_port_of_the_canary_is_not_enough() -> None:
    world = World().change(plain, 25, who="target").canary(25, "open")
    assert CODE not in world.codes
    assert EvidenceRequest("canary", port=465) in world.wanted


def test_a_canary_that_is_silent_or_reset_is_none() -> None:
    assert World().canary(25).canary(465, "refused").codes == {"ok"}


def greets(world: World, name: str, *hosts: str, port: int = 25) -> World:
    for host in hosts:
        world.change({"greeting": f"220 {name} ESMTP"}, port, who=host)
    return world


@pytest.mark.parametrize(("controls", "confidence"), [(3, "certain"), (2, "certain"), (1, "likely")])
def test_unrelated_servers_say_one_name(controls: int, confidence: str) -> None:
    world = greets(World(), "filter.isp.example", HOST, *CONTROLS[:controls])
    assert world.confidence(CODE) == confidence
    assert found(world.conclusion, CODE).params["ports"] == (25,)


def test_a_name_of_one_server_or_of_controls_alone_proves_nothing() -> None:
    assert World().codes == {"ok"}
    assert CODE not in greets(World(), "filter.isp.example", HOST).codes
    assert CODE not in greets(World(), "filter.isp.example", *CONTROLS).codes


def test_servers_that_say_that_name_on_other_ports_too_share_it() -> None:
    world = greets(greets(World(), "farm.example", HOST, *CONTROLS), "farm.example", *CONTROLS, port=587)
    assert CODE not in world.codes
    only_25 = greets(World(ports=(25,), control_ports=(25,)), "farm.example", HOST, *CONTROLS)
    assert CODE not in only_25.codes


def test_what_was_heard_a_minute_ago_does_not_count() -> None:
    world = greets(World(), "filter.isp.example", HOST, *CONTROLS).change({"cached": True}, who="controls")
    assert CODE not in world.codes


def test_an_answer_from_a_nearer_hop() -> None:
    world = World().path(25, "open").path(587, BOX[4], ISP[4], FURTHER[4], "open")
    assert world.confidence(CODE) == "likely"
    near = World().path(25, BOX[4], "open").path(587, BOX[4], ISP[4], FURTHER[4], "open")
    assert near.confidence(CODE) == "possible"
    next_to_it = World().path(25, BOX[4], ISP[4], "open").path(587, BOX[4], ISP[4], FURTHER[4], "open")
    assert next_to_it.codes == {"ok"}
    same = World().path(25, BOX[4], ISP[4], "open").path(587, BOX[4], ISP[4], "open")
    assert same.codes == {"ok"}


def test_an_answer_that_comes_too_soon_is_looked_into() -> None:
    quick = {"stages": Stages(connect_ms=4, greeting_ms=5)}
    far = {"stages": Stages(connect_ms=60, greeting_ms=70)}
    world = World().change(far, 465, 587, 993).change(quick, 25)
    assert CODE not in world.codes
    assert EvidenceRequest("canary", port=25) in world.wanted
    assert [want.observation for want in world.wanted if want.kind == "trace"] == [f"{HOST}-25-4"]
    alone = World().change(far).change(quick, 25, who="target")
    assert alone.wanted == set()


# ---- STARTTLS


def strips(*, target: bool = True, controls: int = 3, port: int = 25, **changed: Any) -> World:
    world = World(ports=(25, 465, 587, 993), control_ports=(25, 587))
    for host in (*([HOST] if target else []), *CONTROLS[:controls]):
        world.change(lambda number, **place: plain(number, **{**place, **changed}), port, who=host)
    return world.change({"source": "policy"}, who="controls")


@pytest.mark.parametrize("port", [25, 587])
@pytest.mark.parametrize("starttls", ["absent", "refused"])
def test_starttls_is_taken_away_from_unrelated_servers(port: int, starttls: str) -> None:
    world = strips(port=port, starttls=starttls)
    finding = found(world.conclusion, "starttls-stripped")
    assert (finding.confidence, finding.params["ports"]) == ("certain", (port,))
    assert world.codes == {"starttls-stripped", "ok"}
    assert world.conclusion.verdict.code == "starttls-stripped"
    assert world.conclusion.settings.outgoing[0].port == 465


def test_starttls_that_is_written_over() -> None:
    garbled: dict[str, Any] = {
        "capabilities": ("SIZE", "XXXXXXXA"),
        "capabilities_clear": ("SIZE", "XXXXXXXA"),
        "auth": (),
    }
    assert "starttls-stripped" in strips(**garbled).codes


@pytest.mark.parametrize("controls", [0, 1])
def test_starttls_that_one_server_lacks_is_that_server_s_matter(controls: int) -> None:
    world = strips(controls=controls)
    assert world.codes == {"plaintext-only", "ok"}
    assert EvidenceRequest("controls") in world.wanted


def test_one_control_that_offers_starttls_clears_the_network() -> None:
    assert "starttls-stripped" not in strips(controls=2).codes


def test_two_controls_alone_are_enough() -> None:
    world = strips(controls=2).change(None, who=CONTROLS[2])
    assert world.confidence("starttls-stripped") == "certain"


def test_several_ports_make_one_finding() -> None:
    world = strips(port=25).change(plain, 587)
    assert found(world.conclusion, "starttls-stripped").params["ports"] == (25, 587)


def test_a_stripping_proxy_that_opens_for_everybody_is_called_by_what_it_does() -> None:
    world = strips().canary(25, "open").canary(465)
    assert world.codes == {"starttls-stripped", "ok"}
    greeting = strips().canary(25, "open", greeting="220 box", greeting_kind="accepted").canary(465)
    assert greeting.codes == {CODE, "ok"}


def test_controls_that_lack_it_say_nothing_of_a_target_that_has_it() -> None:
    assert strips(target=False).codes == {"ok"}


def test_it_blocks_an_endpoint() -> None:
    world = strips(port=587)
    world.target = f"{HOST}:587"
    assert blockers(world.conclusion) == {"starttls-stripped"}


# ---- TLS


def under(issuer: str, *, trusted: bool, port: int = 465) -> dict[str, Any]:
    tls = GOOD_TLS.model_copy(update={"issuer": issuer, "trusted": trusted, "public_trusted": False})
    if not trusted:
        tls = tls.model_copy(update={"fault": "cert-untrusted", "faults": ("cert-untrusted",)})
    return {"tls": tls}


@pytest.mark.parametrize("trusted", [True, False])
@pytest.mark.parametrize(("controls", "confidence"), [(3, "certain"), (2, "certain"), (1, "likely")])
def test_unrelated_servers_show_one_private_issuer(controls: int, confidence: str, trusted: bool) -> None:
    world = World(controls=CONTROLS[:controls])
    for host in (HOST, *CONTROLS[:controls]):
        world.change(under("Antivirus root", trusted=trusted), who=host)
    finding = found(world.conclusion, "tls-intercepted")
    assert finding.confidence == confidence
    assert (finding.params["issuer"], finding.params["trusted"]) == ("Antivirus root", trusted)
    assert world.conclusion.verdict.code == "tls-intercepted"
    assert "cert-untrusted" not in world.codes
    assert (finding.severity == "blocker") is not trusted


@pytest.mark.parametrize("fault", ["chain-expired", "cert-weak", "cert-no-san"])
def test_what_is_wrong_with_an_interceptors_certificate_is_not_said_of_the_server(fault: str) -> None:
    world = World()
    for host in (HOST, *CONTROLS):
        shown: dict[str, Any] = under("Antivirus root", trusted=False)
        faults = ("cert-untrusted", fault)
        world.change({"tls": shown["tls"].model_copy(update={"faults": faults})}, who=host)
    assert "tls-intercepted" in world.codes
    assert not world.codes & {"cert-untrusted", fault}


@pytest.mark.parametrize("trusted", [True, False])
def test_a_private_authority_at_the_target_alone(trusted: bool) -> None:
    world = World().change(under("Example Ltd", trusted=trusted), who="target")
    assert "tls-intercepted" not in world.codes
    assert EvidenceRequest("controls") in world.wanted
    assert ("cert-untrusted" in world.codes) is not trusted


def test_one_control_against_others_with_public_certificates_proves_nothing() -> None:
    world = World().change(under("Example Ltd", trusted=True), who="target")
    world.change(under("Example Ltd", trusted=True), who=CONTROLS[0])
    assert "tls-intercepted" not in world.codes
    assert "tls-intercepted" in world.change(under("Example Ltd", trusted=True), who=CONTROLS[1]).codes


def test_controls_are_wanted_on_the_port_that_is_opened() -> None:
    private = World().change(under("Antivirus root", trusted=True), 465, who="target")
    assert EvidenceRequest("controls", port=465) in private.wanted


def test_issuers_that_differ() -> None:
    world = World().change(under("Example Ltd", trusted=True), who="target")
    for host in CONTROLS:
        world.change(under(f"CA of {host}", trusted=True), who=host)
    assert "tls-intercepted" not in world.codes


def test_a_public_issuer_is_nobody_s_interception() -> None:
    assert World().codes == {"ok"}
    unjudged = World().change({"tls": GOOD_TLS.model_copy(update={"public_trusted": None})})
    assert unjudged.codes == {"ok"}


def test_servers_that_sign_for_themselves_share_no_issuer() -> None:
    own = GOOD_TLS.model_copy(
        update={
            "issuer": "localhost", "subject": "localhost", "trusted": False, "public_trusted": False,
            "fault": "cert-self-signed", "faults": ("cert-self-signed",),
        }
    )  # fmt: skip
    assert "tls-intercepted" not in World().change({"tls": own}).codes


def test_hosts_of_one_operator_are_one() -> None:
    world = World(controls=("mx1.example.org", "mx2.example.org")).change(under("Example Ltd", trusted=True))
    assert "tls-intercepted" not in world.codes


def test_other_faults_stay() -> None:
    world = World(target=f"{HOST}:587").change(under("Antivirus root", trusted=False))
    world.change(lambda port, **place: spoilt(port, "cert-expired", **place), 587, who="target")
    assert "cert-expired" in world.codes


def test_the_certificate_of_whoever_answers_in_the_server_s_place_names_nobody() -> None:
    other = {
        "name_ok": False,
        "fault": "cert-name-mismatch",
        "faults": ("cert-name-mismatch",),
        "names": ("isp.example",),
    }
    world = World().change({"tls": GOOD_TLS.model_copy(update=other)}, 25)
    world.add(seen(465, host="isp.example", source="certificate", address="192.0.2.9"))
    assert "wrong-host-name" in world.codes
    world.canary(25, "open", greeting="220 isp.example", greeting_kind="accepted")
    assert world.codes == {"smtp-intercepted", "ok"}
