"""nftables rules at one box of the lab: each is a context manager, and is gone when it is left."""

import json
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Literal

from .netns import Namespace
from .topology import Host, Machine

Chain = Literal["input", "output", "forward", "early", "divert", "divert_own"]
Action = Literal[
    "drop",
    "reset",
    "admin-prohibited",
    "port-unreachable",
    "host-unreachable",
    "no-route",
    "net-prohibited",
    "host-prohibited",
]

_TABLE = """
table inet lab {
  chain input   { type filter hook input priority 0; }
  chain output  { type filter hook output priority 0; }
  chain forward { type filter hook forward priority 0; }
  # Before the routing decision, and so before a packet's hop limit is looked at.
  chain early   { type filter hook prerouting priority -150; }
}
"""
_DIVERSIONS = """
add chain inet lab divert     { type nat hook prerouting priority -100; }
add chain inet lab divert_own { type nat hook output priority -100; }
"""
_VERDICTS: dict[Action, str] = {
    "drop": "drop",
    "reset": "reject with tcp reset",
    "admin-prohibited": "reject with icmpx type admin-prohibited",
    "port-unreachable": "reject with icmpx type port-unreachable",
    "host-unreachable": "reject with icmpx type host-unreachable",
    "no-route": "reject with icmpx type no-route",
    "net-prohibited": "reject with icmp type net-prohibited",
    "host-prohibited": "reject with icmp type host-prohibited",
}


def _direction(address: str, end: Literal["saddr", "daddr"]) -> str:
    return f"{'ip6' if ':' in address else 'ip'} {end} {address}"


def _ports(ports: Sequence[int]) -> str:
    return f"tcp dport {{ {','.join(map(str, ports))} }}" if ports else "meta l4proto tcp"


def _hosts(hosts: Sequence[Host | str], family: int) -> str:
    addresses = [address for host in hosts for address in ([host] if isinstance(host, str) else host.addresses)]
    return ", ".join(address for address in addresses if (":" in address) == (family == 6))


def _matches(
    machine: Machine | None,
    ports: Sequence[int],
    to: Sequence[Host | str],
    excepting: Sequence[Host | str],
    family: int | None,
) -> list[str]:
    """The beginnings of rules, one a family, that match a machine's connections."""
    matches = []
    for version, word in ((4, "ip"), (6, "ip6")):
        source = (machine.v4 if version == 4 else machine.v6) if machine else None
        goals, spared = _hosts(to, version), _hosts(excepting, version)
        if (machine and not source) or (to and not goals) or family not in (None, version):
            continue
        parts = [
            f"meta nfproto ipv{version}",
            f"{word} saddr {source}" if source else "",
            f"{word} daddr {{ {goals} }}" if goals else "",
            f"{word} daddr != {{ {spared} }}" if spared else "",
            _ports(ports),
        ]
        matches.append(" ".join(filter(None, parts)))
    return matches


def _turned(match: str) -> str:
    """The same for what comes back."""
    swapped = {"saddr": "daddr", "daddr": "saddr", "dport": "sport"}
    return " ".join(swapped.get(word, word) for word in match.split(" "))


class Counter:
    """Packets that a counting rule saw."""

    def __init__(self, firewall: "Firewall", handles: list[int]) -> None:
        self._firewall = firewall
        self._handles = handles

    @property
    def packets(self) -> int:
        return self._firewall.count(self._handles)


