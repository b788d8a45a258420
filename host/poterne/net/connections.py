"""The connections that this machine has, or had a moment ago, as its kernel lists them (proc(5), /proc/net/tcp)."""

import ipaddress
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

_TABLES = ("/proc/net/tcp", "/proc/net/tcp6")
# linux/tcp_states.h: established, and on the way from there to the end. The last of these, TIME_WAIT, takes a minute.
_OPENED = frozenset({1, 4, 5, 6, 8, 9, 11})


def reached_ports(networks: Iterable[str]) -> tuple[int, ...]:
    """The ports of far machines to which connections were opened within the last minute. `networks` are those that this
    machine is directly on (CIDR), and not far. Empty where the system does not tell.
    """
    if sys.platform != "linux":
        return ()
    near = [ipaddress.ip_network(network, strict=False) for network in networks]
    lines = [line for table in _TABLES for line in _lines(Path(table))]
    far = {port for address, port in parse(lines) if not _is_near(address, near)}
    return tuple(sorted(far))


def parse(lines: Iterable[str]) -> Iterator[tuple[ipaddress.IPv4Address | ipaddress.IPv6Address, int]]:
    """The far ends of opened connections in lines of such a table; lines of another form are left out."""
    for line in lines:
        fields = line.split()
        if len(fields) < 4:
            continue
        place, _, port = fields[2].partition(":")
        try:
            if int(fields[3], 16) in _OPENED:
                yield _address(place), int(port, 16)
        except ValueError:
            continue


def _address(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address:
    """Words of 32 bits, each in the machine's own byte order."""
    raw = bytes.fromhex(text)
    if sys.byteorder == "little":
        raw = b"".join(raw[start : start + 4][::-1] for start in range(0, len(raw), 4))
    address = ipaddress.ip_address(raw)
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return mapped or address


def _is_near(
    address: ipaddress.IPv4Address | ipaddress.IPv6Address,
    near: Iterable[ipaddress.IPv4Network | ipaddress.IPv6Network],
) -> bool:
    return address.is_loopback or address.is_link_local or any(address in network for network in near)


def _lines(table: Path) -> list[str]:
    try:
        return table.read_text(encoding="ascii", errors="replace").splitlines()[1:]
    except OSError:
        return []
