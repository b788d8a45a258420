"""What settings are made of, what offers add to them, and what an organisation states, in every branch."""

from typing import Any

import pytest
from tests.unit.core_observations import HOST, answering, plain, seen, spoilt

from poterne.diagnosis.expected import compare
from poterne.diagnosis.offers import is_offered, not_offered, of_certified, place, position, standing, told
from poterne.diagnosis.settings import improves, settings
from poterne.report import ExpectedServer, ExpectedSettings, Lookup, NameAnswer, Observation, Offer, Setting, Settings


def offer(source: str = "srv", host: str = HOST, port: int = 465, **changed: Any) -> Offer:
    row = {
        "source": source,
        "said_by": "example.org",
        "protocol": "smtp",
        "host": host,
        "port": port,
        "security": "tls",
    }
    return Offer.model_validate({**row, **changed})


def setting(source: str = "guess", host: str = HOST, port: int = 465, **changed: Any) -> Setting:
    row = {"protocol": "smtp", "host": host, "port": port, "security": "tls", "auth": ("password",), "source": source}
    return Setting.model_validate({**row, "verified": True, **changed})


def hosts(ways: Settings) -> list[tuple[str, int]]:
    return [(way.host, way.port) for way in (*ways.outgoing, *ways.incoming)]


# ---- from observations


def test_a_setting_says_what_was_seen() -> None:
    (way,) = settings([seen(993, auth=("XOAUTH2", "PLAIN"))]).incoming
    assert way == setting("typed", port=993, protocol="imap", auth=("password", "oauth2"))
    (clear,) = settings([plain(110)]).incoming
    assert (clear.protocol, clear.security, clear.verified) == ("pop3", "none", False)
    assert settings([seen(587, security=None)]) == Settings()


def test_of_two_looks_the_verified_one_counts_and_then_the_one_with_more_ways_to_sign_in() -> None:
    few, more = seen(587, auth=("PLAIN",), family=4), seen(587, auth=("PLAIN", "XOAUTH2"), family=6)
    for order in ([few, more], [more, few]):
        assert settings(order).outgoing[0].auth == ("password", "oauth2")
    unverified = spoilt(587, "cert-expired", auth=("PLAIN", "XOAUTH2"), family=6)
    for order in ([few, unverified], [unverified, few]):
        assert settings(order).outgoing == settings([few]).outgoing


def test_each_security_of_a_port_is_a_setting() -> None:
    both = settings([seen(587), seen(587, security="tls", id="other", host="b.example.org"), plain(587, id="clear")])
    assert [(way.host, way.security) for way in both.outgoing] == [
        ("b.example.org", "tls"),
        (HOST, "starttls"),
        (HOST, "none"),
    ]


def test_who_takes_mail_for_its_own_domains_only() -> None:
    bare: dict[str, Any] = {"auth": (), "source": "guess"}
    assert settings([seen(25, **bare)]) == Settings()
    assert hosts(settings([seen(25, **bare)], offers=[offer("srv", port=25)])) == [(HOST, 25)]
    assert settings([seen(25, **bare)], offers=[offer("srv", port=465)]) == Settings()
    assert hosts(settings([seen(25, **{**bare, "source": "certificate"})])) == [(HOST, 25)]
    assert hosts(settings([seen(587, **bare)])) == [(HOST, 587)]


def test_a_service_that_is_not_offered() -> None:
    withheld = [Lookup(source="srv", place="_submission._tcp.example.org", state="not-offered")]
    ways = [seen(587, source="guess"), seen(465, source="guess"), seen(993, source="guess")]
    assert hosts(settings(ways, lookups=withheld)) == [(HOST, 465), (HOST, 993)]
    absent = [withheld[0].model_copy(update={"state": "absent"})]
    assert hosts(settings(ways, lookups=absent)) == [(HOST, 465), (HOST, 587), (HOST, 993)]
    assert not_offered([*withheld, *absent]) == {"submission"}


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (seen(587), spoilt(465, "cert-expired")),
        (seen(2525), plain(587)),
        (seen(587), seen(2525, security="tls")),
        (seen(2525), seen(25)),
        (seen(465), seen(587)),
        (seen(25), plain(25, host="b.example.org", id="b")),
        (
            seen(465, host="smtp.example.org", source="guess"),
            seen(465, host="mail.example.org", source="guess", id="b"),
        ),
        (seen(465, host="mail.example.org", source="guess"), seen(465, host="x.example.org", source="guess", id="b")),
        (seen(465, host="a.example.org", source="guess"), seen(465, host="b.example.org", source="guess", id="b")),
        (seen(465, host="a.example.org", source="guess"), seen(465, host="smtp.example.org", source="mx", id="b")),
        (
            seen(465, host="z.example.org", source="certificate"),
            seen(465, host="a.example.org", source="guess", id="b"),
        ),
        (seen(587, source="typed"), seen(465, host="a.example.org", source="guess", id="b")),
    ],
)
def test_which_of_two_ways_to_send_stands_first(first: Observation, second: Observation) -> None:
    for order in ([first, second], [second, first]):
        assert hosts(settings(order)) == [(first.host, first.port), (second.host, second.port)]


