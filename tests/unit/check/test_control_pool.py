import random
from typing import Any

import pytest

from poterne.check import control_pool as controls
from poterne.errors import InvalidRequest
from poterne.knowledge import ports
from poterne.knowledge.controls import DefaultControl, table
from poterne.policy import Controls as Table
from poterne.policy import Policy
from poterne.report import Options
from poterne.target.parser import host_name

ROWS = table().control
SEEDS = range(40)


def pool(seed: int = 1, **drawing: Any) -> controls.Pool:
    return controls.draw(Policy(), chooser=random.Random(seed), **drawing)  # noqa: S311 (chance, not secrecy)


def by_policy(*hosts: str) -> Policy:
    return Policy(controls=Table(hosts=hosts))


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.host)
def test_each_default_has_its_documentation_and_more_than_one_port(row: DefaultControl) -> None:
    assert host_name(row.host) == row.host
    assert len(set(row.ports)) == len(row.ports) >= 2
    assert all(ports.facts(port) is not None for port in row.ports)
    assert len(row.source) > 8
    if 25 in row.ports:
        assert {465, 587} & set(row.ports)


def test_no_default_stands_twice() -> None:
    assert len({row.host for row in ROWS}) == len(ROWS)


@pytest.mark.parametrize("port", [25, 465, 587, 2525, 143, 993, 110, 995])
def test_every_mail_port_has_three_independent_defaults(port: int) -> None:
    assert len({row.network for row in ROWS if port in row.ports}) >= 3
    for seed in SEEDS:
        asked = pool(seed).vouching(port)
        assert len(asked) == 3
        assert len({control.network for control in asked}) == 3
        assert all(control.vouches(port) for control in asked)


def test_three_that_send_are_drawn_of_different_networks_and_two_may_replace_them() -> None:
    for seed in SEEDS:
        drawn = pool(seed)
        everybody = [*drawn.drawn, *drawn.spares]
        assert (len(drawn.drawn), len(drawn.spares)) == (3, 2)
        assert len({control.network for control in everybody}) == 5
        assert all(control.sends and control.source == "default" for control in everybody)
        assert [drawn.spare(), drawn.spare()] == everybody[3:]
        assert drawn.spare() is None


def test_the_draw_is_by_chance() -> None:
    assert len({pool(seed).drawn for seed in SEEDS}) > 10
    assert len(controls.draw(Policy()).drawn) == 3


def test_those_that_are_asked_already_come_first() -> None:
    for seed in SEEDS:
        drawn = pool(seed)
        known = [control for control in drawn.drawn if control.vouches(465)]
        assert list(drawn.vouching(465))[: len(known)] == known
        assert drawn.vouching(25) == drawn.drawn
        assert drawn.vouching(993) == drawn.vouching(993)


def test_what_is_tested_itself_and_its_neighbours_are_no_controls() -> None:
    tested = ("smtp.mailgun.org", "mail.sendgrid.net")
    for seed in SEEDS:
        drawn = pool(seed, without=tested)
        everybody = {control.host for control in (*drawn.drawn, *drawn.spares, *drawn.others)}
        assert not everybody & {"smtp.mailgun.org", "smtp.sendgrid.net"}
        assert "in-v3.mailjet.com" in everybody


def test_the_policys_hosts_come_all_and_in_their_order() -> None:
    hosts = ("mx.delta.example", "mx.alpha.example", "mx.beta.example", "mx.gamma.example")
    drawn = controls.draw(by_policy(*hosts, hosts[0]))
    assert tuple(control.host for control in drawn.drawn) == hosts
    assert all(control.source == "policy" for control in drawn.drawn)
    assert drawn.spare() is None
    for port in (25, 465, 993, 4190, 12345):
        assert drawn.vouching(port) == drawn.drawn
    left = controls.draw(by_policy(*hosts), without=["mx.alpha.example"])
    assert tuple(control.host for control in left.drawn) == (hosts[0], *hosts[2:])


def test_an_empty_list_of_the_policy_is_nobody() -> None:
    nobody = controls.draw(by_policy())
    assert nobody.drawn == nobody.vouching(25) == nobody.vouching(993) == ()
    assert nobody.spare() is None


def test_ports_on_which_a_control_shows_that_it_lives() -> None:
    trusted = controls.Control("a.example", "policy")
    assert trusted.life_ports(25) == (587, 465)
    assert trusted.life_ports(587) == (465,)
    sending = controls.Control("a.example", "default", "A", frozenset({25, 587}))
    assert sending.life_ports(25) == (587,)
    receiving = controls.Control("a.example", "default", "A", frozenset({143, 993, 995}))
    assert receiving.life_ports(993) == (995, 143)
    for row in ROWS:
        control = controls.Control(row.host, "default", row.network, frozenset(row.ports))
        for port in row.ports:
            assert control.life_ports(port) or set(row.ports) - {port} == {25}


def test_canaries() -> None:
    assert controls.canary(Policy()) == ("192.0.2.1", "2001:db8::1")
    assert controls.canary(Policy(controls=Table(canary=("198.51.100.9",)))) == ("198.51.100.9",)
    assert controls.canary(Policy(controls=Table(canary=()))) == ()


def test_the_users_relay_comes_before_the_policys() -> None:
    rules = Policy(controls=Table(relay="smtp.isp.example"))
    assert controls.relay(rules, Options(relay=" SMTP.Mine.example. ")) == ("smtp.mine.example", "option")
    assert controls.relay(rules, Options()) == ("smtp.isp.example", "policy")
    assert controls.relay(Policy(), Options())[0] is None
    for text in ("", "a b", "smtp.isp.example:25", "smtp://isp.example"):
        with pytest.raises(InvalidRequest, match="relay"):
            controls.relay(rules, Options(relay=text))
