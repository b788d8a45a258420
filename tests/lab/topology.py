"""The network of the lab: a machine, its home box, its provider, and two places where servers stand.

    client ── home ── isp ┬── farm     Postfix and Dovecot
                          └── other    everything else, the name server included

Each link has an IPv4 and an IPv6 network. Hosts are addresses of a place: a new one costs an address, not a namespace.
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

Place = Literal["farm", "other", "private"]

CLIENT_V4, CLIENT_V6 = "10.77.0.2", "fd77::2"
HOME_V4, HOME_V6 = "10.77.0.1", "fd77::1"
ISP_V4, ISP_V6 = "10.77.1.2", "fd77:0:0:1::2"
RESOLVER_V4, RESOLVER_V6 = "203.0.113.53", "2001:db8:113::53"

_FIRST_HOST = 60
_PLACES = {
    "farm": ("198.51.100", "2001:db8:51:"),
    "other": ("203.0.113", "2001:db8:113:"),
    "private": ("10.78.0", "fd78:"),
}
_SYSCTLS = {
    "net/ipv6/conf/all/accept_dad": "0",
    "net/ipv6/conf/default/accept_dad": "0",
    "net/ipv6/conf/all/accept_ra": "0",
    "net/ipv6/conf/default/accept_ra": "0",
    # By default at most one ICMP error a second goes to one address: checks that run side by side would miss theirs.
    "net/ipv4/icmp_ratelimit": "0",
    "net/ipv6/icmp/ratelimit": "0",
}
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


def _addition(address: str, device: str) -> str:
    """The `ip` command for an address. Without duplicate address detection it can be used at once."""
    return f"addr add {address}/64 dev {device} nodad" if ":" in address else f"addr add {address}/24 dev {device}"


class Topology:
    """All namespaces of one run; `close` removes every trace, and runs at exit if nobody called it."""

    def __init__(self) -> None:
        self._prefix = f"{netns.PREFIX}-{os.getpid()}"
        self._etc: list[Path] = []
        self._numbers: dict[str, Iterator[int]] = {place: itertools.count(_FIRST_HOST) for place in _PLACES}
        self._lock = threading.Lock()
        self.client = self._namespace("client")
        self.client_v4_only = self._namespace("client4")
        self.client_offline = self._namespace("offline")
        self.home = self._namespace("home")
        self.isp = self._namespace("isp")
        self.farm = self._namespace("farm")
        self.other = self._namespace("other")
        self._all = (
            self.client, self.client_v4_only, self.client_offline, self.home, self.isp, self.farm, self.other,
        )  # fmt: skip
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
            namespace.make()
            settings = _SYSCTLS | (_FORWARDING if namespace in (self.home, self.isp) else {})
            namespace.run("sh", "-ec", "\n".join(f"echo {value} >/proc/sys/{key}" for key, value in settings.items()))
            namespace.ip("link set lo up")
        self._link(self.client, f"{CLIENT_V4} {CLIENT_V6}", self.home, f"{HOME_V4} {HOME_V6}")
        self._link(self.client_v4_only, "10.77.2.2", self.home, "10.77.2.1")
        self._link(self.home, "10.77.1.1 fd77:0:0:1::1", self.isp, f"{ISP_V4} {ISP_V6}")
        self._link(self.isp, "198.51.100.1 2001:db8:51::1", self.farm, "198.51.100.2 2001:db8:51::2")
        self._link(self.isp, "203.0.113.1 2001:db8:113::1", self.other, "203.0.113.2 2001:db8:113::2")
        self.client.ip("route add default via 10.77.0.1", "route add ::/0 via fd77::1")
        self.client_v4_only.ip("route add default via 10.77.2.1")
        self.home.ip("route add default via 10.77.1.2", "route add ::/0 via fd77:0:0:1::2")
        self.isp.ip(
            "route add 10.77.0.0/16 via 10.77.1.1",
            "route add fd77::/64 via fd77:0:0:1::1",
            _addition("10.78.0.1", "farm"),
            _addition("fd78::1", "farm"),
        )
        self.farm.ip("route add default via 198.51.100.1", "route add ::/0 via 2001:db8:51::1")
        self.other.ip("route add default via 203.0.113.1", "route add ::/0 via 2001:db8:113::1")
        self.other.ip(_addition(RESOLVER_V4, "isp"), _addition(RESOLVER_V6, "isp"))
        for machine in (self.client, self.client_v4_only, self.client_offline):
            self._write_etc(machine, "resolv.conf", f"nameserver {RESOLVER_V4}\n")
            self._write_etc(machine, "hosts", "127.0.0.1 localhost\n::1 localhost\n")

    def _link(self, near: Namespace, near_addresses: str, far: Namespace, far_addresses: str) -> None:
        """Join two namespaces by a cable; each end is named after the namespace at the other end."""
        near_end, far_end = far.name.rsplit("-", 1)[1], near.name.rsplit("-", 1)[1]
        near.ip(f"link add {near_end} type veth peer name {far_end} netns {far.name}")
        for namespace, end, addresses in ((near, near_end, near_addresses), (far, far_end, far_addresses)):
            namespace.ip(*(_addition(address, end) for address in addresses.split()), f"link set {end} up")

    def _write_etc(self, namespace: Namespace, name: str, text: str) -> None:
        """Give a namespace its own file below /etc, as `ip netns exec` mounts it."""
        path = netns.ETC / namespace.name / name
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
            namespace = self.other if place == "other" else self.farm
            namespace.ip(*(_addition(address, "isp") for address in host.addresses))
        return host

    def hosts_file(self, *lines: str) -> None:
        """Lines for the client's /etc/hosts."""
        with (netns.ETC / self.client.name / "hosts").open("a") as file:
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
