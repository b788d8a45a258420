"""The IPv4 addresses that an IPv6 address stands for: a gate has to judge where a translator or a tunnel leads."""

import ipaddress
from typing import NamedTuple

IpAddress = ipaddress.IPv4Address | ipaddress.IPv6Address
IpNetwork = ipaddress.IPv4Network | ipaddress.IPv6Network

# The last 32 bits are the IPv4 address: RFC 6052 section 2.1, RFC 7915 section 1.3 (in its old form, RFC 2765 section
# 2.1), RFC 4291 section 2.5.5.1.
_AT_THE_END = tuple(ipaddress.IPv6Network(prefix) for prefix in ("64:ff9b::/96", "::ffff:0:0:0/96", "::/96"))
# The interface identifiers of ISATAP, for private and for public addresses (RFC 5214 section 6.1).
_ISATAP = (0x00005EFE, 0x02005EFE)
_THEMSELVES = ipaddress.IPv6Network("::/127")
# A network's own translators use any prefix in this pool (RFC 8215 section 5), of these lengths (RFC 6052 section 2.2),
# and nothing in an address tells which.
_POOL = ipaddress.IPv6Network("64:ff9b:1::/48")
_POOL_LENGTHS = (48, 56, 64, 96)


class Faces(NamedTuple):
    """`certain`: the address itself and what it stands for whoever carries it. `readings`: of these it stands for one;
    which one, only the translator knows.
    """

    certain: tuple[IpAddress, ...]
    readings: tuple[IpAddress, ...] = ()


def faces(address: str) -> Faces:
    """Every address that has to be judged before one is dialled; a zone is left out."""
    parsed = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(parsed, ipaddress.IPv4Address):
        return Faces((parsed,))
    if parsed in _POOL:
        return Faces((parsed,), tuple(read(parsed, length) for length in _POOL_LENGTHS))
    certain: list[IpAddress] = [parsed]
    if parsed.ipv4_mapped is not None:
        certain.append(parsed.ipv4_mapped)
    if parsed.sixtofour is not None:
        certain.append(parsed.sixtofour)
    if parsed.teredo is not None:
        certain.extend(parsed.teredo)
    if parsed not in _THEMSELVES and any(parsed in prefix for prefix in _AT_THE_END):
        certain.append(read(parsed, 96))
    if int(parsed) >> 32 & 0xFFFFFFFF in _ISATAP:
        certain.append(read(parsed, 96))
    return Faces(tuple(certain))


def is_in(address: IpAddress, networks: tuple[IpNetwork, ...]) -> bool:
    """Whether one of the networks holds an address; those of the other version hold none."""
    return any(address in network for network in networks if network.version == address.version)


def read(address: ipaddress.IPv6Address, length: int) -> ipaddress.IPv4Address:
    """The IPv4 address behind a prefix of 32, 40, 48, 56, 64 or 96 bits (RFC 6052 section 2.2): it follows the prefix,
    and passes over bits 64 to 71.
    """
    bits = int(address)
    if length == 96:
        return ipaddress.IPv4Address(bits & 0xFFFFFFFF)
    without_u = bits >> 64 << 56 | bits & (1 << 56) - 1
    return ipaddress.IPv4Address(without_u >> 120 - length - 32 & 0xFFFFFFFF)
