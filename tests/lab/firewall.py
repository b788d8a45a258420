"""nftables rules at one box of the lab: each is a context manager, and is gone when it is left."""

import json
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Literal

from .netns import Namespace
from .topology import Host

Chain = Literal["input", "output", "forward"]
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
}
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
        namespace.run("nft", "-f", "-", text=_TABLE)

    def _add(self, chain: Chain, rule: str) -> int:
        with self._lock:
            reply = self._namespace.run("nft", "-j", "-e", "-a", "add", "rule", "inet", "lab", chain, *rule.split())
        added = next(entry["add"]["rule"] for entry in json.loads(reply)["nftables"] if "add" in entry)
        return int(added["handle"])

    def _delete(self, chain: Chain, handle: int) -> None:
        with self._lock:
            self._namespace.run("nft", "delete", "rule", "inet", "lab", chain, "handle", str(handle))

    def count(self, handles: list[int]) -> int:
        with self._lock:
            listing = json.loads(self._namespace.run("nft", "-j", "list", "table", "inet", "lab"))["nftables"]
        rules = [entry["rule"] for entry in listing if "rule" in entry and entry["rule"]["handle"] in handles]
        return sum(part["counter"]["packets"] for rule in rules for part in rule["expr"] if "counter" in part)

    @contextmanager
    def _rules(self, chain: Chain, rules: list[str]) -> Iterator[list[int]]:
        with ExitStack() as stack:
            handles = []
            for rule in rules:
                handle = self._add(chain, rule)
                stack.callback(self._delete, chain, handle)
                handles.append(handle)
            yield handles

    @contextmanager
    def block(
        self, host: Host, *ports: int, action: Action = "drop", chain: Chain = "forward", family: int | None = None
    ) -> Iterator[None]:
        """Answer connections to these ports of a host (none named: to every port) with `action`."""
        which = f"tcp dport {{ {','.join(map(str, ports))} }}" if ports else "meta l4proto tcp"
        rules = [
            f"{_direction(address, 'daddr')} {which} {_VERDICTS[action]}"
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
