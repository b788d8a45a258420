"""Flags, refusals and the policy, seen from the network: what is not asked for is not sent."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from .runs import Run
from .topology import Host
from .world import World


@pytest.fixture(scope="module")
def host(world: World) -> Host:
    return world.real("options")


@pytest.fixture
def quiet(world: World, host: Host) -> Iterator[None]:
    """Nothing at all may reach the host."""
    with world.at_home.count_packets(host) as counter:
        yield
        assert counter.packets == 0


@pytest.mark.parametrize(("flag", "ports"), [("25,587", {25, 587}), ("465", {465})])
def test_only_these_ports(world: World, host: Host, flag: str, ports: set[int]) -> None:
    with world.at_home.count_packets(host) as counter:
        run = world.check(host.name, "--ports", flag)
        assert counter.packets > 0
    assert run.status == 0
    assert {seen["port"] for seen in run.observations} == ports
    assert run.codes == {"ok"}
    assert run.settings("incoming") == []


def test_one_family_and_one_port(world: World, host: Host) -> None:
    run = world.check(host.name, "--ports", "993", "--family", "6")
    assert [(seen["port"], seen["family"], seen["address"]) for seen in run.observations] == [(993, 6, host.v6)]


@pytest.mark.parametrize(
    "target",
    ["", "user@", "--", "two words.test", "ftp://options.real.test", "options.real.test:0", "options.real.test:70000",
     "options.real.test:smtp", "options.real.test:587/path", "a..b", "-x.test", "user:pw@options.real.test:25"],
)  # fmt: skip
@pytest.mark.usefixtures("quiet")
def test_unusable_input_is_refused(world: World, target: str) -> None:
    run = world.check(target)
    assert run.status == 2
    assert run.events == []


@pytest.mark.parametrize("flags", [("--ports", "0"), ("--ports", "smtp"), ("--family", "5"), ("--budget", "-1")])
@pytest.mark.usefixtures("quiet")
def test_unusable_flags_are_refused(world: World, host: Host, flags: tuple[str, str]) -> None:
    assert world.check(host.name, *flags).status == 2


@pytest.mark.parametrize("form", ["name", "v4", "v6"])
@pytest.mark.usefixtures("quiet")
def test_a_denied_network_is_never_dialled(world: World, host: Host, form: str) -> None:
    denied = '[allow]\ndeny_networks = ["198.51.100.0/24", "2001:db8:51::/64"]\n'
    target = {"name": host.name, "v4": f"{host.v4}:25", "v6": f"[{host.v6}]:25"}[form]
    run = world.check(target, policy=world.write_policy("denied.toml", denied))
    assert run.status == 3
    assert not [event for event in run.events if event["type"] == "observation"]


@pytest.mark.usefixtures("quiet")
def test_a_denied_port_is_never_dialled(world: World, host: Host) -> None:
    policy = world.write_policy("ports.toml", "[allow]\nports = [465, 587]\n")
    assert world.check(f"{host.name}:25", policy=policy).status == 3


@pytest.mark.usefixtures("quiet")
def test_a_broken_policy_allows_nothing(world: World, host: Host) -> None:
    policy = world.write_policy("broken.toml", "[allow]\nprots = [465]\n")
    run = world.check(host.name, policy=policy)
    assert run.status == 3
    assert run.events == []


@pytest.mark.usefixtures("quiet")
def test_a_missing_policy_allows_nothing(world: World, host: Host) -> None:
    assert world.check(host.name, policy=Path("/nowhere/policy.toml")).status == 3


def test_no_trace_is_a_flag(world: World, host: Host) -> None:
    run = world.check(f"{host.name}:465", "--no-trace")
    assert run.status == 0
    assert run.report["options"]["trace"] is False


def test_a_budget_is_kept(world: World, host: Host) -> None:
    with world.at_isp.block(host):
        run: Run = world.check(host.name, "--budget", "2")
    assert run.status == 1
    assert run.report["elapsed_ms"] < 3000
    assert set(run.states().values()) == {"no-answer"}
