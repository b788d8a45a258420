import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from poterne.diagnose.offers import standing, told
from poterne.discover.merge import authority, merge, ranked
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


# ---- merging


def test_opinions_about_one_way_are_put_together() -> None:
    (way,) = merge(
        [
            offer("ispdb", username="address", auth=("oauth2",)),
            offer("srv", trusted=False),
            offer("autoconfig", username="local-part"),
        ]
    )
    assert way.sources == ("srv", "autoconfig", "ispdb")
    assert way.username == "local-part", "the most authoritative that knows"
    assert way.auth == ("oauth2",)
    assert way.trusted, "one that vouches is enough"


@pytest.mark.parametrize(
    "other",
    [
        offer("ispdb", port=587),
        offer("ispdb", security="starttls"),
        offer("ispdb", host="other.example.org"),
        offer("ispdb", protocol="imap"),
    ],
)
def test_ways_that_differ_stay_apart(other: Offer) -> None:
    assert len(merge([offer(), other])) == 2


def test_the_domain_itself_stands_before_others_and_guesses_last() -> None:
    order = ["typed", "srv", "autoconfig", "pacc", "ispdb", "guess", "mx", "domain", "something else"]
    assert sorted([*order[4:], *order[:4]], key=authority) == order


def test_each_source_keeps_its_order() -> None:
    ways = merge([offer("autoconfig", host=f"h{rank}.example.org", rank=rank) for rank in (2, 0, 1)])
    assert [way.host for way in ways] == ["h0.example.org", "h1.example.org", "h2.example.org"]


def test_what_is_to_be_typed_first() -> None:
    ways = [
        offer("srv", host="own", port=587, security="starttls"),
        offer("ispdb", host="own", port=465),
        offer("ispdb", host="database", port=465),
        offer("srv", host="own", port=25, security="none"),
        offer("ispdb", host="database", port=25, security="none"),
    ]
    expected = [("own", 465), ("own", 587), ("database", 465), ("own", 25), ("database", 25)]
    for order in itertools.permutations(ways):
        assert [(way.host, way.port) for way in ranked(order)] == expected


def test_imap_before_pop3() -> None:
    ways = [offer("srv", port=995, protocol="pop3"), offer("ispdb", port=143, security="starttls", protocol="imap")]
    assert [way.protocol for way in ranked(ways)] == ["imap", "pop3"]


_OFFERS = st.builds(
    offer,
    source=st.sampled_from(["srv", "autoconfig", "pacc", "ispdb"]),
    host=st.sampled_from(["a.example.org", "b.example.org"]),
    port=st.sampled_from([25, 465, 587]),
    security=st.sampled_from(["tls", "starttls", "none"]),
    username=st.sampled_from(["address", "local-part", "unknown"]),
    rank=st.integers(0, 3),
    trusted=st.booleans(),
)


@given(st.lists(_OFFERS, max_size=12))
def test_merging_loses_no_way_and_nobody(offers: list[Offer]) -> None:
    ways = merge(offers)
    keys = [(way.protocol, way.host, way.port, way.security) for way in ways]
    assert len(keys) == len(set(keys))
    assert set(keys) == {(each.protocol, each.host, each.port, each.security) for each in offers}
    for way in ways:
        group = [each for each in offers if (each.host, each.port, each.security) == (way.host, way.port, way.security)]
        assert set(way.sources) == {each.source for each in group}
        assert list(way.sources) == sorted(way.sources, key=authority)


# ---- what offers tell of a setting


def test_nothing_is_told_where_nobody_offers() -> None:
    assert told([], setting()) == setting()
    assert told([offer(host="other.example.org", username="address")], setting()) == setting()


def test_the_user_name_and_the_best_source() -> None:
    seen = told([offer("ispdb", username="address", auth=("oauth2",)), offer("srv")], setting())
    assert (seen.username, seen.source) == ("address", "srv")
    assert seen.auth == ("password",), "the server announces how to sign in"


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
