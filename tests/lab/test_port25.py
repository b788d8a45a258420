"""Port 25 is silent: the settings come all the same, and one silent port proves nothing."""

from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import ExitStack

import pytest

from .runs import Json, Run
from .world import World

Runs = dict[str, "Future[Run]"]


@pytest.fixture(scope="module")
def runs(world: World) -> Iterator[Runs]:
    router, answers, server, busy = (world.real(label) for label in ("router25", "answers25", "server25", "busy25"))
    mx = world.host("mx.mixed.test")
    world.zone.add("mixed.test", mx=[f"10 {mx.name}."])
    world.name("smtp.mixed.test", mx)
    world.name("imap.mixed.test", mx)
    with ExitStack() as rules:
        rules.enter_context(world.at_isp.block(router, 25))
        rules.enter_context(world.at_isp.drop_answers(answers, 25))
        rules.enter_context(world.at_farm.block(server, 25, chain="input"))
        rules.enter_context(world.at_isp.lose_first_syn(busy, 25))
        rules.enter_context(world.at_isp.block(mx, 25))
        strict = world.real("closed-by-default")
        rules.enter_context(world.at_farm.block(strict, 25, 80, 443, 143, 110, 995, 2525, 4190, chain="input"))
        yield {
            "closed by default": world.start(strict.name),
            "another endpoint": world.start(f"{router.name}:587"),
            "router": world.start(router.name),
            "endpoint": world.start(f"{router.name}:25"),
            "answers": world.start(answers.name),
            "server": world.start(server.name),
            "account": world.start("someone@mixed.test"),
            "busy": world.start(f"{busy.name}:25"),
        }


def _observed(run: Run, port: int, family: int) -> list[tuple[float, Json]]:
    """(moment, observation) of one of the target's endpoints, as announced."""
    return [
        (moment, event["observation"])
        for moment, event in zip(run.moments, run.events, strict=True)
        if event["type"] == "observation"
        and event["observation"]["role"] == "target"
        and (event["observation"]["port"], event["observation"]["family"]) == (port, family)
    ]


@pytest.mark.parametrize("where", ["router", "answers", "server"])
def test_a_server_with_25_silent_still_works(runs: Runs, where: str) -> None:
    run = runs[where].result()
    assert run.status == 0
    assert run.verdict == "ok"
    assert run.telling_codes == {"ok", "unproven"}
    assert run.states()[25] == "no-answer"
    finding = run.finding("unproven")
    assert finding["params"]["ports"] == [25]
    assert finding["params"]["state"] == "no-answer"
    assert set(finding["evidence"]) == {seen["id"] for seen in run.tried if seen["port"] == 25}
    host = run.report["target"]["host"]
    assert run.settings("outgoing") == [(host, 465, "tls"), (host, 587, "starttls")]
    assert run.settings("incoming")[0] == (host, 993, "tls")


def test_silence_took_more_than_one_try(runs: Runs) -> None:
    seen = runs["router"].result().observation(25)
    assert seen["attempts"] >= 3
    assert seen["reporter"] is None
    assert seen["greeting"] is None
    assert seen["security"] is None


def test_settings_do_not_wait_for_25(runs: Runs) -> None:
    run = runs["router"].result()
    complete = run.when(
        lambda event: (
            event["type"] == "settings"
            and {(row["port"], row["verified"]) for row in event["settings"]["outgoing"]} >= {(465, True), (587, True)}
            and (993, True) in {(row["port"], row["verified"]) for row in event["settings"]["incoming"]}
        )
    )
    for family in (4, 6):
        end, seen = _observed(run, 25, family)[-1]
        assert not seen["provisional"]
        assert end - run.moments[complete] > 1.0


def test_a_provisional_silence_comes_early(runs: Runs) -> None:
    run = runs["router"].result()
    for family in (4, 6):
        (early, provisional), (late, final) = _observed(run, 25, family)
        assert (provisional["provisional"], provisional["state"]) == (True, "no-answer")
        assert (final["provisional"], final["state"]) == (False, "no-answer")
        assert late - early > 0.5
        assert late < 8.0


def test_an_endpoint_with_25_silent_is_unproven_and_has_alternatives(runs: Runs) -> None:
    run = runs["endpoint"].result()
    assert run.status == 1
    assert run.verdict == "unproven"
    assert run.telling_codes == {"unproven"}
    finding = run.finding("unproven")
    assert (finding["severity"], finding["port"]) == ("blocker", 25)
    host = run.report["target"]["host"]
    assert run.settings("outgoing") == [(host, 465, "tls"), (host, 587, "starttls")]
    assert run.observation(25)["state"] == "no-answer"


def test_another_endpoint_does_not_suffer(runs: Runs) -> None:
    run = runs["another endpoint"].result()
    assert run.status == 0
    assert run.verdict == "ok"
    assert run.telling_codes <= {"ok", "unproven"}
    assert run.settings("outgoing")[0] == (run.report["target"]["host"], 465, "tls")


def test_a_server_that_drops_all_it_does_not_offer(runs: Runs) -> None:
    run = runs["closed by default"].result()
    assert run.status == 0
    assert run.verdict == "ok"
    assert run.telling_codes == {"ok", "unproven"}
    assert {finding["severity"] for finding in run.findings("unproven")} <= {"note", "warning"}
    host = run.report["target"]["host"]
    assert run.settings("outgoing") == [(host, 465, "tls"), (host, 587, "starttls")]
    assert run.settings("incoming") == [(host, 993, "tls")]


def test_an_account_whose_mx_is_silent_still_works(runs: Runs) -> None:
    run = runs["account"].result()
    assert run.status == 0
    assert run.verdict == "ok"
    assert run.telling_codes == {"ok", "unproven"}
    assert run.settings("outgoing")[0] == ("smtp.mixed.test", 465, "tls")
    assert {port for _, port, _ in run.settings("outgoing")} == {465, 587}


def test_a_lost_first_syn_is_no_silence(runs: Runs) -> None:
    run = runs["busy"].result()
    assert run.status == 0
    assert run.telling_codes == {"ok"}
    assert {run.observation(25, family)["state"] for family in (4, 6)} == {"open"}
