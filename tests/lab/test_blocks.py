"""Ports that a provider, a home box or a server shuts for everybody: dropped, reset, rejected, cut or gagged."""

from collections.abc import Iterator
from concurrent.futures import Future

import pytest

from .firewall import Action
from .operators import OPERATORS
from .runs import Run
from .scenes import SENDS, Expected, Scenes, Stage
from .topology import ISP_V4, ISP_V6
from .world import World

Runs = dict[str, "Future[Run]"]
scenes = Scenes("blocks")
BLOCKED = Expected("port25-blocked", "certain", outgoing=SENDS, never=("unproven", "port-closed"))
_REJECTIONS: tuple[Action, ...] = ("admin-prohibited", "host-unreachable", "port-unreachable", "no-route")


@pytest.fixture(scope="module")
def runs(world: World) -> Iterator[Runs]:
    yield from scenes.play(world)


@scenes.scene(BLOCKED)
def provider_drops(stage: Stage) -> "Future[Run]":
    stage.rule(stage.world.at_isp.ail(stage.machine, 25))
    return stage.check()


@scenes.scene(Expected("port25-blocked", "certain", status=1, outgoing=SENDS))
def provider_drops_endpoint(stage: Stage) -> "Future[Run]":
    stage.rule(stage.world.at_isp.ail(stage.machine, 25))
    return stage.check(port=25)


@scenes.scene(Expected("port25-blocked", "certain", outgoing=SENDS, incoming=((993, "tls"),)))
def provider_drops_account(stage: Stage) -> "Future[Run]":
    stage.rule(stage.world.at_isp.ail(stage.machine, 25))
    domain = f"{stage.label}.test"
    stage.world.zone.add(domain, mx=[f"10 {stage.target.name}."])
    return stage.check(f"somebody@{domain}")


@scenes.scene(BLOCKED)
def provider_resets(stage: Stage) -> "Future[Run]":
    stage.rule(stage.world.at_isp.ail(stage.machine, 25, action="reset"))
    return stage.check()


def _rejecting(action: Action) -> None:
    def play(stage: Stage) -> "Future[Run]":
        stage.rule(stage.world.at_isp.ail(stage.machine, 25, action=action))
        return stage.check()

    scenes.add(f"provider-rejects-{action}", play, BLOCKED)


for _action in _REJECTIONS:
    _rejecting(_action)


@scenes.scene(Expected("port25-blocked", "likely", outgoing=SENDS, never=("smtp-intercepted",)))
def provider_cuts(stage: Stage) -> "Future[Run]":
    """A box that lets connections open and resets them at once."""
    stage.rule(stage.world.at_isp.cut(stage.machine, 25))
    return stage.check()


@scenes.scene(Expected("port25-blocked", "likely", "likely", outgoing=SENDS, never=("no-greeting",)))
def provider_gags(stage: Stage) -> "Future[Run]":
    """A box that swallows what servers say on 25: servers that greet late look like that, but not all of them."""
    stage.rule(stage.world.at_isp.gag(stage.machine, 25))
    return stage.check(None, "--budget", "20")


@scenes.scene(BLOCKED)
def provider_drops_ipv4(stage: Stage) -> "Future[Run]":
    stage.rule(stage.world.at_isp.ail(stage.machine, 25, family=4))
    return stage.check()


@scenes.scene(BLOCKED)
def provider_drops_ipv6(stage: Stage) -> "Future[Run]":
    stage.rule(stage.world.at_isp.ail(stage.machine, 25, family=6))
    return stage.check()


@scenes.scene(BLOCKED)
def machine_without_ipv6(stage: Stage) -> "Future[Run]":
    machine = stage.use(stage.world.machine(v6=False))
    stage.rule(stage.world.at_isp.ail(machine, 25))
    return stage.check()


@scenes.scene(BLOCKED)
def provider_drops_for_a_target_without_25(stage: Stage) -> "Future[Run]":
    """The target would not answer on 25 anyway; the network's block is true all the same."""
    stage.rule(stage.world.at_isp.ail(stage.machine, 25))
    stage.rule(stage.world.at_farm.block(stage.target, 25, action="reset", chain="input"))
    return stage.check()


@scenes.scene(BLOCKED)
def box_drops(stage: Stage) -> "Future[Run]":
    """Behind the first hop: whether the box or the provider drops cannot be told from here."""
    stage.rule(stage.world.at_home.ail(stage.machine, 25))
    return stage.check()


@scenes.scene(Expected(("port25-blocked", "gateway-firewall"), "likely", outgoing=SENDS))
def box_resets(stage: Stage) -> "Future[Run]":
    stage.rule(stage.world.at_home.ail(stage.machine, 25, action="reset"))
    return stage.check()


# ---- the relay alone is left open


@scenes.scene(Expected("port25-relay-only", "certain", outgoing=SENDS, never=("unproven",)))
def relay_only(stage: Stage) -> "Future[Run]":
    stage.rule(stage.world.at_isp.ail(stage.machine, 25))
    return stage.check(relay=stage.world.relay.name)


