"""Who is behind the controls, and which of their ports are known to be served."""

from collections.abc import Iterable
from ipaddress import ip_network

from poterne.knowledge import controls
from poterne.report import Endpoint, Observation
from poterne.target.suffixes import registered_domain


def loopback(address: str) -> bool:
    """Whether an address says nothing of who is there: a lab may map everybody to it."""
    return address == "::1" or address.startswith("127.")


def vouches(control: Observation, port: int) -> bool:
    """Whether that port of a control is known to be served, so that its failure is news. An administrator vouches for
    every port of the hosts in the policy; the defaults are documented port by port.
    """
    if control.source == "policy":
        return True
    return port in known_ports(control.host)


def serves(control: Observation, port: int) -> bool:
    """Whether silence there proves as much as on the ports of sending. An administrator names hosts that send mail; as
    many of them drop what is for receiving, silence on such a port is a lesser proof.
    """
    if control.source == "policy":
        return port in controls.table().policy.ports
    return vouches(control, port)


def known_ports(host: str) -> frozenset[int]:
    """The documented ports of a default control."""
    row = controls.table().by_host.get(host)
    return frozenset() if row is None else row.ports


def independent(observations: Iterable[Endpoint]) -> int:
    """How many operators are behind endpoints, or observations of them: two names of one address, of one network in the
    table, or under one registered domain and in one network of addresses, are one. Whoever lists hosts in a policy says
    that they are independent: a domain alone does not contradict that.
    """
    known: set[str] = set()
    count = 0
    marks: dict[str, set[str]] = {}
    observations = list(observations)
    domains = _domains({seen.host for seen in observations if seen.source == "policy"})
    for seen in observations:
        default = controls.table().by_host.get(seen.host) if seen.source != "policy" else None
        marks.setdefault(seen.host, {seen.host}).update([f"network {default.network}"] if default else [])
        if not loopback(seen.address):
            marks[seen.host].add(seen.address)
            if domain := domains.get(seen.host):
                marks[seen.host].add(f"{domain} in {_network(seen.address)}")
    for host in sorted(marks):
        if not marks[host] & known:
            count += 1
        known |= marks[host]
    return count


def _network(address: str) -> str:
    """What is routed as one: no less than a /24 or a /48 is announced between networks."""
    return str(ip_network(f"{address.partition('%')[0]}/{48 if ':' in address else 24}", strict=False))


def _domains(hosts: set[str]) -> dict[str, str]:
    """The registered domain of each host that may share it with another; the list is asked for no others."""
    endings: dict[str, list[str]] = {}
    for host in sorted(hosts):
        labels = host.split(".")
        if len(labels) > 1 and not labels[-1].isdigit():
            endings.setdefault(".".join(labels[-2:]), []).append(host)
    shared = [host for same in endings.values() if len(same) > 1 for host in same]
    return {host: domain for host in shared if (domain := registered_domain(host))}
