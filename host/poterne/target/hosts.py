"""What the spelling of a host tells."""

import ipaddress

from poterne.knowledge import special


def is_address(host: str) -> bool:
    """Whether a host is an address, not a name."""
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def is_within(host: str, domain: str) -> bool:
    """Whether a host is a domain, or below it; both in small letters, without a last dot."""
    return host == domain or host.endswith(f".{domain}")


def is_inside(address: str) -> bool:
    """Whether an address is this computer's, or one that a private network or a link gives (RFC 1918, 6598, 3927, 4193,
    4291): nobody outside can tell anything of it.
    """
    parsed = ipaddress.ip_address(address.partition("%")[0])
    networks = special.table().inside
    return parsed.is_loopback or any(parsed in network for network in networks if network.version == parsed.version)
