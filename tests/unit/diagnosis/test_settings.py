import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.core_observations import HOST, broken_off, plain, seen, spoilt, unreached

from poterne.diagnosis.settings import improves, settings, sign_in
from poterne.report import Observation, Settings


def outgoing(*observations: Observation) -> list[tuple[str, int, str, bool]]:
    return [(s.host, s.port, s.security, s.verified) for s in settings(observations).outgoing]


def test_the_best_way_to_send_stands_first_whatever_came_first() -> None:
    every = [seen(25), seen(2525), seen(587), seen(465)]
    for order in itertools.permutations(every):
        assert [port for _, port, _, _ in outgoing(*order)] == [465, 587, 2525, 25]


def test_the_best_way_to_receive_stands_first() -> None:
    every = [seen(110), seen(995), seen(143), seen(993)]
    for order in itertools.permutations(every):
        assert [setting.port for setting in settings(order).incoming] == [993, 143, 995, 110]


def test_verified_before_unverified_and_encrypted_before_not() -> None:
    ways = outgoing(plain(587), spoilt(465, "cert-expired"), seen(2525))
    assert ways == [(HOST, 2525, "starttls", True), (HOST, 465, "tls", False), (HOST, 587, "none", False)]


def test_a_way_without_encryption_is_never_verified() -> None:
    assert all(not verified for *_, verified in outgoing(plain(25), plain(587)))


@pytest.mark.parametrize(
    "observation",
    [
        unreached(587, "refused"),
        plain(587, greeting_kind="busy"),
        plain(587, greeting_kind="refused"),
        plain(587, greeting_kind="silent"),
        plain(587, greeting_kind="foreign", spoke="ssh"),
        seen(443),
        seen(21),
        seen(4190),
        seen(587, role="control"),
    ],
)
def test_what_is_no_way(observation: Observation) -> None:
    assert settings([observation]) == Settings()


@pytest.mark.parametrize(
    "spoilt_one",
    [
        spoilt(587, "cert-expired"),
        spoilt(587, "cert-name-mismatch"),
        spoilt(587, "cert-self-signed"),
        spoilt(587, "tls-legacy-only"),
        spoilt(587, "tls-failed"),
    ],
)
def test_a_fault_is_not_verified(spoilt_one: Observation) -> None:
    assert all(not verified for *_, verified in outgoing(spoilt_one))


def test_both_families_make_one_setting_and_the_good_one_counts() -> None:
    assert outgoing(spoilt(587, "cert-expired", family=6), seen(587, family=4)) == [(HOST, 587, "starttls", True)]
    assert outgoing(seen(587, family=4), unreached(587, "no-answer", family=6)) == [(HOST, 587, "starttls", True)]


def test_a_port_with_an_interrupted_dialogue_is_not_offered_without_encryption() -> None:
    """It never said that it has none."""
    assert outgoing(broken_off(587)) == []


def test_a_dialogue_that_broke_off_inside_tls_is_not_verified() -> None:
    """The protocol has to answer there."""
    assert all(not verified for *_, verified in outgoing(seen(587, cut=True, capabilities=(), auth=())))


def test_a_receiving_host_is_no_way_to_send() -> None:
    relay = {"host": "mx.example.org", "source": "mx"}
    assert outgoing(seen(25, auth=(), **relay)) == []  # type: ignore[arg-type]
    assert outgoing(seen(25, **relay)) == [("mx.example.org", 25, "starttls", True)]  # type: ignore[arg-type]
    assert outgoing(seen(587, auth=(), **relay)) != []  # type: ignore[arg-type]


def test_a_port_without_sign_in_is_a_way_to_send_only_where_it_is_named() -> None:
    bare = seen(25, source="guess", auth=())
    assert outgoing(bare) == []
    assert len(outgoing(seen(25, source="guess"))) == len(outgoing(seen(25, source="typed", auth=()))) == 1


def test_of_hosts_that_serve_alike_the_one_with_the_better_name_stands_first() -> None:
    ways = outgoing(
        seen(587, host="mx.example.org", source="mx"),
        seen(587, host="mail.example.org", source="guess"),
        seen(587, host="smtp.example.org", source="guess"),
    )
    assert [host for host, *_ in ways] == ["smtp.example.org", "mail.example.org", "mx.example.org"]


@pytest.mark.parametrize(
    ("mechanisms", "needs"),
    [
        ((), ()),
        (("PLAIN", "LOGIN"), ("password",)),
        (("XOAUTH2", "PLAIN"), ("password", "oauth2")),
        (("OAUTHBEARER",), ("oauth2",)),
        (("GSSAPI", "EXTERNAL", "NTLM"), ("kerberos", "ntlm", "certificate")),
        (("X-SOMETHING",), ()),
    ],
)
def test_what_a_person_needs_to_sign_in(mechanisms: tuple[str, ...], needs: tuple[str, ...]) -> None:
    assert sign_in(mechanisms) == needs


def test_a_port_that_is_blocked_or_intercepted_is_never_first_while_another_works() -> None:
    ways = settings([seen(465), seen(587), seen(2525)], distrusted={465})
    assert [way.port for way in ways.outgoing] == [587, 2525, 465]
    assert [way.port for way in settings([seen(465), spoilt(587, "cert-expired")], distrusted={465}).outgoing] == [
        465,
        587,
    ]
    incoming = settings([seen(993), seen(995)], distrusted={993}).incoming
    assert [way.port for way in incoming] == [995, 993]


def test_what_improves() -> None:
    nothing, bad, good = settings([]), settings([plain(587)]), settings([seen(587)])
    incoming = settings([seen(587), seen(993)])
    assert improves(good, nothing)
    assert improves(good, bad)
    assert improves(incoming, good)
    assert not improves(bad, nothing)
    assert not improves(good, good)
    assert not improves(nothing, good)


WAYS = st.lists(
    st.one_of(
        st.sampled_from([seen(p) for p in (25, 465, 587, 2525, 993, 143, 995, 110)]),
        st.sampled_from([plain(p) for p in (25, 587, 143, 110)]),
        st.sampled_from([spoilt(p, "cert-expired") for p in (465, 587, 993)]),
        st.sampled_from([unreached(p, "refused") for p in (465, 587, 993)]),
    ),
    max_size=8,
)


@given(WAYS)
def test_the_order_of_every_list(observations: list[Observation]) -> None:
    for ways in (settings(observations).outgoing, settings(observations).incoming):
        ranks = [(not way.verified, way.security == "none") for way in ways]
        assert ranks == sorted(ranks)
        assert len({(way.host, way.port, way.security) for way in ways}) == len(ways)
        if any(way.verified and way.port not in (25, 2525) for way in ways if way.protocol == "smtp"):
            assert ways[0].port not in (25, 2525)


@given(WAYS, st.randoms())
def test_the_order_of_arrival_does_not_matter(observations: list[Observation], chance: object) -> None:
    shuffled = list(observations)
    chance.shuffle(shuffled)  # type: ignore[attr-defined]
    assert settings(shuffled) == settings(observations)
