"""Where a name leads: to this line itself, or into a private network that is not ours."""

import ipaddress
from collections.abc import Iterator

from poterne.diagnosis.case import Case
from poterne.diagnosis.evidence import direction, is_web, reached, refused_by_target, settled, spoke
from poterne.diagnosis.evidence_request import EvidenceRequest
from poterne.diagnosis.paths import outside
from poterne.diagnosis.registry import FindingKind, compares
from poterne.diagnosis.symptom import Symptom, Yields
from poterne.knowledge import special
from poterne.report import Confidence, Observation
from poterne.target.embedded_addresses import IpAddress

# A router that is the first hop refuses in less than that; whoever takes longer is not worth a trace.
_NEAR_MS = 60.0
# A router reports that a machine on its own link is absent: packets came as far as the network that is meant.
_HOST_ABSENT = ("ICMP 3/1)", "ICMPv6 1/3)")
# Networks whose addresses say nothing of a private network elsewhere: a link's own, and those of carriers.
_OF_THE_LINK = ("169.254.0.0/16", "fe80::/10", "100.64.0.0/10")


@compares(
    FindingKind(
        code="own-address",
        party="you",
        depth=89,
        severity="warning",
        about_ports=False,
        stops=("you", "box"),
    ),
)
def own_address(case: Case) -> Yields:
    """The name leads to an address of this line, and no mail server answers there: the address is this computer's or
    its router's (certain), or the first hop answers for it on every port (likely, `OwnAddresses`).

    Confounder: a router that leads connections to its own outer address back inside (NAT loopback): there the mail
    server answers.
    """
    for host, there in _by_host(case).items():
        yield from _want_paths(case, there)
        ours = [o for o in there if case.own.owner(o)]
        addresses = [address for address in dict.fromkeys(o.address for o in ours) if _serves_no_mail(case, address)]
        failing = [o for o in ours if o.address in addresses and not is_web(o)]
        if not failing or not all(settled(o) for o in failing):
            continue
        yield Symptom(
            "own-address",
            "certain" if all(case.own.is_known(o) for o in failing) else "likely",
            host=host,
            params={"addresses": tuple(addresses)},
            seen=tuple(failing),
            family=case.failures.one_family(failing),
            explains=frozenset(o.id for o in case.target.seen if o.address in addresses),
        )


def _want_paths(case: Case, there: list[Observation]) -> Iterator[EvidenceRequest]:
    """The path to a mail port and to a port of the web, where everything is refused from nearby."""
    for address in dict.fromkeys(o.address for o in there):
        here = [o for o in there if o.address == address]
        mail = [o for o in here if not is_web(o) and refused_by_target(o) and (o.stages.connect_ms or 0) < _NEAR_MS]
        web = [o for o in here if is_web(o) and (o.state == "open" or refused_by_target(o))]
        if not mail or any(case.own.is_known(o) for o in mail) or not _serves_no_mail(case, address):
            continue
        wanted = EvidenceRequest("web", host=mail[0].host)
        yield from case.want(wanted)
        nearest, beside = min(mail, key=_port), min(web, key=_port, default=None)
        # The ports of the web come one after the other: one of them is chosen when both are known.
        if beside is not None and wanted in case.evidence.fetched and not (nearest.path and beside.path):
            yield from case.want(EvidenceRequest("trace", observation=nearest.id, working=beside.id))


def _port(seen: Observation) -> tuple[int, str]:
    return seen.port, seen.id


def _serves_no_mail(case: Case, address: str) -> bool:
    return not any(spoke(o) for o in case.target.seen if o.address == address and not is_web(o))


@compares(
    FindingKind(
        code="private-address",
        party="server",
        depth=85,
        severity="warning",
        about_ports=False,
        stops=("box", "internet"),
    ),
)
def private_address(case: Case) -> Yields:
    """The name leads to addresses of private networks (RFC 1918, RFC 4193) alone, this computer is on none of them, and
    nothing comes back from there: likely where servers of others answer; possible where none was asked, and where this
    computer has an address in the same private range, so that it may be the same network, and the server down.

    Confounder: a server of one's own organisation that is down: its own router says that it is absent.
    """
    for host, there in _by_host(case).items():
        for group in _by_range(case, there):
            if any(reached(o) or spoke(o) or not settled(o) or _is_absent(o) for o in group):
                continue
            asked = [o for o in group if direction(o) != "other"] or group
            sure = bool(case.controls.living) and not any(_shares_a_range(case, o) for o in group)
            confidence: Confidence = "likely" if sure else "possible"
            yield Symptom(
                "private-address",
                confidence,
                host=host,
                params={"addresses": tuple(dict.fromkeys(o.address for o in group))},
                seen=tuple(asked),
                support=tuple(o.id for o in case.controls.living),
                family=case.failures.one_family(asked),
                explains=frozenset(o.id for o in group),
            )


def _by_range(case: Case, there: list[Observation]) -> Iterator[list[Observation]]:
    """What was seen of a host in each family in which all its addresses are of private networks that are not ours; both
    families together where both are.
    """
    families = [[o for o in there if o.family == family] for family in (4, 6)]
    private = [group for group in families if group and all(_is_private(case, o) for o in group)]
    if len(private) == len([group for group in families if group]):
        private = [[o for group in private for o in group]] if private else []
    yield from private


def _is_private(case: Case, seen: Observation) -> bool:
    address = _address(seen.address)
    near = any(address in _network(network) for network in case.evidence.machine.networks)
    return bool(_ranges(address)) and not near and case.own.owner(seen) is None


def _ranges(address: IpAddress) -> list[str]:
    return [
        str(network)
        for network in special.table().inside
        if network.version == address.version and address in network and str(network) not in _OF_THE_LINK
    ]


def _shares_a_range(case: Case, seen: Observation) -> bool:
    ranges = _ranges(_address(seen.address))
    own = case.evidence.machine.addresses
    return any(each in ranges for address in own for each in _ranges(_address(address)))


def _is_absent(seen: Observation) -> bool:
    return seen.reporter is not None and not outside(seen.reporter) and (seen.error or "").endswith(_HOST_ABSENT)


def _by_host(case: Case) -> dict[str, list[Observation]]:
    hosts: dict[str, list[Observation]] = {}
    for seen in case.target.seen:
        hosts.setdefault(seen.host, []).append(seen)
    return hosts


def _address(text: str) -> IpAddress:
    return ipaddress.ip_address(text.partition("%")[0])


def _network(text: str) -> ipaddress.IPv4Network | ipaddress.IPv6Network:
    return ipaddress.ip_network(text, strict=False)
