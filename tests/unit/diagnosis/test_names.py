"""Better names for what was typed, and offers that are refused: what each finding takes, and what is not enough."""

from typing import Any

import pytest
from tests.unit.core_observations import (
    GOOD_TLS,
    HOST,
    World,
    codes,
    concluded,
    found,
    random_label,
    resolved,
    seen,
    spoilt,
)

from poterne.diagnosis import EvidenceRequest
from poterne.report import Lookup, Observation, Offer, Portal, Target

ACCOUNT = "me@example.org"
WITH_WEB = (25, 465, 587, 993, 443, 80)
MAIL = (25, 465, 587, 993)


# ---- better names

OTHER = "smtp.example.org"
MISMATCH: dict[str, Any] = {"name_ok": False, "fault": "cert-name-mismatch", "faults": ("cert-name-mismatch",)}


def better(port: int = 465, host: str = OTHER, **changed: Any) -> Observation:
    return seen(port, host=host, **{"source": "guess", "address": "192.0.2.9", **changed})


def missing(target: Any = None, *others: Observation, state: Any = "nxdomain") -> World:
    world = World(target=target, controls=(), ports=()).add(*others)
    return world.with_(names=[resolved(state=state, addresses=())])


def test_which_names_are_better() -> None:
    def names(*others: Observation, target: Any = None) -> Any:
        conclusion = missing(target, *others).conclusion
        return [f.params["names"] for f in conclusion.findings if f.code == "wrong-host-name"]

    assert names(better()) == [(OTHER,)]
    assert names(spoilt(465, "cert-expired", host=OTHER)) == []
    assert names(better(provisional=True)) == []
    assert names(better(443)) == []
    assert names(better(993), better(465, "b.example.org", id="b")) == [("b.example.org", OTHER)]
    assert names(better(993), target=f"{HOST}:587") == []
    assert names(better(993), target=f"{HOST}:993") == [(OTHER,)]
    assert names(better(auth=()), better(25, "mx.example.org", auth=(), id="mx")) == [(OTHER, "mx.example.org")]
    many = [better(465, f"{letter}.example.org", id=letter) for letter in "abcde"]
    assert names(*many) == [tuple(f"{letter}.example.org" for letter in "abcd")]


@pytest.mark.parametrize(("state", "asks"), [("nxdomain", True), ("nodata", True), ("servfail", False), ("ok", False)])
def test_a_name_that_is_not_there_may_have_a_better_one(state: str, asks: bool) -> None:
    world = missing(None, better(), state=state)
    assert ("wrong-host-name" in world.codes) is asks
    assert (EvidenceRequest("names", host=HOST) in world.wanted) is asks


def test_the_name_that_was_typed_has_to_be_missing() -> None:
    other = World(controls=(), ports=()).add(better())
    other.with_(names=[resolved(), resolved("example.org", "domain", state="nxdomain", addresses=())])
    assert "wrong-host-name" not in other.codes
    caught = World(ports=WITH_WEB).silent(*MAIL, who="target").add(better())
    caught.with_(names=[resolved(), *(random_label("192.0.2.7", zone=zone) for zone in ("com", "org"))])
    assert "wrong-host-name" in caught.codes


def test_a_host_that_resets_every_mail_port_may_have_another_name() -> None:
    world = World(ports=WITH_WEB).refused(*MAIL, who="target").add(better())
    finding = found(world.conclusion, "wrong-host-name")
    assert finding.evidence == (*(f"{HOST}-{port}-4" for port in MAIL), f"{OTHER}-465-4")
    assert "wrong-host-name" not in world.change({"provisional": True}, 587, who=HOST).codes
    silent = World(ports=WITH_WEB).refused(25, 465, 587, who="target").silent(993, who="target").add(better())
    assert "wrong-host-name" not in silent.codes
    web = World(ports=(443,)).refused(who="target").add(better())
    assert "wrong-host-name" not in web.codes


def certified(host: str = "other.example", **changed: Any) -> World:
    world = World(ports=(465, 587)).change(lambda port, **o: spoilt(port, "cert-name-mismatch", **o), who="target")
    return world.add(better(465, host, **{"source": "certificate", "address": "192.0.2.7", **changed}))


