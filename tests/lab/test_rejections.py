"""Who refused: boxes on the way, the server's own firewall, this machine's, and what each of them says."""

from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import ExitStack

import pytest

from .firewall import Action
from .runs import Run
from .topology import CLIENT_V4, CLIENT_V6, HOME_V4, HOME_V6, ISP_V4, ISP_V6
from .world import World

Runs = dict[str, "Future[Run]"]

SAID: dict[Action, tuple[str, ...]] = {
    "admin-prohibited": ("prohibited",),
    "port-unreachable": ("refused",),
    "host-unreachable": ("unreachable",),
    "no-route": ("unreachable",),
    "net-prohibited": ("prohibited",),
    "host-prohibited": ("prohibited",),
}
_IPV4_ONLY: tuple[Action, ...] = ("net-prohibited", "host-prohibited")


@pytest.fixture(scope="module")
def runs(world: World) -> Iterator[Runs]:
    with ExitStack() as rules:
        runs: Runs = {}
        for action in SAID:
            host = world.real(f"isp-{action}", v6=action not in _IPV4_ONLY)
            rules.enter_context(world.at_isp.block(host, 25, action=action))
            runs[f"isp {action}"] = world.start(host.name)
        home, farm, client = (world.real(f"{place}-prohibits") for place in ("home", "farm", "client"))
        rules.enter_context(world.at_home.block(home, 25, action="admin-prohibited"))
        rules.enter_context(world.at_farm.block(farm, 25, action="admin-prohibited", chain="input"))
        rules.enter_context(world.at_client.block(client, 25, action="admin-prohibited", chain="output"))
        for place, host in {"home": home, "farm": farm, "client": client}.items():
            runs[f"{place} admin-prohibited"] = world.start(host.name)
        runs["endpoint"] = world.start(f"{home.name}:25")
        reset, closed, cut = (world.real(label) for label in ("resets25", "closed-all", "cut25"))
        rules.enter_context(world.at_isp.block(reset, 25, action="reset"))
        rules.enter_context(world.at_farm.block(closed, action="reset", chain="input"))
        rules.enter_context(world.at_isp.reset_established(cut, 25))
        runs["reset"] = world.start(f"{reset.name}:25")
        runs["all closed"] = world.start(closed.name)
        runs["cut"] = world.start(cut.name)
        runs["cut endpoint"] = world.start(f"{cut.name}:25")
        mute = world.real("no-data25")
        rules.enter_context(world.at_isp.drop_data(mute, 25))
        runs["no data"] = world.start(f"{mute.name}:25")
        silent = world.real("silent-all")
        rules.enter_context(world.at_isp.block(silent))
        runs["all silent"] = world.start(silent.name)
        absent = world.host("absent.test", absent=True)
        runs["absent"] = world.start(absent.name, "--ports", "465,993")
        yield runs


def _check(run: Run, action: Action, reporters: dict[int, str], verdict: str = "ok") -> None:
    assert run.status == 0
    assert run.verdict == verdict
    assert not run.codes & {"port25-blocked", "port25-relay-only", "client-rejected", "server-down"}
    host = run.report["target"]["host"]
    assert run.settings("outgoing") == [(host, 465, "tls"), (host, 587, "starttls")]
    for seen in run.tried:
        if seen["port"] == 25:
            assert seen["state"] in SAID[action], seen
            assert seen["reporter"] == reporters[seen["family"]], seen
        else:
            assert seen["reporter"] is None, seen


@pytest.mark.parametrize("action", SAID)
def test_the_provider_refuses(runs: Runs, action: Action) -> None:
    _check(runs[f"isp {action}"].result(), action, {4: ISP_V4, 6: ISP_V6})


def test_the_home_box_refuses(runs: Runs) -> None:
    _check(runs["home admin-prohibited"].result(), "admin-prohibited", {4: HOME_V4, 6: HOME_V6}, "gateway-firewall")


def test_this_machine_refuses(runs: Runs) -> None:
    own = {4: CLIENT_V4, 6: CLIENT_V6}
    _check(runs["client admin-prohibited"].result(), "admin-prohibited", own, "local-firewall")


def test_the_server_itself_refuses(runs: Runs) -> None:
    run = runs["farm admin-prohibited"].result()
    own = {seen["family"]: seen["address"] for seen in run.tried}
    _check(run, "admin-prohibited", own)


def test_a_refused_endpoint_is_a_blocker_with_alternatives(runs: Runs) -> None:
    run = runs["endpoint"].result()
    assert run.status == 1
    assert run.verdict == "gateway-firewall"
    assert {finding["port"] for finding in run.findings(run.verdict)} == {25}
    assert {run.observation(25, family)["state"] for family in (4, 6)} == {"prohibited"}
    assert [row[1] for row in run.settings("outgoing")] == [465, 587]


def test_a_closed_port_is_closed(runs: Runs) -> None:
    run = runs["reset"].result()
    assert run.status == 1
    assert run.verdict == "port-closed"
    assert run.codes == {"port-closed"}
    assert {run.observation(25, family)["state"] for family in (4, 6)} == {"refused"}
    assert {run.observation(25, family)["reporter"] for family in (4, 6)} == {None}
    assert [row[1] for row in run.settings("outgoing")] == [465, 587]


def test_a_server_with_every_port_closed(runs: Runs) -> None:
    run = runs["all closed"].result()
    assert run.status == 1
    assert run.verdict == "no-mail-service"
    assert set(run.states().values()) == {"refused"}
    assert run.telling_codes == {"no-mail-service"}
    refused = {seen["id"] for seen in run.observations if seen["port"] in (25, 465, 587, 143, 993, 110, 995)}
    assert set(run.finding("no-mail-service")["evidence"]) >= refused


def test_a_connection_that_is_reset_after_it_opened(runs: Runs) -> None:
    run = runs["cut"].result()
    assert run.status == 0
    assert run.verdict == "ok"
    host = run.report["target"]["host"]
    assert run.settings("outgoing") == [(host, 465, "tls"), (host, 587, "starttls")]
    assert {run.observation(25, family)["state"] for family in (4, 6)} <= {"reset", "open"}
    endpoint = runs["cut endpoint"].result()
    assert endpoint.status == 1
    assert endpoint.codes & {"no-greeting", "unproven"}
    assert not endpoint.codes & {"port25-blocked", "port-closed"}


def test_data_that_never_arrives_is_no_greeting(runs: Runs) -> None:
    run = runs["no data"].result()
    assert run.status == 1
    assert run.verdict == "no-greeting"
    assert run.telling_codes == {"no-greeting"}
    assert {run.observation(25, family)["state"] for family in (4, 6)} == {"open"}


def test_a_server_that_is_silent_everywhere_is_unproven(runs: Runs) -> None:
    run = runs["all silent"].result()
    assert run.status == 1
    assert run.verdict == "unproven"
    assert run.telling_codes == {"unproven"}
    assert set(run.states().values()) == {"no-answer"}


def test_an_absent_machine_is_reported_by_its_router(runs: Runs) -> None:
    run = runs["absent"].result()
    assert run.status == 1
    assert set(run.states().values()) == {"unreachable"}
    assert {seen["reporter"] for seen in run.observations} == {ISP_V4, ISP_V6}
    assert run.telling_codes == {"unproven"}
