"""The lab's name server: answers, and every way of not answering."""

import socket
import struct
import threading
from collections.abc import Sequence
from contextlib import suppress

import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdatatype
import dns.rrset
from dns.rdatatype import RdataType

from .netns import Namespace

_TTL = 60
_SOA = "ns.test. hostmaster.test. 1 60 60 60 60"


def _name(text: str) -> dns.name.Name:
    return dns.name.from_text(text)


class Zone:
    """An authoritative and recursive-looking server for everything, over UDP and TCP.

    With `behind` it knows what that one knows, and leads whoever asks for a name that does not exist to the addresses
    `astray`.
    """

    def __init__(self, behind: "Zone | None" = None, astray: Sequence[str] = ()) -> None:
        self._behind = behind
        self._astray = self._sets([a for a in astray if ":" not in a], [a for a in astray if ":" in a], ())
        self._records: dict[dns.name.Name, dict[RdataType, tuple[str, ...]]] = {}
        self._wildcards: dict[dns.name.Name, dict[RdataType, tuple[str, ...]]] = {}
        self._failing: list[dns.name.Name] = []
        self._silent: list[dns.name.Name] = []
        self._sockets: list[socket.socket] = []
        self._threads: list[threading.Thread] = []
        self._closing = threading.Event()

    # ---- what it holds

    def add(
        self, name: str, *, a: Sequence[str] = (), aaaa: Sequence[str] = (), mx: Sequence[str] = (), cname: str = ""
    ) -> None:
        """Records of a name; MX as "PREFERENCE HOST.". A name with no records answers NODATA to everything."""
        self._records[_name(name)] = self._sets(a, aaaa, mx) | ({RdataType.CNAME: (cname,)} if cname else {})

    def add_wildcard(self, parent: str, *, a: Sequence[str] = (), aaaa: Sequence[str] = ()) -> None:
        """Every name below `parent` that has no records of its own has these."""
        self._wildcards[_name(parent)] = self._sets(a, aaaa, ())

    def fail(self, name: str) -> None:
        """Answer SERVFAIL for a name and all below it."""
        self._failing.append(_name(name))

    def silence(self, name: str) -> None:
        """Never answer for a name and all below it."""
        self._silent.append(_name(name))

    def addresses(self, name: str) -> tuple[str, ...]:
        """What a name leads to, IPv4 first."""
        records = self._records.get(_name(name), {})
        return (*records.get(RdataType.A, ()), *records.get(RdataType.AAAA, ()))

    @staticmethod
    def _sets(a: Sequence[str], aaaa: Sequence[str], mx: Sequence[str]) -> dict[RdataType, tuple[str, ...]]:
        sets = {RdataType.A: tuple(a), RdataType.AAAA: tuple(aaaa), RdataType.MX: tuple(mx)}
        return {kind: data for kind, data in sets.items() if data}

    # ---- what it says

    def answer(self, wire: bytes) -> bytes | None:
        """The response to one query, `None` for silence."""
        query = dns.message.from_wire(wire)
        question = query.question[0]
        if any(question.name.is_subdomain(name) for name in self._silent):
            return None
        response = dns.message.make_response(query, recursion_available=True)
        if any(question.name.is_subdomain(name) for name in self._failing):
            response.set_rcode(dns.rcode.SERVFAIL)
            return response.to_wire()
        name = question.name
        records = self._find(name)
        while records and (alias := records.get(RdataType.CNAME)) and question.rdtype != RdataType.CNAME:
            response.answer.append(dns.rrset.from_text(name, _TTL, "IN", RdataType.CNAME, *alias))
            name = _name(alias[0])
            records = self._find(name)
        data = (records or {}).get(question.rdtype, ())
        # One set a record: dnspython shuffles the records of a set, and the tests need their order.
        response.answer += [dns.rrset.from_text(name, _TTL, "IN", question.rdtype, record) for record in data]
        if not data:
            response.authority.append(dns.rrset.from_text("test.", _TTL, "IN", "SOA", _SOA))
            if records is None:
                response.set_rcode(dns.rcode.NXDOMAIN)
        return response.to_wire()

    def _find(self, name: dns.name.Name) -> dict[RdataType, tuple[str, ...]] | None:
        """Records of a name, `{}` where the name exists without any (RFC 8020), `None` where it does not exist."""
        if self._behind:
            known = self._behind._find(name)
            return (self._astray or None) if known is None else known
        if name in self._records:
            return self._records[name]
        for parent, records in self._wildcards.items():
            if name.is_subdomain(parent) and name != parent:
                return records
        return {} if any(known.is_subdomain(name) for known in (*self._records, *self._wildcards)) else None

    # ---- how it is asked

    def serve(self, namespace: Namespace, *addresses: str) -> None:
        for address in addresses:
            udp = namespace.open_socket(address, socket.SOCK_DGRAM)
            udp.bind((address, 53))
            tcp = namespace.listen(address, 53)
            self._sockets += [udp, tcp]
            for serve, sock in ((self._serve_udp, udp), (self._serve_tcp, tcp)):
                thread = threading.Thread(target=serve, args=(sock,), daemon=True)
                thread.start()
                self._threads.append(thread)

    def _serve_udp(self, sock: socket.socket) -> None:
        while not self._closing.is_set():
            with suppress(OSError):
                wire, peer = sock.recvfrom(4096)
                if not self._closing.is_set() and (reply := self.answer(wire)):
                    sock.sendto(reply, peer)

    def _serve_tcp(self, sock: socket.socket) -> None:
        while not self._closing.is_set():
            with suppress(OSError):
                connection, _ = sock.accept()
                with connection, connection.makefile("rb") as stream:
                    connection.settimeout(2)
                    header = stream.read(2)
                    if len(header) == 2 and (reply := self.answer(stream.read(struct.unpack("!H", header)[0]))):
                        connection.sendall(struct.pack("!H", len(reply)) + reply)

    def close(self) -> None:
        self._closing.set()
        for sock in self._sockets:
            with suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join(timeout=2)
        for sock in self._sockets:
            sock.close()
