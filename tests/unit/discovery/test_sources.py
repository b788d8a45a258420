"""All sources of a domain together: what they say is put together, and everything is tried once."""

import time
from pathlib import Path

import pytest
from tests.unit.core_discovery import ADDRESS, ANOTHER, THIRD, Records, discover
from tests.unit.core_providers import configuration
from tests.unit.core_servers import Peer
from tests.unit.core_sites import Page, Site, document
from tests.unit.core_timing import timed
from tests.unit.core_world import policy
from tests.unit.discovery.test_pacc import DIGEST, body_of, digest_of

from poterne.errors import PolicyError
from poterne.knowledge import discovery

AUTOCONFIG = "autoconfig.example.org/mail/config-v1.1.xml"
PACC = "ua-auto-config.example.org/.well-known/user-agent-configuration.json"
DATABASE = "db.test"
TABLES = f'[discovery]\nispdb = "https://{DATABASE}/"'


@pytest.fixture(autouse=True)
def without_proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("https_proxy", "HTTPS_PROXY"):
        monkeypatch.delenv(name, raising=False)


def test_sources_that_agree_make_one_server_and_sources_that_differ_are_all_tried(tmp_path: Path) -> None:
    pacc = body_of()
    pages: dict[str, Page] = {
        AUTOCONFIG: document(
            configuration(
                [
                    "imap imap.example.org 993 SSL %EMAILLOCALPART% password-cleartext",
                    "smtp relay.example.org 587 STARTTLS %EMAILADDRESS% password-cleartext",
                ]
            )
        ),
        PACC: document(pacc),
        f"{DATABASE}/example.org": document(
            configuration(["smtp old.provider.example 25 plain %EMAILLOCALPART% password-cleartext"])
        ),
    }
    records: Records = {
        ("_imaps._tcp.example.org", "SRV"): ["0 1 993 imap.example.org."],
        (DIGEST, "TXT"): [f'"{digest_of(pacc)}"'],
        ("imap.example.org", "A"): [ADDRESS],
        ("smtp.example.org", "A"): [ANOTHER],
        ("relay.example.org", "A"): [ANOTHER],
        ("old.provider.example", "A"): [THIRD],
        ("example.org", "MX"): ["10 mx.provider.example."],
        ("mx.provider.example", "A"): [THIRD],
    }
    with Site(pages, hosts=("example.org",)) as site:
        found = discover(tmp_path, "me@example.org", records, site=site, tables=TABLES)
    sources: dict[tuple[str, int], set[str]] = {}
    for each in found.offers:
        sources.setdefault((each.host, each.port), set()).add(each.source)
    assert sources["imap.example.org", 993] == {"srv", "autoconfig", "pacc"}
    assert sources["smtp.example.org", 465] == {"pacc"}
    assert sources["old.provider.example", 25] == {"ispdb"}
    assert {host for host, _ in found.hosts} == {
        "imap.example.org",
        "smtp.example.org",
        "relay.example.org",
        "old.provider.example",
    }, "a stranger's exchanger is needed for nothing"
    for host, _ in found.hosts:
        assert len(found.ports(host)) == len(set(found.ports(host))), "every port once"
    assert {25, 465, 587} <= set(found.ports("old.provider.example"))
    found_places = {lookup.place for lookup in found.lookups if lookup.state == "found"}
    assert found_places == {
        "_imaps._tcp.example.org",
        f"https://{AUTOCONFIG}",
        f"https://{PACC}",
        DIGEST,
        f"https://{DATABASE}/example.org",
    }


def test_every_lookup_is_told_once(tmp_path: Path) -> None:
    found = discover(tmp_path, "me@example.org", {}, tables='[discovery]\nispdb = ""')
    places = [(lookup.source, lookup.place) for lookup in found.lookups]
    assert len(places) == len(set(places))
    assert {source for source, _ in places} == {"srv", "autoconfig", "pacc", "ispdb"}


