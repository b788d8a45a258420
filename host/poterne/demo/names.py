"""The demonstration's DNS server: UDP and TCP on one loopback port (RFC 1035, RFC 7766)."""

import asyncio
from collections.abc import Callable, Mapping
from typing import cast

import dns.exception
import dns.flags
import dns.message
import dns.name
import dns.opcode
import dns.rcode
import dns.rdatatype
import dns.rrset

from poterne.demo.connections import Connections
from poterne.demo.plan import Names, Plan
from poterne.report import Family

TTL_S = 60
_UDP_OCTETS = 512
_PORT_TRIES = 20


class Zones:
    """Every name of the world. `addresses` holds each host's, by family; outside the world no name exists."""

    def __init__(self, plan: Plan, addresses: Mapping[str, Mapping[Family, str]]) -> None:
        self._rrsets: dict[tuple[dns.name.Name, dns.rdatatype.RdataType], list[str]] = {}
        self._outcomes: dict[dns.name.Name, Names] = {
            dns.name.from_text(name): domain.names for name, domain in plan.domains.items()
        }
        self._nodes = {name for name, outcome in self._outcomes.items() if outcome != "absent"}
        for name, domain in plan.domains.items():
            for text in domain.mx:
                self._add(name, "MX", text)
            for text in domain.srv:
                label, _, rest = text.partition(" ")
                self._add(f"{label}.{name}", "SRV", rest)
        for host, by_family in addresses.items():
            for family, address in by_family.items():
                self._add(host, "A" if family == 4 else "AAAA", address)

    def answer(self, query: dns.message.Message, *, udp: bool) -> dns.message.Message | None:
        """The answer to a query; `None`: none is ever given."""
        response = dns.message.make_response(query, recursion_available=True)
        if query.opcode() != dns.opcode.QUERY or len(query.question) != 1:
            response.set_rcode(dns.rcode.NOTIMP)
            return response
        question = query.question[0]
        zone, outcome = self._zone(question.name)
        if outcome == "silent":
            return None
        if outcome == "servfail":
            response.set_rcode(dns.rcode.SERVFAIL)
            return response
        if outcome == "truncated" and udp:
            response.flags |= dns.flags.TC
            return response
        if texts := self._rrsets.get((question.name.canonicalize(), question.rdtype)):
            response.answer.append(dns.rrset.from_text(question.name, TTL_S, "IN", question.rdtype, *texts))
            return response
        if question.name.canonicalize() not in self._nodes:
            response.set_rcode(dns.rcode.NXDOMAIN)
        soa = f"ns.invalid. hostmaster.invalid. 1 3600 600 86400 {TTL_S}"
        response.authority.append(dns.rrset.from_text(zone, TTL_S, "IN", "SOA", soa))
        return response

    def wire(self, query: bytes, *, udp: bool) -> bytes | None:
        """The same in wire format, cut with TC set where UDP cannot carry it; `None` also for what is no query."""
        try:
            asked = dns.message.from_wire(query)
        except dns.exception.DNSException:
            return None
        if asked.flags & dns.flags.QR or (response := self.answer(asked, udp=udp)) is None:
            return None
        if not udp:
            return response.to_wire()
        try:
            return response.to_wire(max_size=max(asked.payload, _UDP_OCTETS))
        except dns.exception.TooBig:
            cut = dns.message.make_response(asked, recursion_available=True)
            cut.flags |= dns.flags.TC
            return cut.to_wire()

    def _add(self, name: str, rdtype: str, text: str) -> None:
        owner = dns.name.from_text(name).canonicalize()
        self._rrsets.setdefault((owner, dns.rdatatype.from_text(rdtype)), []).append(text)
        zone, _ = self._zone(owner)
        while owner != zone:  # RFC 8020: whatever has something below it exists
            self._nodes.add(owner)
            owner = owner.parent()

    def _zone(self, name: dns.name.Name) -> tuple[dns.name.Name, Names]:
        while name != dns.name.root:
            if outcome := self._outcomes.get(name.canonicalize()):
                return name, outcome
            name = name.parent()
        return name, "records"


async def serve(zones: Zones, connections: Connections, address: str) -> int:
    """Answer on this address until the connections are closed; the port is the same for UDP and TCP."""
    loop = asyncio.get_running_loop()
    for _ in range(_PORT_TRIES):
        transport, _protocol = await loop.create_datagram_endpoint(
            lambda: _Datagrams(zones, connections), local_addr=(address, 0)
        )
        port = int(transport.get_extra_info("sockname")[1])
        try:
            return await connections.listen(address, lambda: _Stream(zones, connections), port)
        except OSError:
            transport.abort()
    raise OSError("no port is free for both UDP and TCP")


class _Datagrams(asyncio.DatagramProtocol):
    def __init__(self, zones: Zones, connections: Connections) -> None:
        self._zones = zones
        self._connections = connections
        self._send: Callable[[bytes, tuple[str, int]], None] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._connections.admit(transport)
        self._send = cast(asyncio.DatagramTransport, transport).sendto

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        if self._send is not None and (wire := self._zones.wire(data, udp=True)) is not None:
            self._send(wire, addr)


class _Stream(asyncio.Protocol):
    def __init__(self, zones: Zones, connections: Connections) -> None:
        self._zones = zones
        self._connections = connections
        self._buffer = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._connections.admit(transport)
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        while len(self._buffer) >= 2 and len(self._buffer) >= 2 + int.from_bytes(self._buffer[:2], "big"):
            end = 2 + int.from_bytes(self._buffer[:2], "big")
            query, self._buffer = self._buffer[2:end], self._buffer[end:]
            if (wire := self._zones.wire(query, udp=False)) is not None:
                self._transport.write(len(wire).to_bytes(2, "big") + wire)
