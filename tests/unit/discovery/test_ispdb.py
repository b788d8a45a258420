from collections.abc import Iterable
from pathlib import Path

import pytest
from tests.unit.core_discovery import ADDRESS, Discovered, Records, discover
from tests.unit.core_observations import answering
from tests.unit.core_providers import Provider, configuration, providers
from tests.unit.core_sites import Page, Site, document, redirect

from poterne.diagnosis.settings import settings
from poterne.discovery.clientconfig import read
from poterne.knowledge import discovery
from poterne.report import Offer, Setting
from poterne.target.suffixes import registered_domain

DATABASE = "db.test"
TABLES = f'[discovery]\nispdb = "https://{DATABASE}/v1.1/"\nsources = ["ispdb"]'
SERVERS = configuration(
    [
        "imap imap.provider.example 993 SSL %EMAILADDRESS% password-cleartext",
        "smtp smtp.provider.example 587 STARTTLS %EMAILADDRESS% password-cleartext",
    ]
)
RECORDS: Records = {("imap.provider.example", "A"): [ADDRESS], ("smtp.provider.example", "A"): [ADDRESS]}


@pytest.fixture(autouse=True)
def without_proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("https_proxy", "HTTPS_PROXY"):
        monkeypatch.delenv(name, raising=False)


def look_up(folder: Path, pages: dict[str, Page], records: Records, **more: str) -> tuple[Discovered, Site]:
    with Site(pages, hosts=(DATABASE,)) as site:
        text = more.get("text", "me@example.org")
        return discover(folder, text, records, site=site, tables=more.get("tables", TABLES)), site


def words(way: Setting, offers: Iterable[Offer]) -> str:
    """A setting, and how the database says that one signs in there."""
    auth = next(o.auth for o in offers if (o.host, o.port, o.security) == (way.host, way.port, way.security))
    return " ".join([way.host, str(way.port), way.security, way.username, *auth])


def test_by_the_domain(tmp_path: Path) -> None:
    found, site = look_up(tmp_path, {f"{DATABASE}/v1.1/example.org": document(SERVERS)}, RECORDS)
    assert site.asked == [f"{DATABASE}/v1.1/example.org"]
    assert {(offer.source, offer.said_by) for offer in found.offers} == {("ispdb", "example.org")}
    assert found.hosts == {("imap.provider.example", "ispdb"), ("smtp.provider.example", "ispdb")}
    assert found.ports("smtp.provider.example") == [587, 465, 25], "an account is tested on 25 too"


@pytest.mark.parametrize(
    ("exchanger", "about"),
    [
        ("mx1.provider.example", "provider.example"),
        ("a.provider.co.uk", "provider.co.uk"),
        ("MX.Provider.Example", "provider.example"),
        ("mx.customer.github.io", "customer.github.io"),
    ],
)
def test_then_by_the_registered_domain_of_the_exchanger(tmp_path: Path, exchanger: str, about: str) -> None:
    records: Records = {**RECORDS, ("example.org", "MX"): ["20 spare.other.example.", f"10 {exchanger}."]}
    found, site = look_up(tmp_path, {f"{DATABASE}/v1.1/{about}": document(SERVERS)}, records)
    assert site.asked == [f"{DATABASE}/v1.1/example.org", f"{DATABASE}/v1.1/{about}"]
    assert [lookup.state for lookup in found.lookups if lookup.source == "ispdb"] == ["absent", "found"]
    assert {offer.said_by for offer in found.offers} == {about}


def test_the_exchangers_service_is_asked_about_before_its_provider(tmp_path: Path) -> None:
    """The first label may stand for the customer; companies and persons have other servers of one provider."""
    exchanger = "example-org.mail.protection.outlook.example"
    pages: dict[str, Page] = {
        f"{DATABASE}/v1.1/mail.protection.outlook.example": document(SERVERS),
        f"{DATABASE}/v1.1/outlook.example": document(configuration(["imap wrong.example 993 SSL u oauth2"])),
    }
    found, site = look_up(tmp_path, pages, {**RECORDS, ("example.org", "MX"): [f"0 {exchanger}."]})
    assert site.asked == [f"{DATABASE}/v1.1/example.org", f"{DATABASE}/v1.1/mail.protection.outlook.example"]
    assert found.hosts == {("imap.provider.example", "ispdb"), ("smtp.provider.example", "ispdb")}


def test_the_provider_is_asked_about_where_its_service_is_not_known(tmp_path: Path) -> None:
    pages: dict[str, Page] = {f"{DATABASE}/v1.1/provider.example": document(SERVERS)}
    found, site = look_up(tmp_path, pages, {**RECORDS, ("example.org", "MX"): ["0 a.b.c.provider.example."]})
    asked = [place.rpartition("/")[2] for place in site.asked]
    assert asked == ["example.org", "b.c.provider.example", "provider.example"]
    assert {offer.said_by for offer in found.offers} == {"provider.example"}


@pytest.mark.parametrize("exchangers", ["NODATA", ["0 ."], ["10 mx.example.org."], ["10 co.uk."], ["10 mx\\032x.a.b."]])
def test_an_exchanger_that_tells_nothing_new_is_not_asked_about(tmp_path: Path, exchangers: list[str] | str) -> None:
    found, site = look_up(tmp_path, {}, {("example.org", "MX"): exchangers})
    assert site.asked == [f"{DATABASE}/v1.1/example.org"]
    assert found.states("ispdb") == ["absent"]


def test_the_exchangers_domain_is_not_asked_about_where_the_domain_is_known(tmp_path: Path) -> None:
    records: Records = {**RECORDS, ("example.org", "MX"): ["10 mx.provider.example."]}
    _, site = look_up(tmp_path, {f"{DATABASE}/v1.1/example.org": document(SERVERS)}, records)
    assert site.asked == [f"{DATABASE}/v1.1/example.org"]