OFFERED: Records = {
    ("_submissions._tcp.example.org", "SRV"): ["0 1 465 out.example.org."],
    ("_imaps._tcp.example.org", "SRV"): ["0 1 993 in.example.org."],
    ("out.example.org", "A"): [ADDRESS],
    ("in.example.org", "A"): [ANOTHER],
    ("example.org", "MX"): ["10 mx.example.org."],
    ("mx.example.org", "A"): [THIRD],
}
WITHOUT_DATABASE = '[discovery]\nispdb = ""'


def test_the_domains_exchanger_is_tried_on_25_where_the_domain_offers_servers(tmp_path: Path) -> None:
    found = discover(tmp_path, "me@example.org", OFFERED, tables=WITHOUT_DATABASE)
    assert found.ports("mx.example.org") == [25]


def test_the_domains_exchanger_is_a_guess_for_what_nobody_offers(tmp_path: Path) -> None:
    records = {key: value for key, value in OFFERED.items() if key[0] != "_imaps._tcp.example.org"}
    found = discover(tmp_path, "me@example.org", records, tables=WITHOUT_DATABASE)
    assert {993, 143, 25} <= set(found.ports("mx.example.org"))
    assert not {465, 587} & set(found.ports("mx.example.org"))


def test_what_the_domain_does_not_offer_is_guessed_at_nowhere(tmp_path: Path) -> None:
    records: Records = {
        ("_submission._tcp.example.org", "SRV"): ["0 1 587 mail.example.org."],
        **{(f"_{name}._tcp.example.org", "SRV"): ["0 0 0 ."] for name in ("imaps", "imap", "submissions")},
        **{(f"{label}.example.org", "A"): [ADDRESS] for label in ("imap", "smtp", "mail")},
    }
    found = discover(tmp_path, "me@example.org", records, tables=WITHOUT_DATABASE)
    guessed = {port for server in found.servers if server.source == "guess" for port in server.ports}
    assert 587 in guessed
    assert not {993, 143, 465} & guessed
    assert "imap.example.org" not in {host for host, _ in found.hosts}


def test_a_silent_source_is_given_up_soon_where_there_is_enough(tmp_path: Path) -> None:
    timing = timed(discovery={"patience": 60.0, "grace_own": 0.2, "grace_others": 0.1})

    def hang(peer: Peer) -> None:
        peer.drain()

    pages: dict[str, Page] = {AUTOCONFIG: hang, f"{DATABASE}/example.org": hang}
    with Site(pages, hosts=("autoconfig.example.org", DATABASE)) as site:
        started = time.monotonic()
        found = discover(
            tmp_path, "me@example.org", OFFERED, site=site, tables=TABLES, seconds=90, enough=True, timing=timing
        )
        assert time.monotonic() - started < 30, "patience would last 60 s"
    assert {"out.example.org", "in.example.org"} <= {host for host, _ in found.hosts}
    for place in (f"https://{AUTOCONFIG}", f"https://{DATABASE}/example.org"):
        lookup = found.lookup(place)
        assert (lookup.state, lookup.reason) == ("failed", "timeout"), "what was given up is told"


def test_an_unusable_host_does_not_count_among_those_that_are_tried(tmp_path: Path) -> None:
    servers = [f"imap gone{number}.example.org 993 SSL u p" for number in range(20)]
    pages = {AUTOCONFIG: document(configuration([*servers, "imap in.example.org 993 SSL u p"]))}
    with Site(pages, hosts=("example.org",)) as site:
        found = discover(tmp_path, "me@example.org", {("in.example.org", "A"): [ADDRESS]}, site=site, tables=TABLES)
    assert ("in.example.org", "autoconfig") in found.hosts


def test_guesses_are_not_waited_for_where_the_domain_has_said(tmp_path: Path) -> None:
    timing = timed(names={"answer": 25.0})
    records: Records = {
        ("_submissions._tcp.example.org", "SRV"): ["0 1 465 out.example.org."],
        ("_imaps._tcp.example.org", "SRV"): ["0 1 993 in.example.org."],
        ("out.example.org", "A"): [ADDRESS],
        ("in.example.org", "A"): [ANOTHER],
        ("mail.example.org", "*"): "SILENT",
        ("smtp.example.org", "*"): "SILENT",
    }
    started = time.monotonic()
    found = discover(tmp_path, "me@example.org", records, tables='[discovery]\nispdb = ""', seconds=60, timing=timing)
    assert time.monotonic() - started < 20, "silence about a guess would last 25 s"
    assert {host for host, _ in found.hosts} == {"out.example.org", "in.example.org"}


