"""One family of two: present alone, broken alone, asked for alone, or not had at all by this machine."""

from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import ExitStack

import pytest

from .runs import Run
from .world import World

Runs = dict[str, "Future[Run]"]


@pytest.fixture(scope="module")
def runs(world: World) -> Iterator[Runs]:
    only4, only6 = world.real("only4", v6=False), world.real("only6", v4=False)
    refused6, silent6, both = (world.real(label) for label in ("refused6", "silent6", "both"))
    private = world.host("inside.real.test", "private")
    with ExitStack() as rules:
        rules.enter_context(world.at_farm.block(refused6, action="reset", chain="input", family=6))
        rules.enter_context(world.at_isp.block(silent6, family=6))
        yield {
            "only4": world.start(only4.name),
            "only6": world.start(only6.name),
            "only6 endpoint": world.start(f"{only6.name}:587"),
            "refused6": world.start(refused6.name),
            "silent6": world.start(silent6.name),
            "asked6": world.start(both.name, "--family", "6"),
            "asked4": world.start(both.name, "--family", "4"),
            "asked4 of only6": world.start(only6.name, "--family", "4"),
            "v4 machine": world.start(both.name, namespace=world.topology.client_v4_only),
            "offline": world.start(both.name, namespace=world.topology.client_offline),
            "private": world.start(private.name),
        }


@pytest.mark.parametrize(
    ("name", "families"),
    [
        ("only4", {4}),
        ("only6", {6}),
        ("asked4", {4}),
        ("asked6", {6}),
        ("v4 machine", {4}),
        ("private", {4, 6}),
    ],
)
def test_one_family_is_enough(runs: Runs, name: str, families: set[int]) -> None:
    run = runs[name].result()
    assert run.status == 0
    assert run.telling_codes == {"ok"}
    assert {seen["family"] for seen in run.observations} == families
    host = run.report["target"]["host"]
    assert run.settings("outgoing")[:2] == [(host, 465, "tls"), (host, 587, "starttls")]
    assert run.settings("incoming")[0] == (host, 993, "tls")


def test_an_endpoint_over_ipv6_only(runs: Runs) -> None:
    run = runs["only6 endpoint"].result()
    assert run.status == 0
    assert run.verdict == "ok"
    assert run.observation(587, 6)["security"] == "starttls"


def test_ipv6_refused_by_the_server(runs: Runs) -> None:
    run = runs["refused6"].result()
    assert run.status == 0
    assert run.verdict == "ok"
    assert set(run.states(4).values()) >= {"open"}
    assert set(run.states(6).values()) == {"refused"}
    assert "unproven" not in run.codes
    of_family_6 = [finding for finding in run.report["findings"] if finding["family"] == 6]
    assert {finding["code"] for finding in of_family_6} == {"port-closed"}
    assert {465, 587, 993} <= {port for finding in of_family_6 for port in finding["params"]["ports"]}


def test_ipv6_silent(runs: Runs) -> None:
    run = runs["silent6"].result()
    assert run.status == 0
    assert run.verdict == "ok"
    assert set(run.states(6).values()) == {"no-answer"}
    assert run.telling_codes == {"ok", "unproven"}
    assert {finding["family"] for finding in run.findings("unproven")} == {6}


def test_a_family_that_the_server_does_not_have(runs: Runs) -> None:
    run = runs["asked4 of only6"].result()
    assert run.status == 1
    assert run.observations == []
    assert run.verdict == "dns-nodata"


def test_no_network_at_all(runs: Runs) -> None:
    run = runs["offline"].result()
    assert run.status == 3
    assert run.verdict == "offline"
    assert run.report["online"] is False
    assert run.settings("outgoing") == []
