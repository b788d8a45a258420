import pytest

from poterne.knowledge import ports
from poterne.knowledge.ports import PortFacts
from poterne.report import Endpoint


def endpoint(port: int, service: str) -> Endpoint:
    return Endpoint(id="o1", host="h", address="192.0.2.7", family=4, port=port, service=service, asked="tls")


@pytest.mark.parametrize("row", ports.known(), ids=lambda row: row.service)
def test_a_port_with_its_own_service_is_its_row(row: PortFacts) -> None:
    assert ports.row_of(endpoint(row.number, row.service)) == row


def test_a_published_service_on_another_port_is_spoken_to_as_published() -> None:
    found = ports.row_of(endpoint(443, "imaps"))
    assert found is not None
    assert (found.number, found.dialogue, found.begins, found.direction) == (443, "imap", "tls", "incoming")
    assert found.rank >= max(row.rank for row in ports.known() if row.direction == "incoming")


def test_an_unknown_port_has_no_facts() -> None:
    assert ports.row_of(endpoint(2626, "smtp")) is None
    assert ports.row_of(endpoint(2626, "nonsense")) is None


@pytest.mark.parametrize(
    ("dialogue", "begins", "service"),
    [
        ("smtp", "tls", "submissions"),
        ("smtp", "starttls", "submission"),
        ("imap", "none", "imap"),
        ("pop3", "tls", "pop3s"),
        ("sieve", "tls", "sieve"),
        ("gopher", "tls", None),
    ],
)
def test_the_service_of_a_published_protocol(dialogue: str, begins: str, service: str | None) -> None:
    assert ports.service_of(dialogue, begins) == service  # type: ignore[arg-type]
