"""The connections that the kernel lists."""

import socket
import sys

import pytest

from poterne.net.connections import parse, reached_ports

_ROW = "   0: 0200A8C0:D5A2 {place} {state} 00000000:00000000 00:00000000 00000000  1000        0 12345 1"


def rows(*places: tuple[str, str]) -> list[str]:
    return [_ROW.format(place=place, state=state) for place, state in places]


@pytest.mark.skipif(sys.byteorder != "little", reason="the rows were written on a machine of that byte order")
@pytest.mark.parametrize(
    ("place", "address"),
    [
        ("077100CB:0019", "203.0.113.7"),
        ("B80D0120000000000000000007000000:0019", "2001:db8::7"),
        ("0000000000000000FFFF0000077100CB:0019", "203.0.113.7"),
    ],
)
def test_the_far_end_of_a_connection(place: str, address: str) -> None:
    assert [(str(found), port) for found, port in parse(rows((place, "01")))] == [(address, 25)]


@pytest.mark.parametrize(
    ("state", "counts"), [("01", 1), ("06", 1), ("08", 1), ("02", 0), ("03", 0), ("07", 0), ("0A", 0)]
)
def test_only_what_was_opened_counts(state: str, counts: int) -> None:
    assert len(list(parse(rows(("077100CB:0019", state))))) == counts


@pytest.mark.parametrize("line", ["", "0: x", "0: 0:0 zz:0019 01", "0: 0:0 077100CB 01", "0: 0:0 077100CB:0019 xx"])
def test_another_form_is_left_out(line: str) -> None:
    assert list(parse([line])) == []


def test_what_is_near_does_not_count() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server, socket.create_connection(server.getsockname()):
        assert server.getsockname()[1] not in reached_ports(())
