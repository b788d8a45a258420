"""A name server on loopback (UDP) that answers as a test wants."""

import socket
import threading
from collections.abc import Mapping, Sequence
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


class NameServer:
    """`records` maps (name without its last dot, type) to record texts, or to one of NXDOMAIN, NODATA, SERVFAIL,
    REFUSED, SILENT; (name, "*") stands for every type, ("*", "*") for every name. What is not listed does not exist.
    """

    def __init__(self, records: Mapping[tuple[str, str], Answer]) -> None:
        self._records = records
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

    def _serve(self) -> None:
        while True:
            raw, client = self._sock.recvfrom(4096)
            if not raw:
                return
            query = dns.message.from_wire(raw)
            answer = self._answer(query)
            if answer is not None:
                self._sock.sendto(answer.to_wire(max_size=65000), client)

    def _answer(self, query: dns.message.Message) -> dns.message.Message | None:
        question = query.question[0]
        name = question.name.to_text(omit_final_dot=True).lower()
        kind = dns.rdatatype.to_text(question.rdtype)
        self.asked.append((name, kind))
        found = self._find(name, kind)
        if found == "SILENT":
            return None
        response = dns.message.make_response(query)
        response.flags |= dns.flags.RA
        if isinstance(found, str):
            response.set_rcode(_RCODES.get(found, dns.rcode.NOERROR))
        else:
            response.answer.append(
                dns.rrset.from_text_list(question.name, 60, dns.rdataclass.IN, question.rdtype, list(found))
            )
        return response

    def _find(self, name: str, kind: str) -> Answer:
        for key in ((name, kind), (name, "*"), ("*", kind), ("*", "*")):
            if key in self._records:
                return self._records[key]
        return "NODATA" if any(known == name for known, _ in self._records) else "NXDOMAIN"
