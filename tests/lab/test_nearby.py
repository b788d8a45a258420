"""This machine's own firewall, and the home box's."""

from collections.abc import Iterator
from concurrent.futures import Future

import pytest

from .runs import Run
from .scenes import SENDS, Expected, Scenes, Stage
from .topology import Host
from .world import World

Runs = dict[str, "Future[Run]"]
scenes = Scenes("nearby")


@pytest.fixture(scope="module")
def runs(world: World) -> Iterator[Runs]:
    yield from scenes.play(world)


# ---- this machine


@scenes.scene(Expected("local-firewall", "possible", "possible", maybe=("port25-blocked",), outgoing=SENDS))
def machine_drops(stage: Stage) -> "Future[Run]":
    """Silence alone: from the machine's own firewall or from a box that does not even say that a hop limit ended."""
    stage.rule(stage.own_firewall.ail(None, 25, chain="output"))
    return stage.check()


@scenes.scene(Expected("local-firewall", "certain", outgoing=SENDS, never=("port-closed",)))
def machine_resets(stage: Stage) -> "Future[Run]":
    stage.rule(stage.own_firewall.ail(None, 25, action="reset", chain="output"))
    return stage.check()


@scenes.scene(Expected("local-firewall", "certain", outgoing=SENDS, never=("unproven",)))
def machine_rejects(stage: Stage) -> "Future[Run]":
    stage.rule(stage.own_firewall.ail(None, 25, action="admin-prohibited", chain="output"))
    return stage.check()


@scenes.scene(Expected("local-firewall", "certain", outgoing=SENDS, never=("port-closed",)))
def machine_rejects_as_unreachable(stage: Stage) -> "Future[Run]":
    stage.rule(stage.own_firewall.ail(None, 25, action="port-unreachable", chain="output"))
    return stage.check()


@scenes.scene(Expected("local-firewall", "certain", status=1, outgoing=SENDS))
def machine_rejects_endpoint(stage: Stage) -> "Future[Run]":
    stage.rule(stage.own_firewall.ail(None, 25, action="admin-prohibited", chain="output"))
    return stage.check(port=25)


@scenes.scene(Expected("local-firewall", "certain", outgoing=((465, "tls"),)))
def machine_rejects_25_and_587(stage: Stage) -> "Future[Run]":
    """As an antivirus rule that lets only listed programs send."""
    stage.rule(stage.own_firewall.ail(None, 25, 587, action="admin-prohibited", chain="output"))
    return stage.check()


# ---- the home box


@scenes.scene(Expected("gateway-firewall", "certain", outgoing=SENDS, never=("unproven",)))
def box_rejects(stage: Stage) -> "Future[Run]":
    stage.rule(stage.world.at_home.ail(stage.machine, 25, action="admin-prohibited"))
    return stage.check()


@scenes.scene(Expected("gateway-firewall", "certain", outgoing=SENDS, never=("port-closed",)))
def box_rejects_as_unreachable(stage: Stage) -> "Future[Run]":
    stage.rule(stage.world.at_home.ail(stage.machine, 25, action="port-unreachable"))
    return stage.check()


@scenes.scene(Expected("gateway-firewall", "likely", outgoing=SENDS))
def box_resets_before_it_routes(stage: Stage) -> "Future[Run]":
    machine = stage.use(stage.world.machine(v6=False))
    stage.rule(stage.world.at_home.ail(machine, 25, action="reset", chain="early"))
    return stage.check()


@scenes.scene(Expected("gateway-firewall", "certain", status=1, outgoing=SENDS))
def box_rejects_endpoint(stage: Stage) -> "Future[Run]":
    stage.rule(stage.world.at_home.ail(stage.machine, 25, action="admin-prohibited"))
    return stage.check(port=25)


# ---- an allow-list of great providers in the box


def _operators(stage: Stage) -> list[Host]:
    return [operator.host for operator in stage.world.operators.values()]


@scenes.scene(Expected("mail-allowlist", "likely", outgoing=((465, "tls"),), incoming=((993, "tls"),)))
def box_allows_some(stage: Stage) -> "Future[Run]":
    stage.rule(stage.world.at_home.ail(stage.machine, 25, 587, excepting=_operators(stage)))
    return stage.check()


@scenes.scene(Expected("mail-allowlist", "certain", outgoing=((465, "tls"),)))
def box_allows_some_and_says_so(stage: Stage) -> "Future[Run]":
    stage.rule(stage.world.at_home.ail(stage.machine, 25, 587, action="admin-prohibited", excepting=_operators(stage)))
    return stage.check()


@scenes.scene(Expected("mail-allowlist", "likely", status=1, outgoing=((465, "tls"),)))
def box_allows_some_endpoint(stage: Stage) -> "Future[Run]":
    stage.rule(stage.world.at_home.ail(stage.machine, 25, 587, excepting=_operators(stage)))
    return stage.check(port=587)


@scenes.scene(Expected("ok", codes=("port-silent",), outgoing=((465, "tls"),)))
def server_drops_25_and_587(stage: Stage) -> "Future[Run]":
    """Looks like an allow-list; but the box and the provider pass it on."""
    stage.rule(stage.world.at_farm.block(stage.target, 25, 587, chain="input"))
    return stage.check()


@scenes.scene(Expected("ok", outgoing=((465, "tls"),)))
def server_without_587(stage: Stage) -> "Future[Run]":
    stage.rule(stage.world.at_farm.block(stage.target, 587, action="reset", chain="input"))
    return stage.check()


@scenes.scene(Expected("ok", codes=("port-silent",), outgoing=((465, "tls"),)))
def way_to_one_server_drops_25_and_587(stage: Stage) -> "Future[Run]":
    stage.rule(stage.world.at_isp.ail(stage.machine, 25, 587, to=[stage.target]))
    return stage.check()


@pytest.mark.parametrize("name", scenes.names)
def test_scene(runs: Runs, name: str) -> None:
    scenes.expected[name].check(runs[name].result())


def test_the_provider_is_not_accused_of_what_may_be_here(runs: Runs) -> None:
    for finding in runs["machine-drops"].result().findings("port25-blocked"):
        assert finding["confidence"] == "possible"


def test_who_refused_is_the_machine_itself(runs: Runs) -> None:
    run = runs["machine-rejects"].result()
    reporters = {seen["reporter"] for seen in run.observations if (seen["port"], seen["role"]) == (25, "target")}
    assert reporters <= set(run.report["machine"]["addresses"])


@pytest.mark.parametrize(
    ("name", "begins", "ends"),
    [
        ("machine-drops", {"you"}, {"you", "box"}),
        ("machine-rejects", {"you"}, {"you"}),
        ("machine-resets", {"you"}, {"you"}),
        ("box-rejects", {"box"}, {"box"}),
    ],
)
def test_the_way_shows_where_it_stops(runs: Runs, name: str, begins: set[str], ends: set[str]) -> None:
    way = runs[name].result().report["way"]
    assert way["stops_from"] in begins
    assert way["stops_to"] in ends
    assert 25 in way["stopped"]