def test_which_of_two_ways_to_receive_stands_first() -> None:
    for first, second in ((993, 995), (993, 143), (143, 110), (995, 110), (143, 995)):
        for order in ((first, second), (second, first)):
            assert [way.port for way in settings([seen(port) for port in order]).incoming] == [first, second]


def test_a_port_that_is_not_trusted_stands_behind_every_other_that_is_verified() -> None:
    ways = settings([seen(465), seen(25), plain(587)], distrusted=[465])
    assert [way.port for way in ways.outgoing] == [25, 465, 587]


def test_a_service_on_a_port_of_another_stands_behind_its_own_ports() -> None:
    offers = [offer("srv", port=443), offer("srv", port=587, security="starttls")]
    ways = [
        o.model_copy(update={"service": s})
        for o, s in zip(answering(*offers), ("submissions", "submission"), strict=True)
    ]
    assert hosts(settings(ways, offers=offers)) == [(HOST, 587), (HOST, 443)]
    imap = [offer("srv", port=443, protocol="imap"), offer("srv", port=143, protocol="imap", security="starttls")]
    ways = [o.model_copy(update={"service": s}) for o, s in zip(answering(*imap), ("imaps", "imap"), strict=True)]
    assert hosts(settings(ways, offers=imap)) == [(HOST, 443), (HOST, 143)]


def test_what_improves_either_list() -> None:
    sends, receives, bad = settings([seen(587)]), settings([seen(993)]), settings([plain(587), plain(143)])
    assert improves(sends, Settings())
    assert improves(receives, Settings())
    assert improves(settings([seen(587), seen(993)]), sends)
    assert improves(sends, bad)
    assert not improves(sends, sends)
    assert not improves(bad, Settings())
    assert not improves(Settings(), sends)
    assert not improves(sends, settings([seen(465), seen(993)]))


# ---- from offers


def certified(*sources: str, address: str = "192.0.2.7") -> list[str]:
    """The hosts that have offers, where `a.example.org` is offered and `z.test` is seen as these sources name it."""
    observations = [seen(465, host="a.example.org", source=sources[0])]
    observations.append(seen(465, host="z.test", source=sources[1], address=address, id="z"))
    return [each.host for each in of_certified([offer(host="a.example.org")], observations)]


def test_a_host_that_only_a_certificate_names_is_the_one_at_its_address() -> None:
    assert certified("srv", "certificate") == ["a.example.org", "z.test"]
    assert certified("srv", "certificate", address="192.0.2.8") == ["a.example.org"]
    assert certified("srv", "srv") == ["a.example.org"]
    assert certified("certificate", "srv") == ["a.example.org"]
    assert certified("certificate", "certificate") == ["a.example.org"]
    control = seen(465, host="z.test", source="certificate", role="control", id="z")
    assert (
        len(of_certified([offer(host="a.example.org")], [seen(465, host="a.example.org", source="srv"), control])) == 1
    )
    known = [offer(host="a.example.org"), offer("ispdb", host="z.test")]
    both = [seen(465, host="a.example.org", source="srv"), seen(465, host="z.test", source="certificate", id="z")]
    assert of_certified(known, both) == known
    other = [offer(host="a.example.org"), offer(host="b.example.org")]
    assert [each.host for each in of_certified(other, both)] == ["a.example.org", "b.example.org", "z.test"]


def test_who_recommends_a_host() -> None:
    own = offer("srv")
    assert standing([], setting("typed")) == 0
    assert standing([own], setting()) == 0
    assert standing([own.model_copy(update={"trusted": False})], setting()) == 1
    assert standing([offer("ispdb")], setting()) == 1
    assert standing([offer("ispdb"), own], setting()) == 0
    assert standing([own], setting(host="b.example.org")) == 2
    assert standing([own], setting(protocol="imap")) == 2
    assert standing([own], setting(port=587)) == 0


def test_which_port_is_offered() -> None:
    assert is_offered([], setting("typed"))
    assert is_offered([offer("ispdb")], setting())
    assert not is_offered([offer("ispdb", port=587)], setting())
    assert not is_offered([offer("ispdb", protocol="imap")], setting())
    assert not is_offered([offer("ispdb", host="b.example.org")], setting())