def test_a_name_of_the_certificate_at_the_same_address_is_certain() -> None:
    assert certified().confidence("wrong-host-name") == "certain"
    assert certified(address="192.0.2.9").confidence("wrong-host-name") == "likely"
    assert certified("a.example").confidence("wrong-host-name") == "likely"
    both = certified("a.example").add(better(587, "other.example", id="b", source="certificate"))
    assert both.confidence("wrong-host-name") == "likely", "one has the name, and the other the address"
    capitals = GOOD_TLS.model_copy(update={**MISMATCH, "names": ("OTHER.example",)})
    assert certified().change({"tls": capitals}, who=HOST).confidence("wrong-host-name") == "certain"


def account(
    *others: Observation, names: tuple[str, ...] = ("srv.host.example",), ports: tuple[int, ...] = (465, 993)
) -> World:
    tls = GOOD_TLS.model_copy(update={**MISMATCH, "names": names})
    world = World(target=ACCOUNT, controls=(), ports=ports).change({"tls": tls, "source": "srv"}, who="target")
    return world.add(*others)


def named(port: int = 465, host: str = "srv.host.example", **changed: Any) -> Observation:
    return seen(port, host=host, **{"source": "certificate", **changed})


def test_the_servers_of_a_domain_by_the_names_of_their_certificates() -> None:
    def told(*others: Observation, **changed: Any) -> list[tuple[Any, Any, Any]]:
        world = account(*others, **changed)
        return [
            (f.confidence, f.params["names"], f.evidence)
            for f in world.conclusion.findings
            if f.code == "wrong-host-name"
        ]

    both = (f"{HOST}-465-4", f"{HOST}-993-4", "srv.host.example-465-4")
    assert told(named()) == [("certain", ("srv.host.example",), both)]
    assert told(named(address="192.0.2.9")) == [("likely", ("srv.host.example",), both)]
    assert told(named(provisional=True)) == []
    assert told(spoilt(465, "cert-expired", host="srv.host.example", source="certificate")) == []
    assert told(named(443)) == []
    assert told(named(host="b.example")) == []
    assert told(named(), names=("SRV.host.example",)) == [("certain", ("srv.host.example",), both)]
    assert told(named(993), ports=(465,)) == []
    served = seen(465, host="out.example.org", source="srv", address="192.0.2.30")
    assert told(named(993), served) == [("certain", ("srv.host.example",), (f"{HOST}-993-4", "srv.host.example-993-4"))]
    assert told(named(993), served, ports=(465,)) == []
    five = tuple(f"{letter}.host.example" for letter in "abcde")
    ((_, names, _),) = told(*(named(465, host) for host in five), names=five)
    assert names == five[:4]


def test_a_domain_s_servers_are_judged_as_an_account_s() -> None:
    world = account(named())
    world.target = Target(input="example.org", kind="domain", domain="example.org")
    assert found(world.conclusion, "wrong-host-name").params["names"] == ("srv.host.example",)


def test_each_server_of_a_domain_is_judged_alone() -> None:
    tls = GOOD_TLS.model_copy(update={**MISMATCH, "names": ("b.host.example",)})
    second = seen(465, host="b.example.org", source="srv", address="192.0.2.30", tls=tls)
    world = account(second, named(465, "b.host.example", address="192.0.2.30"), ports=(465,))
    assert [f.host for f in world.conclusion.findings if f.code == "wrong-host-name"] == ["b.example.org"]
    assert {EvidenceRequest("names", host=HOST), EvidenceRequest("names", host="b.example.org")} <= world.wanted


def test_a_portal_explains_that_a_resolver_invents_the_target() -> None:
    world = World(ports=WITH_WEB).silent().with_(
        portal=Portal(url="http://portal.example/", state="altered"),
        names=[resolved(), *(random_label("192.0.2.7", zone=zone) for zone in ("com", "org"))],
    )  # fmt: skip
    assert "dns-hijacked" not in world.codes
    assert world.conclusion.verdict.code == "captive-portal"


# ---- what sources say, and cannot be used

HOME = resolved("example.org", "domain", state="nodata", addresses=())