@scenes.scene(Expected("port25-relay-only", "certain", outgoing=SENDS, never=("unproven",)))
def relay_only_by_option(stage: Stage) -> "Future[Run]":
    stage.rule(stage.world.at_home.ail(stage.machine, 25, excepting=[stage.world.relay]))
    return stage.check(None, "--relay", stage.world.relay.name)


@scenes.scene(BLOCKED)
def relay_blocked_too(stage: Stage) -> "Future[Run]":
    stage.rule(stage.world.at_home.ail(stage.machine, 25))
    return stage.check(relay=stage.world.relay.name)


# ---- other ports


@scenes.scene(
    Expected(("port25-blocked", "port-blocked"), "certain", codes=("port25-blocked", "port-blocked"),
             outgoing=((587, "starttls"),), never=("unproven",))
)  # fmt: skip
def provider_drops_25_and_465(stage: Stage) -> "Future[Run]":
    stage.rule(stage.world.at_isp.ail(stage.machine, 25, 465))
    return stage.check()


@scenes.scene(Expected("port-blocked", "likely", outgoing=((465, "tls"),)))
def provider_drops_587(stage: Stage) -> "Future[Run]":
    stage.rule(stage.world.at_isp.ail(stage.machine, 587))
    return stage.check()


@scenes.scene(Expected("port-blocked", "likely", outgoing=((465, "tls"),)))
def provider_resets_587(stage: Stage) -> "Future[Run]":
    stage.rule(stage.world.at_isp.ail(stage.machine, 587, action="reset"))
    return stage.check()


@scenes.scene(Expected("port-blocked", "certain", outgoing=((587, "starttls"),), never=("port-closed",)))
def provider_resets_465(stage: Stage) -> "Future[Run]":
    """Another port of the same purpose works: that one is closed is odd all the same."""
    stage.rule(stage.world.at_isp.ail(stage.machine, 465, action="reset"))
    return stage.check()


@scenes.scene(Expected("port-blocked", "likely", outgoing=SENDS, incoming=((143, "starttls"),), never=("port-closed",)))
def provider_resets_993(stage: Stage) -> "Future[Run]":
    stage.rule(stage.world.at_isp.ail(stage.machine, 993, action="reset"))
    return stage.check()


@scenes.scene(
    Expected("port25-blocked", "certain", codes=("port-blocked",), outgoing=((587, "starttls"),),
             never=("port-closed",))
)  # fmt: skip
def provider_resets_25_and_465(stage: Stage) -> "Future[Run]":
    stage.rule(stage.world.at_isp.ail(stage.machine, 25, 465, action="reset"))
    return stage.check()


@scenes.scene(
    Expected("port-blocked", "certain", status=1, incoming=((993, "tls"),), never=("unproven",))
)  # fmt: skip
def provider_rejects_all_that_sends(stage: Stage) -> "Future[Run]":
    """Its router sends few ICMP errors a second: most connections meet silence."""
    stage.rule(stage.world.at_isp.ail(stage.machine, 25, 465, 587, 2525, action="admin-prohibited"))
    return stage.check()


@scenes.scene(Expected("port-blocked", "likely", outgoing=SENDS, incoming=((143, "starttls"),)))
def provider_drops_993(stage: Stage) -> "Future[Run]":
    stage.rule(stage.world.at_isp.ail(stage.machine, 993))
    return stage.check()


@scenes.scene(Expected("port-blocked", "likely", status=1, outgoing=((465, "tls"),)))
def provider_drops_587_endpoint(stage: Stage) -> "Future[Run]":
    stage.rule(stage.world.at_isp.ail(stage.machine, 587))
    return stage.check(port=587)


@scenes.scene(
    Expected("port-blocked", "likely", status=1, incoming=((993, "tls"),))
)  # fmt: skip
def provider_drops_all_that_sends(stage: Stage) -> "Future[Run]":
    """The controls live on ports for receiving only."""
    stage.rule(stage.world.at_isp.ail(stage.machine, 25, 465, 587, 2525))
    return stage.check()


# ---- the server's own


@scenes.scene(Expected("ok", codes=("port-silent",), outgoing=SENDS, never=("unproven",)))
def server_drops(stage: Stage) -> "Future[Run]":
    stage.rule(stage.world.at_farm.block(stage.target, 25, chain="input"))
    return stage.check()


@scenes.scene(Expected("port-silent", "certain", status=1, outgoing=SENDS))
def server_drops_endpoint(stage: Stage) -> "Future[Run]":
    stage.rule(stage.world.at_farm.block(stage.target, 25, chain="input"))
    return stage.check(port=25)


@scenes.scene(Expected("port-silent", "certain", status=1, outgoing=((465, "tls"),)))
def server_drops_587_endpoint(stage: Stage) -> "Future[Run]":
    stage.rule(stage.world.at_farm.block(stage.target, 587, chain="input"))
    return stage.check(port=587)