def test_guesses_are_tried_all_the_same(tmp_path: Path) -> None:
    records: Records = {
        ("_submissions._tcp.example.org", "SRV"): ["0 1 465 out.example.org."],
        ("out.example.org", "A"): [ADDRESS],
        ("mail.example.org", "A"): [ANOTHER],
    }
    found = discover(tmp_path, "me@example.org", records, tables='[discovery]\nispdb = ""')
    assert found.hosts == {("out.example.org", "srv"), ("mail.example.org", "guess")}


def test_a_guess_that_is_offered_too_is_planned_once(tmp_path: Path) -> None:
    records: Records = {
        ("_imap._tcp.example.org", "SRV"): ["0 1 143 mail.example.org."],
        ("mail.example.org", "A"): [ANOTHER],
    }
    found = discover(tmp_path, "me@example.org", records, tables='[discovery]\nispdb = ""')
    tried = found.ports("mail.example.org")
    assert sorted(tried) == sorted(set(tried))
    assert {143, 993, 465, 587, 25} <= set(tried)


def test_only_so_many_hosts_of_one_source_are_tried(tmp_path: Path) -> None:
    servers = [f"imap i{number}.example.org 993 SSL u OAuth2" for number in range(20)]
    records: Records = {(f"i{number}.example.org", "A"): [ADDRESS] for number in range(20)}
    with Site({AUTOCONFIG: document(configuration(servers))}, hosts=("example.org",)) as site:
        found = discover(tmp_path, "me@example.org", records, site=site, tables='[discovery]\nispdb = ""')
    tried = {host for host, source in found.hosts if source == "autoconfig"}
    assert tried == {f"i{number}.example.org" for number in range(discovery.table().limits.hosts)}


def test_a_domain_that_takes_no_mail_may_still_send(tmp_path: Path) -> None:
    records: Records = {
        ("example.org", "MX"): ["0 ."],
        ("_submissions._tcp.example.org", "SRV"): ["0 1 465 out.example.org."],
        ("out.example.org", "A"): [ADDRESS],
    }
    found = discover(tmp_path, "me@example.org", records, tables='[discovery]\nispdb = ""')
    assert found.hosts == {("out.example.org", "srv")}
    assert any(answer.mail_exchangers == ("",) for answer in found.names)


def test_without_any_source_the_exchangers_are_left(tmp_path: Path) -> None:
    records: Records = {
        ("example.org", "MX"): ["10 mx.example.org."],
        ("mx.example.org", "A"): [ADDRESS],
        ("mail.example.org", "A"): [ANOTHER],
    }
    found = discover(tmp_path, "me@example.org", records, tables="[discovery]\nsources = []")
    assert found.hosts == {("mx.example.org", "mx")}
    assert {lookup.source for lookup in found.lookups} == {"srv", "autoconfig", "pacc", "ispdb", "guess"}
    assert {lookup.state for lookup in found.lookups} == {"off"}
    assert {kind for _, kind in found.asked} <= {"MX", "A", "AAAA"}


@pytest.mark.parametrize(
    "tables",
    [
        '[discovery]\nsources = ["srv", "autodiscover"]',
        '[discovery]\nsources = "srv"',
        '[discovery]\nispdb = "http://db.test/"',
        '[discovery]\nispdb = "https://me@db.test/"',
        '[discovery]\nispdb = "https://"',
        '[discovery]\nispdb = "db.test"',
    ],
)
def test_a_policy_that_cannot_be_meant_is_refused(tmp_path: Path, tables: str) -> None:
    with pytest.raises(PolicyError):
        policy(tmp_path, tables=tables)
