import socket
import struct
import sys
import time
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.core_servers import free_port

from poterne.net import icmp
from poterne.net.icmp import IcmpError
from poterne.report import Family

linux = pytest.mark.skipif(sys.platform != "linux", reason="only Linux has an error queue")


@linux
@pytest.mark.parametrize(
    ("family", "address", "expected"),
    [(4, "127.0.0.1", IcmpError(4, 3, 3, "127.0.0.1")), (6, "::1", IcmpError(6, 1, 4, "::1"))],
)
def test_the_sender_of_a_refusal_is_read_from_the_queue(family: Family, address: str, expected: IcmpError) -> None:
    holder, port = free_port(family)
    kind = socket.AF_INET if family == 4 else socket.AF_INET6
    with holder, socket.socket(kind, socket.SOCK_DGRAM) as sock:
        icmp.listen(sock)
        sock.connect((address, port))
        sock.send(b"x")
        time.sleep(0.05)
        assert sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) != 0
        assert icmp.take(sock) == expected
        assert icmp.take(sock) is None
        assert expected.prohibited is False


@linux
def test_without_an_error_there_is_none() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as sock:
        icmp.listen(sock)
        assert icmp.take(sock) is None


@pytest.mark.parametrize(
    ("family", "kind", "code", "prohibited"),
    [
        (4, 3, 13, True),
        (4, 3, 10, True),
        (4, 3, 9, True),
        (4, 3, 1, False),
        (4, 3, 3, False),
        (4, 11, 0, False),
        (6, 1, 1, True),
        (6, 1, 5, True),
        (6, 1, 6, True),
        (6, 1, 0, False),
        (6, 1, 3, False),
        (6, 1, 4, False),
        (6, 3, 0, False),
    ],
)
def test_which_errors_say_forbidden(family: int, kind: int, code: int, prohibited: bool) -> None:
    assert IcmpError(family, kind, code, "192.0.2.1").prohibited is prohibited


@pytest.mark.parametrize(
    ("family", "kind", "code", "said"),
    [
        (4, 11, 0, "expired"),
        (4, 11, 1, None),
        (4, 3, 1, "unreachable"),
        (4, 3, 0, None),
        (6, 3, 0, "expired"),
        (6, 3, 1, None),
        (6, 1, 3, "unreachable"),
        (6, 1, 0, None),
        (6, 11, 0, None),
    ],
)
def test_which_errors_say_that_the_hops_were_too_few_or_that_nobody_is_there(
    family: int, kind: int, code: int, said: str | None
) -> None:
    error = IcmpError(family, kind, code, "192.0.2.1")
    assert [word for word in ("expired", "unreachable") if getattr(error, word)] == ([said] if said else [])


class Queue:
    """A socket whose error queue holds these bytes."""

    def __init__(self, level: int, kind: int, data: bytes) -> None:
        self._ancillary = [(level, kind, data)]

    def recvmsg(self, *_: int) -> tuple[bytes, list[tuple[int, int, bytes]], int, None]:
        return b"", self._ancillary, 0, None


def taken(level: int, kind: int, data: bytes) -> IcmpError | None:
    return icmp.take(cast(Any, Queue(level, kind, data)))


@linux
def test_the_offender_stands_behind_the_error() -> None:
    header = struct.pack("=IBBBBII", 113, 2, 3, 13, 0, 0, 0)
    offender = struct.pack("=HH4s8x", socket.AF_INET, 0, socket.inet_aton("192.0.2.9"))
    assert taken(socket.IPPROTO_IP, 11, header + offender) == IcmpError(4, 3, 13, "192.0.2.9")
    header = struct.pack("=IBBBBII", 13, 3, 1, 1, 0, 0, 0)
    offender = struct.pack("=HHI16sI", socket.AF_INET6, 0, 0, socket.inet_pton(socket.AF_INET6, "2001:db8::9"), 0)
    assert taken(socket.IPPROTO_IPV6, 25, header + offender) == IcmpError(6, 1, 1, "2001:db8::9")


@linux
def test_an_error_of_this_machine_itself_is_no_icmp() -> None:
    header = struct.pack("=IBBBBII", 113, 1, 0, 0, 0, 0, 0)
    assert taken(socket.IPPROTO_IP, 11, header + bytes(16)) is None


@linux
@given(st.sampled_from([(0, 11), (41, 25), (0, 8), (1, 1)]), st.binary(max_size=64))
def test_any_bytes_are_read_or_passed_over(what: tuple[int, int], data: bytes) -> None:
    found = taken(*what, data)
    assert found is None or isinstance(found, IcmpError)
