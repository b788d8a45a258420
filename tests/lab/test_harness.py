"""The lab itself, without Poterne: what the other tests take for granted."""

import errno
import socket
import sys

import pytest

from .firewall import Action
from .operators import CANARY
from .pki import Authority
from .proxies import TlsProxy, stripper
from .topology import HIJACKER_V4, HOME_V4, HOME_V6, ISP_V4, ISP_V6, Host, Machine
from .world import World
from .zone import Zone

_STARTTLS = {25: "smtp", 587: "smtp", 143: "imap", 110: "pop3", 4190: "sieve"}


@pytest.fixture(scope="module")
def host(world: World) -> Host:
    return world.real("harness")


def _connect(world: World, address: str, port: int, seconds: float = 1.5, machine: Machine | None = None) -> str:
    """What a client's kernel says of one connection: "open", "open and silent", or errno's name."""
    client = machine.namespace if machine else world.client
    with client.open_socket(address, socket.SOCK_STREAM) as sock:
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
    assert f"{host.v4} tcp dport" not in world.topology.isp.run("nft", "list", "ruleset")


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


# ---- machines whose whole network ails


@pytest.fixture(scope="module")
def ailing(world: World) -> Machine:
    return world.machine()


def _states(world: World, machine: Machine, host: Host, port: int, seconds: float = 0.8) -> list[str]:
    return [_connect(world, address, port, seconds, machine) for address in host.addresses]


def test_operators_and_relay_answer(world: World, ailing: Machine) -> None:
    for operator in world.operators.values():
        for port in (25, 143):
            assert _states(world, ailing, operator.host, port) == ["open", "open"]
        argv = ("openssl", "s_client", "-CAfile", str(world.pki.roots_file), "-verify_hostname", operator.host.name)
        reply = ailing.namespace.run(*argv, "-connect", f"{operator.host.name}:465", text="QUIT\n")
        assert "Verify return code: 0 (ok)" in reply
        assert operator.host.name in reply
    assert _states(world, ailing, world.relay, 25) == ["open", "open"]


def test_nobody_answers_at_the_canary(world: World, ailing: Machine) -> None:
    assert {_connect(world, address, port, 0.3, ailing) for address in CANARY for port in (25, 465)} == {"silence"}


def test_rules_of_one_machine_leave_others_alone(world: World, ailing: Machine, host: Host) -> None:
    alpha, beta = (world.operators[f"mx.{name}.test"].host for name in ("alpha", "beta"))
    with world.at_isp.ail(ailing, 25, excepting=[beta]):
        assert _states(world, ailing, alpha, 25) == _states(world, ailing, host, 25) == ["silence", "silence"]
        assert _states(world, ailing, beta, 25) == _states(world, ailing, alpha, 587) == ["open", "open"]
        assert _states(world, ailing, world.relay, 25) == ["open", "open"]
        assert _connect(world, alpha.v4 or "", 25) == "open"
    with world.at_home.ail(ailing, to=[alpha], action="reset", family=6):
        assert _states(world, ailing, alpha, 25) == ["open", "ECONNREFUSED"]
    with world.at(ailing).ail(None, 25, action="admin-prohibited", chain="output"):
        # Linux passes over the first ICMPv6 error that it sends to itself: the second comes with the second SYN.
        assert _states(world, ailing, alpha, 25, 2.5) == ["EHOSTUNREACH", "EACCES"]
    with world.at_home.ail(ailing, 25, action="reset", chain="early"):
        assert _states(world, ailing, alpha, 25) == ["ECONNREFUSED", "ECONNREFUSED"]
    with world.at_isp.limit_syns(ailing, 25):
        seen = [_connect(world, alpha.v4 or "", 25, 0.2, ailing) for _ in range(8)]
        assert seen[:4] == ["open"] * 4
        assert "silence" in seen[4:]
    with world.at_isp.cut(ailing, 25):
        assert {state[-10:] for state in _states(world, ailing, alpha, 25)} == {"ECONNRESET"}
    with world.at_isp.gag(ailing, 25):
        assert _states(world, ailing, alpha, 25) == ["open and silent"] * 2


@pytest.mark.parametrize(("hops", "answer"), [(1, "EHOSTUNREACH"), (3, "EHOSTUNREACH"), (4, "open")])
def test_hops(world: World, ailing: Machine, hops: int, answer: str) -> None:
    """Home box, provider and backbone stand before the operators, and say so."""
    for address in world.operators["mx.alpha.test"].host.addresses:
        with ailing.namespace.open_socket(address, socket.SOCK_STREAM) as sock:
            sock.settimeout(1.5)
            if ":" in address:
                sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_UNICAST_HOPS, hops)
                sock.setsockopt(socket.IPPROTO_IPV6, 25, 1)
            else:
                sock.setsockopt(socket.IPPROTO_IP, socket.IP_TTL, hops)
                sock.setsockopt(socket.IPPROTO_IP, 11, 1)
            code = sock.connect_ex((address, 25))
            assert (errno.errorcode[code] if code else "open") == answer


def test_diversions(world: World, ailing: Machine) -> None:
    alpha = world.operators["mx.alpha.test"].host
    world.in_router(7025, stripper(world.topology.isp))
    corporate = Authority.make("Corporate", None)
    world.in_router(7465, TlsProxy(world.topology.isp, world.pki, corporate))
    script = (
        "import smtplib, sys\n"
        "client = smtplib.SMTP(sys.argv[1], 25, timeout=5)\n"
        "client.ehlo('x.test')\n"
        "print(client.has_extn('STARTTLS'), client.docmd('STARTTLS')[0])\n"
    )

    def ask(address: str) -> str:
        return ailing.namespace.run(sys.executable, "-c", script, address).strip()

    router = [ISP_V4, ISP_V6]
    with world.at_isp.divert(ailing, 25, to=router, port=7025, excepting=CANARY):
        assert {ask(address) for address in alpha.addresses} == {"False 502"}
        assert _connect(world, CANARY[0], 25, 0.3, ailing) == "silence"
    assert {ask(address) for address in alpha.addresses} == {"True 220"}
    with world.at_isp.divert(ailing, 465, to=router, port=7465):
        argv = ("openssl", "s_client", "-connect", f"{alpha.name}:465", "-servername", alpha.name)
        reply = ailing.namespace.run(*argv, text="QUIT\n")
        assert "CN = Corporate" in reply
        assert f"CN = {alpha.name}" in reply
    with world.at(ailing).divert(None, 25, to=[alpha.v4 or ""], port=143, chain="divert_own"):
        assert _connect(world, CANARY[0], 25, 1.5, ailing) == "open"


def test_a_resolver_that_leads_astray(world: World) -> None:
    zone = Zone(world.zone, [world.relay.v4 or ""])
    zone.serve(world.topology.other, HIJACKER_V4)
    try:
        machine = world.machine(resolver=HIJACKER_V4)
        assert machine.namespace.run("getent", "ahostsv4", "no-such.name.test").split()[0] == world.relay.v4
        assert machine.namespace.run("getent", "ahostsv4", "mx.beta.test").split()[0] != world.relay.v4
    finally:
        zone.close()


def test_a_machine_without_a_gateway(world: World) -> None:
    machine = world.machine(gateway=False)
    assert _connect(world, world.relay.v4 or "", 25, 5, machine) == "EHOSTUNREACH"
