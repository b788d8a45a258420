"""The network of the lab: machines, their home box, the provider, and the places where servers stand.

    client ─┐
    m1 ─────┼─ home ── isp ┬── farm        Postfix and Dovecot
    m2 ─────┘              ├── other       everything else, the name servers included
                           └── backbone ── abroad    the operators that targets are compared with

Each link has an IPv4 and an IPv6 network. Hosts are addresses of a place: a new one costs an address, not a namespace.
Machines `m1`, `m2`, … are made for checks whose network ails as a whole: rules on the way name them as the source. What
the backbone does not know, it swallows without a word, as the internet does.
"""

import atexit
import itertools
import os
import threading
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from . import netns
from .netns import Namespace

Place = Literal["farm", "other", "private", "provider", "abroad"]

CLIENT_V4, CLIENT_V6 = "10.77.0.2", "fd77::2"
HOME_V4, HOME_V6 = "10.77.0.1", "fd77::1"
ISP_V4, ISP_V6 = "192.0.2.130", "2001:db8:f:1::2"
BACKBONE_V4, BACKBONE_V6 = "192.0.2.134", "2001:db8:f:2::2"
RESOLVER_V4, RESOLVER_V6 = "203.0.113.53", "2001:db8:113::53"
HIJACKER_V4, FAILING_V4 = "203.0.113.54", "203.0.113.55"

_FIRST_HOST = 60
_PLACES = {
    "farm": ("198.51.100", "2001:db8:51:"),
    "other": ("203.0.113", "2001:db8:113:"),
    "private": ("10.78.0", "fd78:"),
    "provider": ("192.0.2", "2001:db8:f:25:"),
    "abroad": ("192.0.2", "2001:db8:a00:"),
}
# Where the numbers of a place's hosts begin.
_FIRST = {"provider": 161, "abroad": 33}
_SYSCTLS = {
    "net/ipv6/conf/all/accept_dad": "0",
    "net/ipv6/conf/default/accept_dad": "0",
    "net/ipv6/conf/all/accept_ra": "0",
    "net/ipv6/conf/default/accept_ra": "0",
    # By default at most one ICMP error a second goes to one address: checks that run side by side would miss theirs.
    "net/ipv4/icmp_ratelimit": "0",
    "net/ipv6/icmp/ratelimit": "0",
    "net/ipv4/icmp_msgs_per_sec": "100000",
    "net/ipv4/icmp_msgs_burst": "10000",
}
_MACHINES_V6 = "2001:db8:77::/48"
_FORWARDING = {"net/ipv4/ip_forward": "1", "net/ipv6/conf/all/forwarding": "1"}


@dataclass(frozen=True)
class Host:
    """A name and the addresses that stand behind it."""

    name: str
    place: Place
    v4: str | None
    v6: str | None

    @property
    def addresses(self) -> tuple[str, ...]:
        return tuple(address for address in (self.v4, self.v6) if address)


@dataclass(frozen=True)
class Machine:
    """A client with a network of its own behind the home box."""

    namespace: Namespace
    v4: str | None
    v6: str | None
    gateway_v4: str
    gateway_v6: str

    @property
    def addresses(self) -> tuple[str, ...]:
        return tuple(address for address in (self.v4, self.v6) if address)


def _routes(gateway: str, *networks: str) -> list[str]:
    return [f"route add {network} via {gateway}" for network in networks]


def _addition(address: str, device: str) -> str:
    """The `ip` command for an address. Without duplicate address detection it can be used at once."""
    size = "" if "/" in address else "/64" if ":" in address else "/24"
    return f"addr add {address}{size} dev {device}" + (" nodad" if ":" in address else "")


