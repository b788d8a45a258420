"""What the spelling of a host tells."""

import ipaddress


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
