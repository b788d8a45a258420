"""Servers of other operators: who is one, whom they speak for, and how many operators are behind them."""

import pytest
from tests.unit.core_observations import HOST, World, evidence, seen, server

from poterne.diagnosis.controls import Controls
from poterne.diagnosis.operators import independent, known_ports, loopback, serves, vouches

# ---- the controls


def test_whoever_has_to_do_with_the_target_is_no_control() -> None:
    named = World.control(HOST, 25, address="198.51.100.9")
    at_our_address = World.control("mx.alpha.example", 25, address="192.0.2.7")
    other = World.control("mx.beta.example", 25)
    assert Controls(evidence(server(), seen(25), named, at_our_address, other)).seen == (other,)
    assert Controls(evidence(server(), named)).seen == ()
    local = at_our_address.model_copy(update={"address": "127.0.0.1"})
    assert Controls(evidence(server(), seen(25, address="127.0.0.1"), local)).seen == (local,)


def test_a_minute_old_answer_clears_and_shows_no_life() -> None:
    control = World.control("mx.alpha.example", 587, cached=True)
    controls = Controls(evidence(server(), control))
    assert controls.answering(4, 587) == [control]
    assert controls.living == []
    assert not controls.live("mx.alpha.example", 4, 25)


def test_a_control_vouches_for_what_it_is_known_to_serve_while_it_lives() -> None:
    default = [World.control("smtp.office365.com", port, source="default") for port in (25, 465, 587)]
    controls = Controls(evidence(server(), *default))
    assert controls.vouching(4, 25) == [default[0]]
    assert controls.vouching(4, 465) == []
    assert Controls(evidence(server(), default[0])).vouching(4, 25) == []
    assert controls.on(6, 25) == []


# ---- operators


def test_which_ports_a_control_is_known_to_serve() -> None:
    policy = World.control("mx.alpha.example", 25)
    assert vouches(policy, 993)
    assert [serves(policy, port) for port in (25, 465, 587, 993)] == [True, True, True, False]
    default = World.control("imap.gmx.net", 993, source="default")
    assert [vouches(default, port) for port in (143, 25)] == [True, False]
    assert [serves(default, port) for port in (143, 25)] == [True, False]
    assert not vouches(World.control("mx.alpha.example", 25, source="default"), 25)
    assert known_ports("imap.gmx.net") == {143, 993}
    assert known_ports("mx.alpha.example") == frozenset()


def count(*places: tuple[str, str], source: str = "policy") -> int:
    return independent(World.control(host, 25, address=address, source=source) for host, address in places)


def test_how_many_operators_are_behind_observations() -> None:
    assert count() == 0
    assert count(("a.example", "198.51.100.1"), ("b.test", "203.0.113.1")) == 2
    assert count(("a.example", "198.51.100.1"), ("b.test", "198.51.100.1")) == 1
    assert count(("a.example", "127.0.0.1"), ("b.test", "127.0.0.1")) == 2
    assert count(("a.example", "198.51.100.1"), ("a.example", "203.0.113.1")) == 1
    networks = (("smtp.resend.com", "198.51.100.1"), ("email-smtp.eu-west-1.amazonaws.com", "203.0.113.1"))
    assert count(*networks, source="default") == 1
    assert count(*networks) == 2


def test_who_has_a_common_address_with_either_of_two_joins_them() -> None:
    places = (
        ("a.test", "198.51.100.1"),
        ("b.test", "198.51.100.1"),
        ("b.test", "203.0.113.1"),
        ("c.test", "203.0.113.1"),
    )
    assert count(*places) == 1


@pytest.mark.parametrize(
    ("one", "other", "operators"),
    [
        ("198.51.100.1", "198.51.100.254", 1),
        ("198.51.100.1", "198.51.101.1", 2),
        ("2001:db8:1::1", "2001:db8:1:ffff::1", 1),
        ("2001:db8:1::1", "2001:db8:2::1", 2),
        ("fe80::1%eth0", "fe80::2%eth0", 1),
        ("127.0.0.1", "127.0.0.2", 2),
    ],
)
def test_two_names_of_one_domain_in_one_network_are_one_operator(one: str, other: str, operators: int) -> None:
    assert count(("mx1.alpha.example", one), ("mx2.alpha.example", other)) == operators
    assert count(("mx1.alpha.example", one), ("mx1.beta.example", other)) == 2
    assert count(("mx1.alpha.example", one), ("mx2.alpha.example", other), source="default") == 2


def test_addresses_and_single_labels_have_no_domain() -> None:
    assert count(("198.51.100.1", "198.51.100.1"), ("198.52.100.1", "198.52.100.1")) == 2
    assert count(("alpha", "198.51.100.1"), ("beta", "198.51.100.2")) == 2


def test_loopback_says_nothing_of_who_is_there() -> None:
    assert [loopback(address) for address in ("127.0.0.1", "127.9.9.9", "::1", "192.0.2.7", "::11", "12.7.0.1")] == [
        True,
        True,
        True,
        False,
        False,
        False,
    ]