def lookup(state: str = "refused", reason: str | None = "entities", **changed: Any) -> Lookup:
    row = {"source": "autoconfig", "place": "https://a.example.org/", "state": state, "reason": reason}
    return Lookup.model_validate({**row, **changed})


def offers_told(*lookups: Lookup, tried: tuple[Observation, ...] = (), **known: Any) -> list[tuple[str, str, Any]]:
    conclusion = concluded(ACCOUNT, *tried, **{"names": [HOME], "lookups": lookups, **known})
    return [(f.code, f.severity, f.params) for f in conclusion.findings if f.code.startswith("offer-")]


def test_what_was_refused_is_told_whole() -> None:
    base = {"place": "https://a.example.org/", "source": "autoconfig", "reason": "entities"}
    assert offers_told(lookup()) == [("offer-refused", "blocker", {**base, "value": ""})]
    assert offers_told(lookup(value="x")) == [("offer-refused", "blocker", {**base, "value": "x"})]
    assert offers_told(lookup("found")) == [("offer-refused", "blocker", {**base, "value": "", "part": True})]
    assert offers_told(lookup(), tried=(seen(465),)) == [("offer-refused", "note", {**base, "value": ""})]
    assert offers_told(lookup(reason=None)) == []
    assert offers_told(lookup("off")) == []
    assert offers_told(lookup("absent")) == []


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({}, True),
        ({"reason": "dns"}, False),
        ({"source": "ispdb"}, False),
    ],
)
def test_what_failed_is_told_of_the_domain_s_own_sources(changed: dict[str, Any], told: bool) -> None:
    assert bool(offers_told(lookup("failed", **changed))) is told
    assert offers_told(lookup("failed"), tried=(seen(465),)) == []
    assert offers_told(lookup("failed"), names=[resolved("example.org", "domain", state="timeout", addresses=())]) == []
    other = resolved("b.example.org", "srv", state="timeout", addresses=())
    assert len(offers_told(lookup("failed"), names=[HOME, other])) == 1


def test_five_refusals_are_told() -> None:
    many = [lookup(place=f"https://{number}.example.org/") for number in range(6)]
    assert len(offers_told(lookup(reason=None), *many)) == 5


def test_a_forbidden_port_blocks_where_nothing_else_serves_its_purpose() -> None:
    def severity(*tried: Observation, protocol: str = "smtp", place: str = "o.example.org:26") -> str:
        offer = Offer.model_validate(
            {"source": "srv", "said_by": "example.org", "protocol": protocol, "host": "o.example.org", "port": 26,
             "security": "starttls"}
        )  # fmt: skip
        ((code, severity, _),) = offers_told(lookup(reason="port-forbidden", place=place), tried=tried, offers=[offer])
        assert code == "offer-untested"
        return severity

    assert severity() == "blocker"
    assert severity(seen(465)) == "warning"
    assert severity(seen(993)) == "blocker"
    assert severity(spoilt(465, "cert-expired")) == "blocker"
    assert severity(spoilt(465, "cert-expired"), place="p.example.org:26") == "warning"
    assert severity(spoilt(465, "cert-expired"), seen(993), protocol="imap") == "warning"
    assert severity(seen(993), protocol="pop3", place="o.example.org:26") == "warning"


@pytest.mark.parametrize(
    ("labels", "offered", "said"),
    [
        (("submissions", "submission"), None, True),
        (("submissions", "submission", "imaps"), None, True),
        (("submissions",), None, False),
        (("imaps", "imap"), None, False),
        (("submissions", "submission"), "imap", True),
        (("submissions", "submission"), "smtp", False),
    ],
)
def test_a_domain_without_a_server_for_sending(labels: tuple[str, ...], offered: str | None, said: bool) -> None:
    lookups = [lookup("not-offered", None, source="srv", place=f"_{label}._tcp.example.org") for label in labels]
    row = {"source": "autoconfig", "said_by": "example.org", "host": HOST, "port": 993, "security": "tls"}
    offers = [Offer.model_validate({**row, "protocol": offered})] if offered else []
    conclusion = concluded(ACCOUNT, seen(993), lookups=lookups, offers=offers)
    assert ("sending-not-offered" in codes(conclusion)) is said
    if said:
        assert found(conclusion, "sending-not-offered").host == "example.org"
