import pytest
from hypothesis import given
from hypothesis import strategies as st

from poterne.check import networks
from poterne.knowledge import networks as table
from poterne.knowledge.networks import Provider
from poterne.report import Hint, Hop
from poterne.target.parser import host_name

ROWS = table.table().network


def network(hint: Hint | None) -> str | None:
    return None if hint is None else hint.network


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.id)
def test_each_provider_can_be_shown_and_says_who_says_so(row: Provider) -> None:
    hint = networks.recognise([f"core1.pop.{row.suffixes[0]}"])
    assert hint is not None
    assert (hint.network, hint.name, hint.kind) == (row.id, row.name, row.kind)
    assert hint.source
    assert all(host_name(suffix) == suffix for suffix in row.suffixes)
    assert (hint.relay is not None) == (hint.kind == "relay")
    assert hint.relay is None or host_name(hint.relay) == hint.relay
    assert hint.date is None or 2000 <= int(hint.date[:4]) <= 2026


def test_no_suffix_stands_twice_or_within_another() -> None:
    suffixes = [suffix for row in ROWS for suffix in row.suffixes]
    assert len(set(suffixes)) == len(suffixes)
    assert not [(a, b) for a in suffixes for b in suffixes if a.endswith("." + b)]


@pytest.mark.parametrize(
    ("names", "found"),
    [
        (["lns-bzn-1.intf.routers.proxad.net"], "free"),
        (["PROXAD.net."], "free"),
        (["notproxad.net"], None),
        (["proxad.net.example"], None),
        (["proxad"], None),
        (["ae1.rbci.orange.net"], "orange-fr"),
        (["ae1.other.orange.net"], None),
        (["be-1.cbr.comcast.net"], "comcast"),
        ([], None),
        (["", ".", "..", "a..proxad.net"], None),
    ],
)
def test_suffixes_are_whole_labels(names: list[str], found: str | None) -> None:
    assert network(networks.recognise(names)) == found


def test_the_home_boxs_own_name_is_passed_over() -> None:
    for box in ("_gateway", "fritz.box", "box.lan", "router.local", "livebox.home", "gw.home.arpa"):
        assert network(networks.recognise([box, "a.comcast.net"])) == "comcast"


def test_what_comes_after_another_network_is_not_the_users_provider() -> None:
    assert networks.recognise(["core.small-isp.example", "core5.fsn1.hetzner.com"]) is None
    assert network(networks.recognise(["a.comcast.net", "core5.fsn1.hetzner.com"])) == "comcast"


def hop(number: int, address: str | None, name: str | None = None, answer: str = "time-exceeded") -> Hop:
    return Hop.model_validate({"hop": number, "address": address, "name": name, "answer": answer})


def test_a_path_names_the_provider_that_it_begins_in() -> None:
    path = [
        hop(1, "192.168.1.1", "box.lan"),
        hop(2, "100.64.0.1"),
        hop(3, None, answer="silent"),
        hop(4, "9.9.9.1"),
        hop(5, "9.9.9.2", "a.proxad.net"),
        hop(6, "9.9.9.3", "core.hetzner.com"),
    ]
    assert network(networks.of_path(path)) == "free"
    assert network(networks.of_path(reversed(path))) == "free"


def test_a_name_far_away_or_of_the_server_itself_says_nothing() -> None:
    silent = [hop(number, f"9.9.9.{number}") for number in range(1, networks.MAX_PUBLIC_HOPS + 1)]
    assert networks.of_path([*silent, hop(9, "9.9.9.9", "core.hetzner.com")]) is None
    assert networks.of_path([hop(1, "9.9.9.9", "static.your-server.de", "open")]) is None
    assert networks.of_path([hop(1, "10.0.0.1", "a.proxad.net")]) is None
    assert networks.of_path([]) is None


@given(st.lists(st.text(max_size=80), max_size=6))
def test_any_names_are_a_hint_or_none(names: list[str]) -> None:
    found = networks.recognise(names)
    assert found is None or isinstance(found, Hint)
