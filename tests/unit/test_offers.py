import itertools

import pytest
from tests.unit.core_observations import answering

from poterne.diagnose.offers import position, standing, told
from poterne.diagnose.settings import settings
from poterne.model import MailProtocol, Offer, Security, Setting, UserName


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