def test_where_a_host_stands() -> None:
    assert place([], setting("guess")) == (position("guess"), 0)
    assert place([offer("srv", rank=2), offer("ispdb", rank=0)], setting()) == (position("srv"), 2)
    assert place([offer("srv", rank=2), offer("srv", rank=1)], setting()) == (position("srv"), 1)
    assert [position(source) for source in ("typed", "expected", "of tomorrow")] == [0, 1, 10]


@pytest.mark.parametrize(
    ("offers", "row", "remarks"),
    [
        ([], setting("certificate"), ("certificate",)),
        ([offer("srv", trusted=False)], setting("certificate"), ("certificate",)),
        ([offer("srv", trusted=False)], setting(), ("unvouched",)),
        ([offer("srv", trusted=False), offer("ispdb", port=587)], setting(), ()),
        ([offer("srv", trusted=False, protocol="imap")], setting(), ()),
        ([offer("srv", trusted=False, host="b.example.org")], setting(), ()),
        ([offer("srv", trusted=False)], setting("typed"), ()),
        ([offer("srv", own_name=True)], setting(), ("own-name",)),
        ([offer("srv", username="address"), offer("srv", own_name=True, port=587)], setting(), ()),
        ([offer("srv"), offer("srv", own_name=True, port=587)], setting(), ("own-name",)),
        ([offer("srv", auth=("oauth2",))], setting(), ("oauth2-only",)),
        ([offer("srv", auth=("oauth2",))], setting(auth=()), ("oauth2-only",)),
        ([offer("srv", auth=("oauth2",))], setting(auth=("oauth2",)), ()),
        ([offer("srv"), offer("srv", auth=("oauth2",), port=587)], setting(), ("oauth2-only",)),
        ([offer("srv", auth=("password",)), offer("srv", auth=("oauth2",), port=587)], setting(), ()),
        ([offer("srv", auth=("oauth2",), protocol="imap")], setting(), ()),
        ([], setting(host="imap.gmail.com"), ("app-password",)),
        ([], setting(host="imap.gmail.com", auth=()), ("app-password",)),
        ([], setting(host="imap.gmail.com", auth=("oauth2",)), ()),
        ([offer("srv", host="imap.gmail.com", auth=("oauth2",))], setting(host="imap.gmail.com"), ("oauth2-only",)),
        (
            [offer("srv", trusted=False, own_name=True, auth=("oauth2",))],
            setting(),
            ("unvouched", "own-name", "oauth2-only"),
        ),
    ],
)
def test_what_to_know_before_a_setting_is_used(offers: list[Offer], row: Setting, remarks: tuple[str, ...]) -> None:
    assert told(offers, row).remarks == remarks


@pytest.mark.parametrize(
    ("offers", "username"),
    [
        ([offer("ispdb", username="address"), offer("srv", username="local-part")], "local-part"),
        ([offer("srv", username="address", rank=1), offer("srv", username="local-part", rank=0)], "local-part"),
        ([offer("srv", own_name=True), offer("srv", port=587, username="address")], "unknown"),
        ([offer("srv"), offer("srv", port=587, username="address")], "address"),
        ([offer("srv", host="b.example.org", username="address")], "unknown"),
        ([offer("ispdb", security="starttls", username="address"), offer("mx", username="local-part")], "local-part"),
        (
            [offer("srv", port=587, username="address"), offer("mx", security="none", username="local-part")],
            "local-part",
        ),
        (
            [offer("srv", protocol="imap", username="address"), offer("mx", port=25, username="local-part")],
            "local-part",
        ),
    ],
)
def test_the_form_of_the_user_name(offers: list[Offer], username: str) -> None:
    assert told(offers, setting()).username == username
    assert told([*reversed(offers)], setting()).username == username
    assert told(offers, setting(username="address")).username == "address"


def test_the_best_source_of_the_same_protocol_is_told() -> None:
    assert told([offer("ispdb"), offer("srv")], setting()).source == "srv"
    assert told([offer("srv", protocol="imap")], setting()).source == "guess"
    assert told([offer("srv", host="b.example.org")], setting()).source == "guess"
    assert told([offer("mx")], setting()).source == "guess"


# ---- what an organisation states

STATED = ExpectedServer(protocol="smtp", host=HOST, port=587, security="starttls", state="untested")
WORKS = setting("srv", port=587, security="starttls")
TRIED = (seen(587),)


def compared(*stated: ExpectedServer, found: Settings, tried: Any = TRIED, names: Any = ()) -> ExpectedSettings:
    answer = compare("Example Ltd", stated or (STATED,), found, tried, names)
    assert answer is not None
    return answer


