"""A name server on loopback (UDP) that answers as a test wants."""

import socket
import threading
from collections.abc import Callable, Mapping, Sequence
from types import TracebackType
from typing import Self

import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdataclass
import dns.rdatatype
import dns.rrset

_RCODES = {"NXDOMAIN": dns.rcode.NXDOMAIN, "SERVFAIL": dns.rcode.SERVFAIL, "REFUSED": dns.rcode.REFUSED}

Answer = str | Sequence[str]
# What somebody else says first, made of the true answer.
Forgery = Callable[[dns.message.Message], dns.message.Message]


class NameServer:
    """`records` maps (name without its last dot, type) to record texts, or to one of NXDOMAIN, NODATA, SERVFAIL,
    REFUSED, SILENT, TRUNCATED (there is no TCP); (name, "*") stands for every type, ("*", "*") for every name. What is
    not listed does not exist. Aliases (CNAME) are followed to their end or into their loop. `forged` is sent before
    each true answer, from this port or `from_elsewhere`.
    """

    def __init__(
        self,
        records: Mapping[tuple[str, str], Answer],
        *,
        ttl: int = 60,
        forged: Forgery | None = None,
        from_elsewhere: bool = False,
    ) -> None:
        self._records = records
        self._ttl = ttl
        self._forged = forged
        self._elsewhere = socket.socket(socket.AF_INET, socket.SOCK_DGRAM) if from_elsewhere else None
        self._sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._sock.bind(("127.0.0.1", 0))
        self.port: int = self._sock.getsockname()[1]
        self.asked: list[tuple[str, str]] = []
        self._thread = threading.Thread(target=self._serve, daemon=True)

    @property
    def place(self) -> str:
        """As `[lab] resolver` takes it."""
        return f"127.0.0.1:{self.port}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._sock.sendto(b"", ("127.0.0.1", self.port))
        self._thread.join(timeout=3)
        self._sock.close()
        if self._elsewhere is not None:
            self._elsewhere.close()

    def _serve(self) -> None:
        while True:
            raw, client = self._sock.recvfrom(4096)
            if not raw:
                return
            query = dns.message.from_wire(raw)
            answer = self._answer(query)
            if answer is not None:
                if self._forged is not None:
                    forged = self._forged(dns.message.from_wire(answer.to_wire(max_size=65000)))
                    (self._elsewhere or self._sock).sendto(forged.to_wire(max_size=65000), client)
                self._sock.sendto(answer.to_wire(max_size=65000), client)

    def _answer(self, query: dns.message.Message) -> dns.message.Message | None:
        question = query.question[0]
        name = question.name.to_text(omit_final_dot=True).lower()
        kind = dns.rdatatype.to_text(question.rdtype)
        self.asked.append((name, kind))
        response = dns.message.make_response(query)
        response.flags |= dns.flags.RA
        followed: set[str] = set()
        while (name, kind) not in self._records and (alias := self._records.get((name, "CNAME"))):
            if name in followed:
                return response
            followed.add(name)
            response.answer.append(
                dns.rrset.from_text_list(name + ".", self._ttl, dns.rdataclass.IN, dns.rdatatype.CNAME, list(alias))
            )
            name = next(iter(alias)).removesuffix(".")
        found = self._find(name, kind)
        if found == "SILENT":
            return None
        if found == "TRUNCATED":
            response.flags |= dns.flags.TC
        if isinstance(found, str):
            response.set_rcode(_RCODES.get(found, dns.rcode.NOERROR))
        else:
            response.answer.append(
                dns.rrset.from_text_list(name + ".", self._ttl, dns.rdataclass.IN, question.rdtype, list(found))
            )
        return response

    def _find(self, name: str, kind: str) -> Answer:
        for key in ((name, kind), (name, "*"), ("*", kind), ("*", "*")):
            if key in self._records:
                return self._records[key]
        return "NODATA" if any(known == name for known, _ in self._records) else "NXDOMAIN"
