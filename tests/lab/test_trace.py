"""Where on the way connections stop: traces without privileges, against rules at every station."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any, get_args

import pytest

from poterne.report import Family

from .firewall import Action, Chain
from .netns import Namespace
from .runs import HOST_SOURCES
from .topology import CLIENT_V4, CLIENT_V6, HOME_V4, HOME_V6, ISP_V4, ISP_V6, Host
from .world import World

FAMILIES: tuple[Family, ...] = get_args(Family)
BOX = {4: HOME_V4, 6: HOME_V6}
PROVIDER = {4: ISP_V4, 6: ISP_V6}
_TRACER = Path(__file__).with_name("tracer.py")
_LIMIT_SECONDS = 60

Hops = list[tuple[int, str, str | None]]

# What is set where, and what the failing path then looks like: t for a router, s for silence, r for a reset, p for an
# ICMP error; 0 stands for the reset that this machine itself gives.
PLACES: dict[str, tuple[str, Chain, Action, dict[int, str]]] = {
    "client drops": ("client", "output", "drop", {4: "sss", 6: "sss"}),
    "box drops": ("home", "forward", "drop", {4: "tss", 6: "tss"}),
    "provider drops": ("isp", "forward", "drop", {4: "tts", 6: "tts"}),
    "server drops": ("farm", "input", "drop", {4: "tts", 6: "tts"}),
    "client resets": ("client", "output", "reset", {4: "0r", 6: "r"}),
    "box resets": ("home", "forward", "reset", {4: "tr", 6: "tr"}),
    "provider resets": ("isp", "forward", "reset", {4: "ttr", 6: "ttr"}),
    "server resets": ("farm", "input", "reset", {4: "ttr", 6: "ttr"}),
    "box forbids": ("home", "forward", "admin-prohibited", {4: "tp", 6: "tp"}),
    "client forbids": ("client", "output", "admin-prohibited", {4: "p", 6: "p"}),
}


def _trace(namespace: Namespace, host: Host, *, alone: bool = False) -> dict[str, Any]:
    base = {key: value for key, value in os.environ.items() if not key.startswith("PYTHON")}
    process = namespace.popen(
        [sys.executable, str(_TRACER), "alone" if alone else "both", *host.addresses],
        unprivileged=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**base, "PYTHONPATH": str(HOST_SOURCES)},
    )
    try:
        output, complaints = process.communicate(timeout=_LIMIT_SECONDS)
    finally:
        process.kill()
    assert complaints == b""
    found: dict[str, Any] = json.loads(output)
    return found


def _paths(found: dict[str, Any], host: Host, family: int) -> tuple[Hops, Hops]:
    paths = found["traces"][host.v4 if family == 4 else host.v6]["paths"]
    failing, working = ([(hop["hop"], hop["answer"], hop["address"]) for hop in path] for path in paths)
    return failing, working


def _shown(hops: Hops) -> str:
    return "".join("0" if number == 0 else answer[0] for number, answer, _ in hops)


@pytest.fixture(scope="module")
def host(world: World) -> Host:
    return world.real("traced")


@pytest.fixture(scope="module", params=PLACES)
def place(request: pytest.FixtureRequest, world: World, host: Host) -> tuple[str, dict[str, Any]]:
    where, chain, action, _ = PLACES[request.param]
    firewalls = {"client": world.at_client, "home": world.at_home, "isp": world.at_isp, "farm": world.at_farm}
    with firewalls[where].block(host, 25, action=action, chain=chain):
        found = _trace(world.client, host)
    return request.param, found


@pytest.mark.parametrize("family", FAMILIES)
def test_the_failing_path_stops_where_the_rule_is(
    place: tuple[str, dict[str, Any]], host: Host, family: Family
) -> None:
    name, found = place
    failing, working = _paths(found, host, family)
    assert _shown(failing) == PLACES[name][3][family]
    assert working == [
        (1, "time-exceeded", BOX[family]),
        (2, "time-exceeded", PROVIDER[family]),
        (3, "open", host.v4 if family == 4 else host.v6),
    ]
    routers = {1: BOX[family], 2: PROVIDER[family]}
    assert all(address == routers[number] for number, answer, address in failing if answer == "time-exceeded")
    senders = {"box forbids": BOX[family], "client forbids": CLIENT_V4 if family == 4 else CLIENT_V6}
    assert [address for _, answer, address in failing if answer == "prohibited"] == (
        [senders[name]] if name in senders else []
    )


@pytest.mark.parametrize("family", FAMILIES)
def test_without_a_rule_both_ports_open_at_the_server(world: World, host: Host, family: Family) -> None:
    found = _trace(world.client, host)
    failing, working = _paths(found, host, family)
    assert failing == working
    assert _shown(failing) == "tto"


def test_without_a_working_port_the_path_ends_soon(world: World, host: Host) -> None:
    with world.at_isp.block(host, 25):
        found = _trace(world.client, host, alone=True)
    for family in FAMILIES:
        failing, working = _paths(found, host, family)
        assert _shown(failing) == "ttssss"
        assert working == []


def test_few_packets_reach_the_server(world: World, host: Host) -> None:
    """A handshake on 587 takes about six packets to the server; a crowd would show."""
    with world.at_isp.block(host, 25), world.at_farm.count_packets(host, chain="input") as counter:
        _trace(world.client, host)
        assert 2 <= counter.packets <= 40


@pytest.fixture
def limited(world: World) -> Iterator[None]:
    """The box, and the provider's router behind it, answer as Linux does by default, six times and then seldom: once in
    ten seconds instead of one, so that nothing hangs on how fast the machine is.
    """
    keys = ("ipv4/icmp_ratelimit", "ipv6/icmp/ratelimit")
    with ExitStack() as stack:
        for router in (world.topology.home, world.topology.isp):
            for key in keys:
                path = f"/proc/sys/net/{key}"
                before = router.run("cat", path).strip()
                stack.callback(router.run, "sh", "-c", f"echo {before} >{path}")
                router.run("sh", "-c", f"echo 10000 >{path}")
        yield


def test_a_box_that_answers_seldom_is_not_taken_for_silence(world: World, host: Host, limited: None) -> None:
    """The sixth answer goes to the working port: the failing one gets none, and nothing drops it there."""
    withheld = 0
    with world.at_isp.block(host, 25):
        _trace(world.client, host, alone=True)
        for _ in range(4):
            found = _trace(world.client, host)
            for family in FAMILIES:
                failing, working = _paths(found, host, family)
                if failing[0][1] == "silent":
                    withheld += 1
                    assert working[0][1] == "silent"
    assert withheld, "the box was to withhold an answer"


def test_a_network_keeps_its_name_with_another_address_of_ours(world: World, host: Host) -> None:
    """As another lease of DHCP, or another temporary address (RFC 8981), makes it."""
    before = _trace(world.client, host)
    assert before["name"] is not None
    link = world.client.run("ip", "-o", "-4", "route", "get", HOME_V4).split(" dev ")[1].split()[0]
    others = {4: ("10.77.0.99", 24, HOME_V4, "default"), 6: ("fd77::99", 64, HOME_V6, "::/0")}
    for address, size, gateway, everything in others.values():
        world.client.ip(f"addr add {address}/{size} dev {link}" + (" nodad" if ":" in address else ""))
        world.client.ip(f"route replace {everything} via {gateway} src {address}")
    try:
        after = _trace(world.client, host)
    finally:
        for address, size, gateway, everything in others.values():
            world.client.ip(f"route replace {everything} via {gateway}", f"addr del {address}/{size} dev {link}")
    assert after["name"] == before["name"]
    assert after["key"] not in (None, before["key"])
    assert _trace(world.client, host)["key"] == before["key"]


def test_this_machine_is_known_without_privileges(world: World, host: Host) -> None:
    found = _trace(world.client, host)
    seen = found["machine"]
    assert {CLIENT_V4, CLIENT_V6} <= set(seen["addresses"])
    assert set(seen["gateways"]) == {HOME_V4, HOME_V6}
    assert set(seen["networks"]) == {"10.77.0.0/24", "fd77::/64"}
    assert found["key"] is not None
    again = _trace(world.client, host)
    assert again["key"] == found["key"]
    elsewhere = _trace(world.topology.client_v4_only, host)
    assert elsewhere["key"] not in (None, found["key"])
    assert elsewhere["name"] not in (None, found["name"])
    offline = _trace(world.topology.client_offline, host)
    assert offline["key"] is None
    assert offline["name"] is None
    assert offline["machine"]["gateways"] == []
    assert {trace["paths"] for trace in offline["traces"].values()} == {None}