def judged(*rows: Setting, stated: ExpectedServer = STATED, tried: Any = TRIED) -> tuple[str, Any, Any]:
    found = Settings(
        outgoing=tuple(r for r in rows if r.protocol == "smtp"), incoming=tuple(r for r in rows if r.protocol != "smtp")
    )
    (server,) = compared(stated, found=found, tried=tried).servers
    return server.state, server.differs, server.found


def test_a_stated_server_works_where_it_is_as_stated() -> None:
    assert judged(WORKS) == ("works", (), WORKS)
    implicit = setting("srv", port=465)
    assert judged(implicit, WORKS) == ("works", (), WORKS)
    assert judged(implicit) == ("differs", ("port", "security"), implicit)
    port = setting("srv", port=2525, security="starttls")
    assert judged(port) == ("differs", ("port",), port)
    security = setting("srv", port=587)
    assert judged(security) == ("differs", ("security",), security)
    assert judged(port, security) == ("differs", ("security",), security), "the same port is nearer"
    other_host = setting("srv", "b.example.org", 587, security="starttls")
    assert judged(other_host) == ("fails", (), other_host)
    assert judged() == ("fails", (), None)
    assert judged(WORKS.model_copy(update={"protocol": "imap"})) == ("fails", (), None)
    assert judged(WORKS.model_copy(update={"verified": False})) == ("fails", (), None)
    clear = WORKS.model_copy(update={"security": "none"})
    assert judged(clear) == ("fails", (), None)


def test_a_server_for_receiving_is_judged_too() -> None:
    stated = STATED.model_copy(update={"protocol": "imap", "port": 993, "security": "tls"})
    works = setting("srv", port=993, protocol="imap")
    assert judged(works, stated=stated) == ("works", (), works)


def test_how_to_sign_in_is_held_against_what_the_server_announces() -> None:
    stated = STATED.model_copy(update={"auth": ("kerberos", "oauth2")})
    for auth, state in ((("password",), "differs"), (("oauth2", "password"), "works"), ((), "works")):
        row = WORKS.model_copy(update={"auth": auth})
        assert judged(row, stated=stated) == (state, ("auth",) if state == "differs" else (), row)
    assert judged(WORKS)[0] == "works"


def test_a_server_that_is_stated_without_encryption_is_judged_by_its_answer() -> None:
    stated = STATED.model_copy(update={"security": "none"})
    clear = WORKS.model_copy(update={"security": "none", "verified": False})
    assert judged(clear, stated=stated) == ("works", (), clear)
    assert judged(WORKS, stated=stated) == ("differs", ("security",), WORKS)
    assert judged(clear.model_copy(update={"protocol": "imap"}), stated=stated)[0] == "fails"


def test_what_was_not_tried_is_untested() -> None:
    assert judged(tried=()) == ("untested", (), None)
    assert judged(tried=(seen(465),))[0] == "untested"
    assert judged(tried=(seen(587, host="b.example.org"),))[0] == "untested"
    assert judged(tried=(seen(587, role="control"),))[0] == "untested"
    implicit = setting("srv", port=465)
    assert judged(implicit, tried=()) == ("untested", (), None)
    assert judged(stated=STATED.model_copy(update={"state": "works"}), tried=())[0] == "untested"


@pytest.mark.parametrize(
    ("changed", "state"),
    [
        ({"state": "nxdomain", "addresses": ()}, "fails"),
        ({"state": "timeout", "addresses": ()}, "fails"),
        ({"state": "unasked", "addresses": ()}, "untested"),
        ({"state": "ok", "addresses": ("192.0.2.7",)}, "untested"),
        ({"state": "nxdomain", "addresses": (), "name": "b.example.org"}, "untested"),
    ],
)
def test_a_host_without_an_address_fails(changed: dict[str, Any], state: str) -> None:
    answer = NameAnswer.model_validate({"name": HOST, "source": "expected", **changed})
    (server,) = compared(found=Settings(), tried=(), names=[answer]).servers
    assert server.state == state


def test_all_that_is_stated_is_judged_together() -> None:
    second = STATED.model_copy(update={"port": 465, "security": "tls"})
    ways = Settings(outgoing=(WORKS,))
    assert compared(found=ways).state == "as-stated"
    assert compared(STATED, second, found=ways).state == "untested"
    assert compared(STATED, second, found=ways, tried=(*TRIED, seen(465))).state == "differs"
    assert compared(second, found=Settings(), tried=()).state == "untested"
    assert compare("Example Ltd", (), ways, TRIED) is None
    assert compared(found=ways).organisation == "Example Ltd"
