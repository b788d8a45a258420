"""What a domain's sources say and cannot be used, and hosts whose certificates name others."""

from typing import Any

import pytest
from tests.unit.core_observations import GOOD_TLS, concluded, resolved, seen, spoilt, unreached

from poterne.diagnosis import Conclusion, EvidenceRequest
from poterne.report import Finding, Lookup, NameState, Offer

ACCOUNT = "me@example.org"
PLACE = "https://autoconfig.example.org/mail/config-v1.1.xml"
HOME = resolved("example.org", "domain", state="nodata", addresses=())


def lookup(state: str = "refused", reason: str = "entities", **changed: str) -> Lookup:
    row = {"source": "autoconfig", "place": PLACE, "state": state, "problem": "a line", "reason": reason, "value": ""}
    return Lookup.model_validate({**row, **changed})


def found(conclusion: Conclusion, code: str) -> list[Finding]:
    return [finding for finding in conclusion.findings if finding.code == code]


def test_a_broken_document_is_the_reason_where_nothing_else_is_there() -> None:
    conclusion = concluded(ACCOUNT, names=[HOME], lookups=[lookup()])
    assert (conclusion.verdict.code, conclusion.verdict.severity) == ("offer-refused", "blocker")
    (finding,) = found(conclusion, "offer-refused")
    assert finding.params["place"] == PLACE
    assert finding.params["reason"] == "entities"


def test_it_is_a_note_beside_what_works() -> None:
    conclusion = concluded(ACCOUNT, seen(465), seen(993), lookups=[lookup(), lookup("found", "port", place="x")])
    assert conclusion.verdict.code == "ok"
    assert [(f.severity, f.params.get("part")) for f in found(conclusion, "offer-refused")] == [
        ("note", None),
        ("note", True),
    ]


@pytest.mark.parametrize("state", ["servfail", "timeout", "nxdomain"])
@pytest.mark.parametrize("lookup_state", ["failed", "refused"])
def test_a_domain_without_an_answer_is_the_reason_of_its_documents_silence(state: NameState, lookup_state: str) -> None:
    gone = resolved("example.org", "mx", state=state, addresses=())
    assert concluded(ACCOUNT, names=[gone], lookups=[lookup(lookup_state)]).verdict.code == f"dns-{state}"


@pytest.mark.parametrize("state", ["absent", "not-offered", "off"])
def test_what_is_not_there_is_no_news(state: str) -> None:
    conclusion = concluded(ACCOUNT, seen(465), lookups=[lookup(state)])
    assert not found(conclusion, "offer-refused")


NOT_SENT = [
    lookup("not-offered", source="srv", place=f"_{label}._tcp.example.org", reason="x")
    for label in ("submissions", "submission")
]


def test_a_domain_that_says_that_it_has_no_server_for_sending() -> None:
    """RFC 6186 section 3.4: its refused ports are no news beside that."""
    refusing = [seen(993), *(unreached(port, "refused") for port in (465, 587))]
    conclusion = concluded(ACCOUNT, *refusing, lookups=NOT_SENT)
    assert (conclusion.verdict.code, conclusion.verdict.severity) == ("sending-not-offered", "blocker")
    assert not found(concluded(ACCOUNT, *refusing, lookups=NOT_SENT[:1]), "sending-not-offered")


def test_a_source_that_names_a_server_for_sending_is_believed_to_have_one() -> None:
    named = Offer(
        source="autoconfig",
        said_by="example.org",
        protocol="smtp",
        host="mail.example.org",
        port=465,
        security="tls",
        username="address",
        auth=(),
        rank=0,
    )
    conclusion = concluded(ACCOUNT, seen(993), unreached(465, "refused"), offers=[named], lookups=NOT_SENT)
    assert not found(conclusion, "sending-not-offered")


def test_a_document_that_could_not_be_had_is_news_where_nothing_else_is_there() -> None:
    silent = lookup("failed", "timeout")
    assert concluded(ACCOUNT, names=[HOME], lookups=[silent]).verdict.code == "offer-refused"
    assert not found(concluded(ACCOUNT, seen(465), lookups=[silent]), "offer-refused")
    other = lookup("failed", "timeout", source="ispdb")
    assert concluded(ACCOUNT, names=[HOME], lookups=[other]).verdict.code == "dns-nodata"


@pytest.mark.parametrize("reason", ["port-forbidden", "port-unusual"])
@pytest.mark.parametrize(("works", "severity"), [(465, "warning"), (993, "blocker")])
def test_a_port_that_may_not_be_tested_is_why_nothing_sends(works: int, severity: str, reason: str) -> None:
    offer = Offer(
        source="srv", said_by="example.org", protocol="smtp", host="o.example.org", port=26, security="starttls"
    )
    told = lookup(reason=reason, place="o.example.org:26", value="26", source="srv")
    rest = [unreached(port, "refused", host="o.example.org") for port in (25, 587)]
    conclusion = concluded(ACCOUNT, seen(works), *rest, offers=[offer], lookups=[told])
    (finding,) = found(conclusion, "offer-untested")
    assert finding.severity == severity
    assert conclusion.verdict.code == ("ok" if severity == "warning" else "offer-untested")


def test_an_absent_address_of_a_domain_that_works_is_no_news() -> None:
    conclusion = concluded(ACCOUNT, seen(465), names=[HOME, resolved("mail.example.org", "srv")])
    assert not found(conclusion, "dns-nodata")


# ---- hosts whose certificates name others

NAMED: dict[str, Any] = {"host": "srv12.host.example", "source": "certificate"}
MISMATCHED = [
    spoilt(port, "cert-name-mismatch", host="mail.example.org", source="srv").model_copy(
        update={
            "tls": GOOD_TLS.model_copy(
                update={
                    "name_ok": False,
                    "fault": "cert-name-mismatch",
                    "faults": ("cert-name-mismatch",),
                    "names": ("srv12.host.example",),
                }
            )
        }
    )
    for port in (465, 993)
]


def test_the_certificates_names_are_wanted_where_nothing_else_serves() -> None:
    want = EvidenceRequest("names", host="mail.example.org")
    assert want in concluded(ACCOUNT, *MISMATCHED).wanted
    served = [seen(465, host="out.example.org"), seen(993, host="in.example.org")]
    assert want not in concluded(ACCOUNT, *MISMATCHED, *served).wanted


def test_the_name_to_type_is_told_and_works() -> None:
    conclusion = concluded(ACCOUNT, *MISMATCHED, seen(465, **NAMED), seen(993, **NAMED))
    (finding,) = found(conclusion, "wrong-host-name")
    assert (finding.host, finding.confidence) == ("mail.example.org", "certain")
    assert finding.params["names"] == ("srv12.host.example",)
    assert conclusion.verdict.code == "ok"
    first = conclusion.settings.outgoing[0]
    assert (first.host, first.verified, first.remarks) == ("srv12.host.example", True, ("certificate",))


def test_another_server_that_works_is_no_better_name() -> None:
    conclusion = concluded(ACCOUNT, *MISMATCHED, seen(465, host="other.example", source="ispdb"))
    assert not found(conclusion, "wrong-host-name")
