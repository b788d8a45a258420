import itertools
import re

import pytest
from tests.unit.core_observations import answering

from poterne.diagnosis.offers import position, standing, told
from poterne.diagnosis.settings import settings
from poterne.knowledge import app_passwords
from poterne.report import Lookup, MailProtocol, Offer, Security, Setting, UserName


def offer(
    source: str = "srv",
    host: str = "mail.example.org",
    port: int = 465,
    security: Security = "tls",
    *,
    protocol: MailProtocol = "smtp",
    username: UserName = "unknown",
    auth: tuple[str, ...] = (),
    rank: int = 0,
    trusted: bool = True,
) -> Offer:
    return Offer(
        source=source,
        said_by="example.org",
        protocol=protocol,
        host=host,
        port=port,
        security=security,
        username=username,
        auth=auth,
        rank=rank,
        trusted=trusted,
    )


def setting(
    source: str = "guess",
    host: str = "mail.example.org",
    port: int = 465,
    security: Security = "tls",
    *,
    protocol: MailProtocol = "smtp",
    username: UserName = "unknown",
) -> Setting:
    return Setting(
        protocol=protocol,
        host=host,
        port=port,
        security=security,
        auth=("password",),
        username=username,
        verified=True,
        source=source,
    )


# ---- the order of what was offered and works


def first_hosts(*offers: Offer) -> list[tuple[str, int]]:
    ways = settings(answering(*offers), offers=offers)
    return [(way.host, way.port) for way in (*ways.outgoing, *ways.incoming)]


def test_the_domain_itself_stands_before_others_and_guesses_last() -> None:
    order = ["typed", "srv", "autoconfig", "pacc", "ispdb", "guess", "mx", "domain", "something else"]
    assert sorted([*order[4:], *order[:4]], key=position) == order


@pytest.mark.parametrize("source", ["srv", "autoconfig"])
def test_each_source_keeps_its_order(source: str) -> None:
    """A record's priority, a document's order: the alphabet decides nothing."""
    ways = [offer(source, host=host, rank=rank) for rank, host in enumerate(("z.test", "m.test", "a.test"))]
    for order in itertools.permutations(ways):
        assert first_hosts(*order) == [("z.test", 465), ("m.test", 465), ("a.test", 465)]


def test_a_record_that_nothing_vouches_for_stands_behind_the_domains_own_document() -> None:
    """RFC 6186 section 6."""
    outside = offer("srv", host="mx.stranger.example", trusted=False)
    assert first_hosts(outside, offer("autoconfig", host="in.example.org")) == [
        ("in.example.org", 465),
        ("mx.stranger.example", 465),
    ]


def test_what_is_to_be_typed_first() -> None:
    ways = [
        offer("srv", host="own.test", port=587, security="starttls"),
        offer("srv", host="own.test", port=465),
        offer("ispdb", host="database.test", port=465),
        offer("srv", host="own.test", port=25, security="none"),
        offer("ispdb", host="database.test", port=25, security="none"),
    ]
    expected = [("own.test", 465), ("own.test", 587), ("database.test", 465), ("own.test", 25), ("database.test", 25)]
    for order in itertools.permutations(ways):
        assert first_hosts(*order) == expected


def test_what_the_domain_offers_stands_before_what_is_guessed_whatever_the_protocol() -> None:
    own = offer("srv", host="pop.example.org", port=995, protocol="pop3")
    guess = offer("guess", host="imap.example.org", port=993, protocol="imap")
    ways = settings(answering(guess, own), offers=[own])
    assert [(way.protocol, way.source) for way in ways.incoming] == [("pop3", "srv"), ("imap", "guess")]
    both = settings(answering(guess, own), offers=[])
    assert [way.protocol for way in both.incoming] == ["imap", "pop3"]


def not_offered_here(service: str) -> Lookup:
    return Lookup(source="srv", place=f"_{service}._tcp.example.org", state="not-offered")


def test_a_service_that_the_domain_does_not_offer_is_no_setting_unless_somebody_names_it() -> None:
    seen = answering(offer("guess", port=465), offer("guess", port=587, security="starttls"))
    lookups = [not_offered_here("submissions")]
    assert [way.port for way in settings(seen, lookups=lookups).outgoing] == [587]
    named = [offer("ispdb", port=465)]
    assert [way.port for way in settings(seen, offers=named, lookups=lookups).outgoing] == [465, 587]
    typed = answering(offer("typed", port=465))
    assert [way.port for way in settings(typed, lookups=lookups).outgoing] == [465]


def test_a_published_port_of_another_service_is_a_setting_of_what_is_published() -> None:
    (seen,) = answering(offer("srv", port=443))
    ways = settings([seen.model_copy(update={"service": "submissions"})], offers=[offer("srv", port=443)])
    assert [(way.protocol, way.port) for way in ways.outgoing] == [("smtp", 443)]