@scenes.scene(Expected("ok", outgoing=SENDS))
def server_rejects(stage: Stage) -> "Future[Run]":
    stage.rule(stage.world.at_farm.block(stage.target, 25, action="admin-prohibited", chain="input"))
    return stage.check()


@scenes.scene(Expected("port-closed", "certain", status=1, outgoing=SENDS))
def server_rejects_endpoint(stage: Stage) -> "Future[Run]":
    stage.rule(stage.world.at_farm.block(stage.target, 25, action="admin-prohibited", chain="input"))
    return stage.check(port=25)


_MAIL = (25, 465, 587, 993, 995, 110, 143)


def _banning(name: str, action: Action, expected: Expected, *ports: int) -> None:
    """What a server's own jail does: to the ports of mail, and to no others."""

    def play(stage: Stage) -> "Future[Run]":
        stage.rule(stage.world.at_farm.block(stage.target, *_MAIL, *ports, action=action, chain="input"))
        return stage.check()

    scenes.add(f"server-bans-{name}", play, expected)


_banning("silently", "drop", Expected("client-rejected", status=1, never=("unproven",)))
_banning("openly", "port-unreachable", Expected("client-rejected", "likely", status=1, never=("no-mail-service",)))
_banning("by-rule", "admin-prohibited", Expected("client-rejected", "likely", status=1, never=("unproven",)))
_banning("by-reset", "reset", Expected("no-mail-service", status=1, never=("client-rejected",)), 2525, 4190)


@scenes.scene(Expected("ok", codes=("port-silent",), outgoing=SENDS))
def way_to_one_server_drops(stage: Stage) -> "Future[Run]":
    """Port 25 is lost on the way, but towards the target alone."""
    stage.rule(stage.world.at_isp.ail(stage.machine, 25, to=[stage.target]))
    return stage.check()


@pytest.mark.parametrize("name", scenes.names)
def test_scene(runs: Runs, name: str) -> None:
    scenes.expected[name].check(runs[name].result())


@pytest.mark.parametrize(("name", "family"), [("provider-drops-ipv4", 4), ("provider-drops-ipv6", 6)])
def test_the_family_is_named(runs: Runs, name: str, family: int) -> None:
    run = runs[name].result()
    assert {finding["family"] for finding in run.findings("port25-blocked")} == {family}


def test_both_families_need_no_name(runs: Runs) -> None:
    assert runs["provider-drops"].result().finding("port25-blocked")["family"] is None


@pytest.mark.parametrize("action", _REJECTIONS)
def test_who_rejected_is_told(runs: Runs, action: Action) -> None:
    run = runs[f"provider-rejects-{action}"].result()
    reporters = {seen["reporter"] for seen in run.observations if (seen["port"], seen["role"]) == (25, "target")}
    assert reporters == {ISP_V4, ISP_V6}


def test_ports_are_named(runs: Runs) -> None:
    assert runs["provider-drops-25-and-465"].result().finding("port-blocked")["params"]["ports"] == [465]
    assert runs["provider-drops-993"].result().finding("port-blocked")["params"]["ports"] == [993]
    assert runs["server-drops"].result().finding("port-silent")["port"] == 25


def test_the_evidence_holds_controls(runs: Runs) -> None:
    """Three operators, on 25 and on another port, none of them in the settings."""
    run = runs["provider-drops"].result()
    controls = [seen for seen in run.observations if seen["role"] == "control" and seen["source"] == "policy"]
    assert {seen["host"] for seen in controls} == set(OPERATORS)
    cited = set(run.finding("port25-blocked")["evidence"])
    assert cited & {seen["id"] for seen in controls if seen["port"] == 25}
    assert not {row[0] for row in run.settings("outgoing")} & {seen["host"] for seen in controls}


@pytest.mark.parametrize(
    ("name", "begins", "ends"),
    [
        ("provider-drops", {"provider"}, {"provider", "internet"}),
        ("provider-rejects-admin-prohibited", {"box", "provider"}, {"provider"}),
        ("box-drops", {"box"}, {"box", "provider"}),
    ],
)
def test_the_way_shows_where_it_stops(runs: Runs, name: str, begins: set[str], ends: set[str]) -> None:
    way = runs[name].result().report["way"]
    assert way["stops_from"] in begins
    assert way["stops_to"] in ends
    assert 25 in way["stopped"]
    assert set(way["passing"]) & {465, 587}


def test_the_verdict_does_not_come_late(runs: Runs) -> None:
    """The settings come long before the verdict on 25, which has to wait."""
    run = runs["provider-drops"].result()
    complete = run.when(
        lambda event: (
            event["type"] == "settings"
            and {(row["port"], row["verified"]) for row in event["settings"]["outgoing"]} >= {(465, True), (587, True)}
        )
    )
    assert run.moments[-1] - run.moments[complete] > 1.0
