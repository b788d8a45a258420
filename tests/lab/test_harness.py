"""The lab itself, without Poterne: what the other tests take for granted."""

import errno
import socket

import pytest

from .firewall import Action
from .topology import HOME_V4, HOME_V6, Host
from .world import World

_STARTTLS = {25: "smtp", 587: "smtp", 143: "imap", 110: "pop3", 4190: "sieve"}


@pytest.fixture(scope="module")
def host(world: World) -> Host:
    return world.real("harness")


def _connect(world: World, address: str, port: int, seconds: float = 1.5) -> str:
    """What the client's kernel says of one connection: "open", "open and silent", or errno's name."""
    with world.client.open_socket(address, socket.SOCK_STREAM) as sock:
        sock.settimeout(seconds)
        try:
            sock.connect((address, port))
        except TimeoutError:
            return "silence"
        except OSError as error:
            return errno.errorcode[error.errno or 0]
        try:
            return "open" if sock.recv(64) else "closed"
        except TimeoutError:
            return "open and silent"
        except OSError as error:
            return f"open, then {errno.errorcode[error.errno or 0]}"


@pytest.mark.parametrize("port", [25, 587, 465, 143, 993, 110, 995, 4190])
def test_real_servers_have_a_good_certificate(world: World, host: Host, port: int) -> None:
    starttls = ("-starttls", _STARTTLS[port]) if port in _STARTTLS else ()
    verify = ("-CAfile", str(world.pki.roots_file), "-verify_hostname", host.name, "-verify_return_error")
    argv = ("openssl", "s_client", "-connect", f"{host.name}:{port}", *verify, *starttls)
    assert "Verify return code: 0 (ok)" in world.client.run(*argv, text="QUIT\n")


@pytest.mark.parametrize(
    ("action", "v4", "v6"),
    [
        ("drop", "silence", "silence"),
        ("reset", "ECONNREFUSED", "ECONNREFUSED"),
        ("admin-prohibited", "EHOSTUNREACH", "EACCES"),
        ("port-unreachable", "ECONNREFUSED", "ECONNREFUSED"),
        ("host-unreachable", "EHOSTUNREACH", "EHOSTUNREACH"),
        ("no-route", "ENETUNREACH", "ENETUNREACH"),
    ],
)
def test_rules_do_what_they_say_and_leave_nothing(world: World, host: Host, action: Action, v4: str, v6: str) -> None:
    with world.at_isp.block(host, 25, action=action):
        assert [_connect(world, address, 25) for address in host.addresses] == [v4, v6]
        assert [_connect(world, address, 587) for address in host.addresses] == ["open", "open"]
    assert [_connect(world, address, 25) for address in host.addresses] == ["open", "open"]
    assert "dport" not in world.topology.isp.run("nft", "list", "ruleset")


def test_finer_rules(world: World, host: Host) -> None:
    assert host.v4
    with world.at_isp.drop_answers(host, 25):
        assert _connect(world, host.v4, 25) == "silence"
    with world.at_isp.drop_data(host, 25):
        assert _connect(world, host.v4, 25) == "open and silent"
    with world.at_isp.reset_established(host, 25):
        assert _connect(world, host.v4, 25) in ("open, then ECONNRESET", "ECONNRESET")
    with world.at_isp.lose_first_syn(host, 25):
        assert _connect(world, host.v4, 25, 0.5) == "silence"
        assert _connect(world, host.v4, 25) == "open"
    with world.at_home.count_packets(host) as counter:
        assert _connect(world, host.v4, 25) == "open"
        assert 3 <= counter.packets <= 8
    with world.at_home.count_strays("198.51.100.0/24", "2001:db8:51::/64") as strays:
        assert _connect(world, host.v4, 25) == "open"
        assert strays.packets == 0
        _connect(world, "192.0.2.1", 25, 0.2)
        assert strays.packets == 1


def test_name_server(world: World, host: Host) -> None:
    assert world.client.run("getent", "ahostsv4", host.name).split()[0] == host.v4
    assert world.client.run("getent", "ahostsv6", host.name).split()[0] == host.v6
    with pytest.raises(RuntimeError, match="status 2"):
        world.client.run("getent", "ahosts", "harness-nobody.test")


def test_client_has_no_privileges(world: World) -> None:
    process = world.client.popen(["grep", "-q", "^CapEff:.0*$", "/proc/self/status"], unprivileged=True)
    assert process.wait(10) == 0


def test_gateways_are_where_the_other_tests_look_for_them(world: World) -> None:
    assert HOME_V4 in world.client.run("ip", "route", "show", "default")
    assert HOME_V6 in world.client.run("ip", "-6", "route", "show", "default")