def test_placeholders_are_the_users_domains_not_the_providers(tmp_path: Path) -> None:
    body = configuration(["imap mail.%EMAILDOMAIN% 993 SSL %EMAILLOCALPART%@%EMAILDOMAIN% OAuth2"])
    records: Records = {("example.org", "MX"): ["10 mx.provider.example."], ("mail.example.org", "A"): [ADDRESS]}
    found, _ = look_up(tmp_path, {f"{DATABASE}/v1.1/provider.example": document(body)}, records)
    (offer,) = found.offers
    assert (offer.host, offer.username) == ("mail.example.org", "address")


def test_the_default_is_thunderbirds(tmp_path: Path) -> None:
    """The name server of the test knows nobody, so nothing leaves this machine."""
    found = discover(tmp_path, "me@example.org", {}, tables='[discovery]\nsources = ["ispdb"]')
    (lookup,) = [lookup for lookup in found.lookups if lookup.source == "ispdb"]
    assert lookup.place == "https://autoconfig.thunderbird.net/v1.1/example.org"
    assert lookup.state == "absent"
    assert ("autoconfig.thunderbird.net", "A") in found.asked


@pytest.mark.parametrize("tables", ['[discovery]\nispdb = ""', '[discovery]\nsources = ["srv", "guess"]'])
def test_it_can_be_switched_off(tmp_path: Path, tables: str) -> None:
    found, site = look_up(tmp_path, {}, {}, tables=tables)
    assert found.states("ispdb") == ["off"]
    assert site.asked == []
    assert not [name for name, _ in found.asked if "thunderbird" in name]


def test_an_administrators_database_may_be_private_and_a_strangers_may_not(tmp_path: Path) -> None:
    """Nothing listens at the private address: what matters is whether it was dialled."""
    private: Records = {(DATABASE, "A"): ["10.255.255.1"], ("autoconfig.thunderbird.net", "A"): ["10.255.255.1"]}
    by_default = discover(tmp_path, "me@example.org", private, tables='[discovery]\nsources = ["ispdb"]')
    assert by_default.states("ispdb") == ["refused"]
    by_policy = discover(
        tmp_path,
        "me@example.org",
        private,
        tables=TABLES + '\n[allow]\ndeny_networks = ["10.255.255.0/24"]',
    )
    assert by_policy.states("ispdb") == ["refused"], "what the administrator denies is denied"


def test_a_redirect_of_the_database_is_a_strangers(tmp_path: Path) -> None:
    page = redirect("https://10.0.0.1/v1.1/example.org")
    found, _ = look_up(tmp_path, {f"{DATABASE}/v1.1/example.org": page}, {})
    assert found.states("ispdb") == ["refused"]


def test_a_slow_exchanger_answer_does_not_hold_the_domains_own(tmp_path: Path) -> None:
    records: Records = {**RECORDS, ("example.org", "MX"): "SILENT"}
    found, _ = look_up(tmp_path, {f"{DATABASE}/v1.1/example.org": document(SERVERS)}, records)
    assert len(found.offers) == 2


@pytest.mark.parametrize("provider", providers(), ids=lambda provider: provider.name)
def test_the_right_settings_come_first(tmp_path: Path, provider: Provider) -> None:
    """From the domain alone, through the database, to what is to be typed."""
    records: dict[tuple[str, str], list[str]] = {}
    if provider.mx:
        records[provider.domain, "MX"] = [f"10 {provider.mx}."]
    about = provider.domain if provider.mx is None else registered_domain(provider.mx)
    pages: dict[str, Page] = {f"{DATABASE}/v1.1/{about}": document(provider.document)}
    found, _ = look_up(tmp_path, pages, records, text=f"me@{provider.domain}")
    assert {offer.said_by for offer in found.offers} == {about}
    best = settings(answering(*found.offers), offers=found.offers)
    assert words(best.outgoing[0], found.offers) == provider.outgoing
    assert (words(best.incoming[0], found.offers) if best.incoming else None) == provider.incoming


def test_the_bad_advice_of_an_entry_brings_encrypted_ports_to_be_tried(tmp_path: Path) -> None:
    tiscali = next(provider for provider in providers() if provider.domain == "tiscali.cz")
    pages: dict[str, Page] = {f"{DATABASE}/v1.1/tiscali.cz": document(tiscali.document)}
    records: Records = {("smtp.mail.tiscali.cz", "A"): [ADDRESS]}
    found, _ = look_up(tmp_path, pages, records, text="me@tiscali.cz")
    assert set(found.ports("smtp.mail.tiscali.cz")) == {25, 465, 587}


def test_every_server_of_the_fixtures_is_understood() -> None:
    for provider in providers():
        document = read(provider.document, domain=provider.domain, source="ispdb", said_by=provider.id)
        protocols = discovery.table().clientconfig.protocol
        known = [line for line in provider.servers if line.split()[0] in protocols]
        assert len(document.offers) == len(known)
        assert document.problem is None


@pytest.mark.parametrize(
    ("name", "registered"),
    [
        ("mx.example.org", "example.org"),
        ("example.org", "example.org"),
        ("org", None),
        ("mx.example.co.uk", "example.co.uk"),
        ("co.uk", None),
        ("mx.example.zzz", "example.zzz"),
        ("a.xn--85x722f.xn--55qx5d.cn", "xn--85x722f.xn--55qx5d.cn"),
    ],
)
def test_registered_domains(name: str, registered: str | None) -> None:
    assert registered_domain(name) == registered