class Firewall:
    """The rules of one namespace. Each names a host's addresses, so that checks of other hosts may run beside it."""

    def __init__(self, namespace: Namespace) -> None:
        self._namespace = namespace
        self._lock = threading.Lock()
        self._diverts = False
        namespace.run("nft", "-f", "-", text=_TABLE)

    def _add(self, chain: Chain, rules: list[str]) -> list[int]:
        commands = "; ".join(f"add rule inet lab {chain} {rule}" for rule in rules)
        with self._lock:
            if chain.startswith("divert") and not self._diverts:
                # Translation of addresses costs every connection of the namespace: only where it is wanted.
                self._namespace.run("nft", "-f", "-", text=_DIVERSIONS)
                self._diverts = True
            reply = self._namespace.run("nft", "-j", "-e", "-a", commands)
        added = [entry["add"]["rule"] for entry in json.loads(reply)["nftables"] if "add" in entry]
        return [int(rule["handle"]) for rule in added]

    def _delete(self, chain: Chain, handles: list[int]) -> None:
        with self._lock:
            self._namespace.run("nft", "; ".join(f"delete rule inet lab {chain} handle {handle}" for handle in handles))

    def count(self, handles: list[int]) -> int:
        with self._lock:
            listing = json.loads(self._namespace.run("nft", "-j", "list", "table", "inet", "lab"))["nftables"]
        rules = [entry["rule"] for entry in listing if "rule" in entry and entry["rule"]["handle"] in handles]
        return sum(part["counter"]["packets"] for rule in rules for part in rule["expr"] if "counter" in part)

    @contextmanager
    def _rules(self, chain: Chain, rules: list[str]) -> Iterator[list[int]]:
        handles = self._add(chain, rules) if rules else []
        try:
            yield handles
        finally:
            if handles:
                self._delete(chain, handles)

    # ---- one client's network: rules that name it as the source, for every destination or for some

    @contextmanager
    def ail(
        self,
        machine: Machine | None,
        *ports: int,
        action: Action = "drop",
        to: Sequence[Host | str] = (),
        excepting: Sequence[Host | str] = (),
        only: str = "",
        family: int | None = None,
        chain: Chain = "forward",
    ) -> Iterator[None]:
        """Answer what a machine (`None`: anybody) sends to these ports (none named: to every port) of `to` (nobody
        named: of every host) with `action`. `excepting` are left alone; `only` narrows it by an expression of nftables.
        """
        with self._rules(
            chain, [f"{match} {only} {_VERDICTS[action]}" for match in _matches(machine, ports, to, excepting, family)]
        ):
            yield

    @contextmanager
    def isolate(self, machine: Machine, *, chain: Chain = "forward") -> Iterator[None]:
        """Lose whatever a machine sends, names included."""
        with self._rules(chain, [f"{_direction(address, 'saddr')} drop" for address in machine.addresses]):
            yield

    @contextmanager
    def limit_syns(
        self, machine: Machine, *ports: int, burst: int = 5, action: Action = "drop", chain: Chain = "forward"
    ) -> Iterator[None]:
        """Let `burst` connections begin at once and one a second after them, in each family; answer the others with
        `action`.
        """
        only = f"tcp flags & (syn|ack) == syn limit rate over 1/second burst {burst} packets"
        with self.ail(machine, *ports, action=action, only=only, chain=chain):
            yield

    @contextmanager
    def limit_connections(
        self, machine: Machine, *ports: int, most: int, action: Action = "drop", chain: Chain = "forward"
    ) -> Iterator[None]:
        """Let so many connections be open at a time, to these ports in each family; answer others with `action`."""
        with self.ail(machine, *ports, action=action, only=f"ct state new ct count over {most}", chain=chain):
            yield

    @contextmanager
    def lose(self, machine: Machine, percent: int, *, chain: Chain = "forward") -> Iterator[None]:
        """Lose so many of a machine's TCP packets, drawn anew for each."""
        with self.ail(machine, only=f"numgen random mod 100 < {percent}", chain=chain):
            yield

    @contextmanager
    def cut(self, machine: Machine, *ports: int, chain: Chain = "forward") -> Iterator[None]:
        """Reset connections that have opened at the machine's first packet after the handshake."""
        with self.ail(machine, *ports, action="reset", only="ct state established", chain=chain):
            yield

    @contextmanager
    def gag(self, machine: Machine, *ports: int, chain: Chain = "forward") -> Iterator[None]:
        """Let connections open and lose every byte that servers say to the machine on these ports."""
        sources = f"tcp sport {{ {','.join(map(str, ports))} }} tcp flags & psh == psh drop"
        with self._rules(chain, [f"{_direction(address, 'daddr')} {sources}" for address in machine.addresses]):
            yield

    @contextmanager
    def lose_long(
        self,
        machine: Machine,
        *ports: int,
        longest: int = 900,
        to: Sequence[Host | str] = (),
        family: int | None = None,
        chain: Chain = "forward",
    ) -> Iterator[None]:
        """Lose packets longer than so many bytes, both ways and without a word: an MTU black hole (RFC 2923 section
        2.1), for these ports (none named: for all).
        """
        rules = []
        for match in _matches(machine, ports, to, (), family):
            rules += [f"{each} meta length > {longest} drop" for each in (match, _turned(match))]
        with self._rules(chain, rules):
            yield

    @contextmanager
    def divert(
        self,
        machine: Machine | None,
        *ports: int,
        to: Sequence[str],
        port: int | None = None,
        excepting: Sequence[Host | str] = (),
        only: str = "",
        chain: Chain = "divert",
    ) -> Iterator[None]:
        """Send what a machine addresses to these ports, of any host, to one of the addresses `to`: to the same port,
        or to `port`.
        """
        end = f":{port}" if port else ""
        rules = []
        for address in to:
            family = 6 if ":" in address else 4
            goal = f"ip6 to [{address}]{end}" if family == 6 else f"ip to {address}{end}"
            rules += [f"{match} {only} dnat {goal}" for match in _matches(machine, ports, (), excepting, family)]
        with self._rules(chain, rules):
            yield

    # ---- one host

    @contextmanager
    def block(
        self, host: Host, *ports: int, action: Action = "drop", chain: Chain = "forward", family: int | None = None
    ) -> Iterator[None]:
        """Answer connections to these ports of a host (none named: to every port) with `action`."""
        rules = [
            f"{_direction(address, 'daddr')} {_ports(ports)} {_VERDICTS[action]}"
            for address in host.addresses
            if family in (None, 6 if ":" in address else 4)
        ]
        with self._rules(chain, rules):
            yield

    @contextmanager
    def drop_answers(self, host: Host, port: int, *, chain: Chain = "forward") -> Iterator[None]:
        """Let the SYN reach the host and lose the SYN-ACK on its way back."""
        rules = [
            f"{_direction(address, 'saddr')} tcp sport {port} tcp flags & (syn|ack) == syn|ack drop"
            for address in host.addresses
        ]
        with self._rules(chain, rules):
            yield

    @contextmanager
    def reset_established(self, host: Host, port: int, *, chain: Chain = "forward") -> Iterator[None]:
        """Let the handshake pass and reset the client at its first packet after it."""
        rules = [
            f"{_direction(address, 'daddr')} tcp dport {port} ct state established reject with tcp reset"
            for address in host.addresses
        ]
        with self._rules(chain, rules):
            yield

    @contextmanager
    def drop_data(self, host: Host, port: int, *, chain: Chain = "forward") -> Iterator[None]:
        """Let connections open and lose every byte that the server says."""
        rules = [
            f"{_direction(address, 'saddr')} tcp sport {port} tcp flags & psh == psh drop" for address in host.addresses
        ]
        with self._rules(chain, rules):
            yield

    @contextmanager
    def lose_first_syn(self, host: Host, port: int, *, chain: Chain = "forward") -> Iterator[None]:
        """Lose the first SYN to each address of a host's port, as a busy line does; later ones pass."""
        rules = [
            f"{_direction(address, 'daddr')} tcp dport {port} tcp flags & (syn|ack) == syn quota until 100 bytes drop"
            for address in host.addresses
        ]
        with self._rules(chain, rules):
            yield

    @contextmanager
    def count_packets(self, host: Host, *, chain: Chain = "forward") -> Iterator[Counter]:
        """Count what goes to a host."""
        with self._rules(chain, [f"{_direction(a, 'daddr')} counter" for a in host.addresses]) as handles:
            yield Counter(self, handles)

    @contextmanager
    def count_strays(self, *known: str, chain: Chain = "forward") -> Iterator[Counter]:
        """Count what the client sends to any network but the `known` ones (CIDR)."""
        v4 = ", ".join(network for network in known if ":" not in network)
        v6 = ", ".join(network for network in known if ":" in network)
        rules = [f"iifname client ip daddr != {{ {v4} }} counter", f"iifname client ip6 daddr != {{ {v6} }} counter"]
        with self._rules(chain, rules) as handles:
            yield Counter(self, handles)

    @contextmanager
    def count_leaving(self) -> Iterator[Counter]:
        """Count what this machine itself sends to others, by TCP and UDP."""
        rule = 'oifname != "lo" meta l4proto { tcp, udp } counter'
        with self._rules("output", [rule]) as handles:
            yield Counter(self, handles)

    @contextmanager
    def count_others(self, *known: str) -> Iterator[Counter]:
        """Count what this namespace itself sends to others than the `known` addresses, its own networks left out."""
        v4 = ", ".join(["127.0.0.0/8", "10.0.0.0/8", "224.0.0.0/4", *(each for each in known if ":" not in each)])
        v6 = ", ".join(["::1", "fe80::/10", "ff00::/8", "2001:db8:77::/48", *(each for each in known if ":" in each)])
        rules = [f"ip daddr != {{ {v4} }} counter", f"ip6 daddr != {{ {v6} }} counter"]
        with self._rules("output", rules) as handles:
            yield Counter(self, handles)