# ---- what is to be known of a setting


def test_a_server_outside_the_domain_that_only_dns_names_is_unvouched() -> None:
    outside = offer("srv", trusted=False)
    assert told([outside], setting()).remarks == ("unvouched",)
    assert told([outside, offer("ispdb")], setting()).remarks == (), "somebody else names it too"
    assert told([outside], setting("typed")).remarks == ()
    assert told([offer("srv")], setting()).remarks == ()


def test_a_name_that_the_provider_gives_hides_what_is_said_farther_off() -> None:
    own = offer("autoconfig").model_copy(update={"own_name": True})
    far = offer("autoconfig", port=993, protocol="imap", username="address")
    known = told([far, own], setting())
    assert (known.username, known.remarks) == ("unknown", ("own-name",))


def test_what_is_said_of_the_sign_in_is_told_where_the_server_says_otherwise() -> None:
    assert told([offer("ispdb", auth=("oauth2",))], setting()).remarks == ("oauth2-only",)
    assert told([offer("ispdb", auth=("oauth2", "password"))], setting()).remarks == ()
    announced = setting().model_copy(update={"auth": ("oauth2",)})
    assert told([offer("ispdb", auth=("oauth2",))], announced).remarks == ()


def test_a_provider_that_wants_an_app_password() -> None:
    gmail = setting("ispdb", "imap.gmail.com", 993, protocol="imap")
    assert told([], gmail).remarks == ("app-password",)
    assert told([], gmail.model_copy(update={"auth": ("oauth2",)})).remarks == ()
    for provider in app_passwords.table().provider:
        assert provider.hosts
        assert re.fullmatch(r"\d{4}-\d\d", provider.date)


def test_a_server_by_its_certificates_name_has_what_is_said_of_it() -> None:
    offers = [offer("srv", "mail.example.org", username="local-part")]
    certified = offer("certificate", "srv12.host.example")
    ways = settings(answering(*offers, certified), offers=offers)
    other = next(way for way in ways.outgoing if way.host == "srv12.host.example")
    assert (other.username, other.source, other.remarks) == ("local-part", "certificate", ("certificate",))


# ---- what offers tell of a setting


def test_nothing_is_told_where_nobody_offers() -> None:
    assert told([], setting()) == setting()
    assert told([offer(host="other.example.org", username="address")], setting()) == setting()


def test_the_user_name_and_the_best_source() -> None:
    known = told([offer("ispdb", username="address", auth=("oauth2",)), offer("srv")], setting())
    assert (known.username, known.source) == ("address", "srv")
    assert known.auth == ("password",), "the server announces how to sign in"


@pytest.mark.parametrize(
    ("near", "far"),
    [
        (offer("ispdb", username="local-part"), offer("srv", security="starttls", username="address")),
        (
            offer("ispdb", security="starttls", username="local-part"),
            offer("srv", port=587, username="address"),
        ),
        (
            offer("ispdb", port=587, username="local-part"),
            offer("srv", port=993, protocol="imap", username="address"),
        ),
    ],
)
def test_the_nearest_offer_tells_the_user_name(near: Offer, far: Offer) -> None:
    assert told([far, near], setting()).username == "local-part"
    assert told([near, far], setting()).username == "local-part"
    assert told([far], setting()).username == "address", "a farther one is better than none"


def test_the_two_directions_of_icloud() -> None:
    offers = [
        offer("ispdb", "imap.mail.me.com", 993, protocol="imap", username="local-part"),
        offer("ispdb", "smtp.mail.me.com", 587, "starttls", username="address"),
    ]
    incoming = setting("ispdb", "imap.mail.me.com", 993, protocol="imap")
    outgoing = setting("ispdb", "smtp.mail.me.com", 587, "starttls")
    assert told(offers, incoming).username == "local-part"
    assert told(offers, outgoing).username == "address"


def test_another_protocols_offer_says_nothing_of_who_recommends() -> None:
    assert told([offer("srv", port=993, protocol="imap")], setting("mx")).source == "mx"


def test_what_was_typed_stays_typed_and_what_is_known_stays_known() -> None:
    typed = setting("typed", username="local-part")
    assert told([offer("srv", username="address")], typed) == typed


def test_who_recommends_a_setting() -> None:
    offers = [offer("srv", "own.example.org", 587, "starttls"), offer("ispdb", "database.example", 465)]
    places = [
        setting("typed", "elsewhere.example", 25, "none"),
        setting("guess", "own.example.org", 587, "starttls"),
        setting("srv", "own.example.org", 465),
        setting("ispdb", "database.example", 587, "starttls"),
        setting("guess", "mail.example.org", 465),
        setting("srv", "own.example.org", 993, protocol="imap"),
    ]
    assert [standing(offers, place) for place in places] == [0, 0, 0, 1, 2, 2]
