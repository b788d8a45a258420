"""What is concluded of a port that no table names."""

from typing import Any

import pytest
from tests.unit.core_observations import HOST, codes, concluded, evidence, found, report_of, seen, unreached
from tests.unit.said import reasons_in_words

from poterne.diagnosis import Evidence, diagnose
from poterne.knowledge import ports
from poterne.report import Observation
from poterne.report.catalogue import Catalogue
from poterne.target.parser import parse
from poterne.told.again import explain

ODD = parse(f"{HOST}:26")
UNHEARD: dict[str, Any] = {"port": 26, "service": ports.UNKNOWN, "asked": "starttls"}
BESIDE = (seen(587), seen(465), unreached(993, "refused"))


def odd(base: Observation, **changed: Any) -> Observation:
    """An observation of another port, at port 26."""
    return base.model_copy(update={"id": f"odd-{base.family}", "port": 26, **changed})


@pytest.mark.parametrize("state", ["no-answer", "refused", "reset", "unreachable", "prohibited"])
@pytest.mark.parametrize("beside", [(), BESIDE])
def test_controls_are_never_wanted_there(state: str, beside: tuple[Observation, ...]) -> None:
    conclusion = concluded(ODD, odd(unreached(587, state), **UNHEARD), *beside)
    assert 26 not in {want.port for want in conclusion.wanted if want.kind in ("controls", "canary")}
    assert not codes(conclusion) & {"port-blocked", "port25-blocked", "port-silent", "server-down", "mail-allowlist"}


def test_silence_beside_ports_that_answer_is_unproven() -> None:
    conclusion = concluded(ODD, odd(unreached(587, "no-answer"), **UNHEARD), *BESIDE)
    assert conclusion.verdict.code == "unproven"
    assert [row.port for row in conclusion.settings.outgoing] == [465, 587]


def test_a_reset_is_the_servers_word_there_too() -> None:
    conclusion = concluded(ODD, odd(unreached(587, "refused"), **UNHEARD), *BESIDE)
    assert (conclusion.verdict.code, conclusion.verdict.severity) == ("port-closed", "blocker")


def test_the_service_that_spoke_is_what_the_port_is_for() -> None:
    conclusion = concluded(ODD, odd(seen(143)))
    assert conclusion.verdict.code == "ok"
    assert [(row.protocol, row.port, row.verified) for row in conclusion.settings.incoming] == [("imap", 26, True)]


def test_whoever_speaks_something_else_is_held_against_mail() -> None:
    ssh = odd(seen(587), **UNHEARD, security="none", tls=None, greeting_kind="foreign", spoke="ssh", greeting="SSH-2.0")
    finding = found(concluded(ODD, ssh), "wrong-protocol")
    assert (finding.params["spoke"], finding.params["expected"]) == ("ssh", "mail")


def test_what_was_made_of_the_text_is_said_first() -> None:
    silent = odd(unreached(587, "no-answer"), **UNHEARD)
    usual = "Port 26 is not one of the usual mail ports: what was tested is whatever answers there."
    assert _first(evidence(ODD, silent)) == usual
    page = parse("https://jane:secret@mail.example.org/?secret").model_copy(
        update={"kind": "server", "host": HOST, "domain": None}
    )
    assert _first(evidence(page, seen(587))) == f"Of the web address that was typed, only the host {HOST} was used."
    assert "typed" not in _first(evidence(f"{HOST}:587", seen(587)))


def _first(known: Evidence) -> str:
    return reasons_in_words(explain(report_of(known)), Catalogue("en"))[0]


def test_the_canary_is_not_asked_there_either() -> None:
    mute = odd(seen(587), **UNHEARD, greeting_kind="silent", security="none", tls=None, spoke=None, greeting=None)
    assert 26 not in {want.port for want in diagnose(evidence(ODD, mute)).wanted}