class Topology:
    """All namespaces of one run; `close` removes every trace, and runs at exit if nobody called it."""

    def __init__(self) -> None:
        self._prefix = f"{netns.PREFIX}-{os.getpid()}"
        self._etc: list[Path] = []
        self._numbers: dict[str, Iterator[int]] = {
            place: itertools.count(_FIRST.get(place, _FIRST_HOST)) for place in _PLACES
        }
        self._machine_numbers = itertools.count(11)
        self._lock = threading.Lock()
        self.client = self._namespace("client")
        self.client_v4_only = self._namespace("client4")
        self.client_offline = self._namespace("offline")
        self.home = self._namespace("home")
        self.isp = self._namespace("isp")
        self.farm = self._namespace("farm")
        self.other = self._namespace("other")
        self.backbone = self._namespace("backbone")
        self.abroad = self._namespace("abroad")
        self.machines = [self.client, self.client_v4_only, self.client_offline]
        self._all = [
            *self.machines, self.home, self.isp, self.farm, self.other, self.backbone, self.abroad,
        ]  # fmt: skip
        atexit.register(self.close)
        try:
            self._build()
        except BaseException:
            self.close()
            raise

    def _namespace(self, role: str) -> Namespace:
        return Namespace(f"{self._prefix}-{role}")

    def _build(self) -> None:
        netns.sweep()
        for namespace in self._all:
            self._make(namespace, router=namespace in (self.home, self.isp, self.backbone))
        self._link(self.client, f"{CLIENT_V4} {CLIENT_V6}", self.home, f"{HOME_V4} {HOME_V6}")
        self._link(self.client_v4_only, "10.77.2.2", self.home, "10.77.2.1")
        self._link(self.home, "192.0.2.129/30 2001:db8:f:1::1", self.isp, f"{ISP_V4}/30 {ISP_V6}")
        self._link(self.isp, "192.0.2.133/30 2001:db8:f:2::1", self.backbone, f"{BACKBONE_V4}/30 {BACKBONE_V6}")
        self._link(self.isp, "198.51.100.1 2001:db8:51::1", self.farm, "198.51.100.2 2001:db8:51::2")
        self._link(self.isp, "203.0.113.1 2001:db8:113::1", self.other, "203.0.113.2 2001:db8:113::2")
        self._link(self.backbone, "192.0.2.137/30 2001:db8:f:3::1", self.abroad, "192.0.2.138/30 2001:db8:f:3::2")
        self.client.ip("route add default via 10.77.0.1", "route add ::/0 via fd77::1")
        self.client_v4_only.ip("route add default via 10.77.2.1")
        self.home.ip(f"route add default via {ISP_V4}", f"route add ::/0 via {ISP_V6}")
        self.isp.ip(
            *_routes("192.0.2.129", "10.77.0.0/16"),
            *_routes("2001:db8:f:1::1", "fd77::/48", _MACHINES_V6),
            *_routes(BACKBONE_V4, "default"),
            *_routes(BACKBONE_V6, "::/0"),
            _addition("10.78.0.1", "farm"),
            _addition("fd78::1", "farm"),
        )
        self.backbone.ip(
            *_routes("192.0.2.133", "10.77.0.0/16", "192.0.2.128/25", "198.51.100.0/24", "203.0.113.0/24"),
            *_routes("2001:db8:f:2::1", "fd77::/48", _MACHINES_V6, "2001:db8:f::/48"),
            *_routes("2001:db8:f:2::1", "2001:db8:51::/64", "2001:db8:113::/64"),
            *_routes("192.0.2.138", "192.0.2.32/27", "192.0.2.64/26"),
            *_routes("2001:db8:f:3::2", "2001:db8:a00::/64"),
            "route add blackhole default",
            "route add blackhole ::/0",
        )
        self.farm.ip("route add default via 198.51.100.1", "route add ::/0 via 2001:db8:51::1")
        self.other.ip("route add default via 203.0.113.1", "route add ::/0 via 2001:db8:113::1")
        self.abroad.ip("route add default via 192.0.2.137", "route add ::/0 via 2001:db8:f:3::1")
        for resolver in (RESOLVER_V4, RESOLVER_V6, HIJACKER_V4, FAILING_V4):
            self.other.ip(_addition(resolver, "isp"))
        for machine in self.machines:
            self._configure_names(machine, RESOLVER_V4)

    def _make(self, namespace: Namespace, *, router: bool = False) -> None:
        namespace.make()
        settings = _SYSCTLS | (_FORWARDING if router else {})
        namespace.run("sh", "-ec", "\n".join(f"echo {value} >/proc/sys/{key}" for key, value in settings.items()))
        namespace.ip("link set lo up")

    def _configure_names(self, machine: Namespace, resolver: str) -> None:
        self._write_etc(machine, "resolv.conf", f"nameserver {resolver}\n")
        self._write_etc(machine, "hosts", "127.0.0.1 localhost\n::1 localhost\n")

    def name_servers(self, machine: Machine, *servers: str) -> None:
        """Has a machine ask these name servers, in this order."""
        self._write_etc(machine.namespace, "resolv.conf", "".join(f"nameserver {server}\n" for server in servers))

    def machine(
        self, *, v4: bool = True, v6: bool = True, resolver: str = RESOLVER_V4, gateway: bool = True
    ) -> Machine:
        """A further client. Without a `gateway`, its routes lead to a box that is not there."""
        with self._lock:
            number = next(self._machine_numbers)
        namespace = self._namespace(f"m{number}")
        self._all.append(namespace)
        self.machines.append(namespace)
        self._make(namespace)
        v4_prefix, v6_prefix = f"10.77.{number}.", f"2001:db8:77:{number}::"
        ours = [f"{prefix}2" for prefix, wanted in ((v4_prefix, v4), (v6_prefix, v6)) if wanted]
        theirs = [f"{address[:-1]}1" for address in ours]
        self._link(namespace, " ".join(ours), self.home, " ".join(theirs))
        end = "1" if gateway else "9"
        for address in ours:
            namespace.ip(f"route add {'::/0' if ':' in address else 'default'} via {address[:-1]}{end}")
        self._configure_names(namespace, resolver)
        return Machine(
            namespace,
            f"{v4_prefix}2" if v4 else None,
            f"{v6_prefix}2" if v6 else None,
            f"{v4_prefix}{end}",
            f"{v6_prefix}{end}",
        )

    def _link(self, near: Namespace, near_addresses: str, far: Namespace, far_addresses: str) -> None:
        """Join two namespaces by a cable; each end is named after the namespace at the other end."""
        near_end, far_end = far.name.rsplit("-", 1)[1], near.name.rsplit("-", 1)[1]
        near.ip(f"link add {near_end} type veth peer name {far_end} netns {far.name}")
        for namespace, end, addresses in ((near, near_end, near_addresses), (far, far_end, far_addresses)):
            namespace.ip(*(_addition(address, end) for address in addresses.split()), f"link set {end} up")

    def _write_etc(self, namespace: Namespace, name: str, text: str) -> None:
        """Give a namespace its own file below /etc, as `ip netns exec` mounts it."""
        path = netns.ETC / namespace.name / name
        # Another lab that ends removes the folder above when nothing is left in it.
        while not path.parent.exists():
            with suppress(FileNotFoundError):
                path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        self._etc.append(path)

    def host(self, name: str, place: Place, *, v4: bool = True, v6: bool = True, absent: bool = False) -> Host:
        """A new host; an `absent` one has addresses at which no machine is."""
        with self._lock:
            number = next(self._numbers[place])
        prefix_v4, prefix_v6 = _PLACES[place]
        host = Host(name, place, f"{prefix_v4}.{number}" if v4 else None, f"{prefix_v6}:{number}" if v6 else None)
        if not absent:
            namespace, device = self._stand(place)
            size = ("/32", "/128") if device == "lo" else ("", "")
            namespace.ip(*(_addition(address + size[":" in address], device) for address in host.addresses))
        return host

    def _stand(self, place: Place) -> tuple[Namespace, str]:
        """The namespace and the device that hold a place's addresses."""
        return {
            "farm": (self.farm, "isp"),
            "private": (self.farm, "isp"),
            "other": (self.other, "isp"),
            "provider": (self.isp, "lo"),
            "abroad": (self.abroad, "lo"),
        }[place]

    def namespace_of(self, place: Place) -> Namespace:
        return self._stand(place)[0]

    def hosts_file(self, *lines: str, namespace: Namespace | None = None) -> None:
        """Lines for a client's /etc/hosts."""
        with (netns.ETC / (namespace or self.client).name / "hosts").open("a") as file:
            file.writelines(f"{line}\n" for line in lines)

    def close(self) -> None:
        atexit.unregister(self.close)
        for namespace in self._all:
            namespace.remove()
        for path in self._etc:
            path.unlink(missing_ok=True)
        for directory in {path.parent for path in self._etc}:
            with suppress(OSError):
                directory.rmdir()
        with suppress(OSError):
            netns.ETC.rmdir()
        self._etc.clear()
