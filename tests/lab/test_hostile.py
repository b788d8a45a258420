"""Servers that mean harm: whatever they do, a check ends, stays small, and believes nothing."""

from concurrent.futures import Future

import pytest

from . import dialogues
from .dialogues import banner
from .runs import Run
from .scripted import server_context
from .world import World

Runs = dict[str, "Future[Run]"]

_BUDGET = 8
_MIB = 1024
HOSTILE = {
    "endless-capabilities": dialogues.endless_capabilities,
    "endless-line": dialogues.endless_line,
    "drip": dialogues.drip,
    "drip-later": dialogues.drip_after_greeting,
    "zeros": banner("\0" * 70000),
    "escapes": banner("220 \x1b[2J\x1b]0;owned\x07 \u202egnp.exe <script>alert(1)</script> \x00\x7f\x9b ESMTP\r\n"),
    "many-lines": banner("220-again\r\n" * 20000),
}


@pytest.fixture(scope="module")
def runs(world: World) -> Runs:
    tls = server_context(world.odd_certificate)
    runs: Runs = {}
    for label, behave in HOSTILE.items():
        site = world.scripted(label, {25: behave, 465: dialogues.Smtp(tls, implicit=True)})
        runs[label] = world.start(site.name, "--ports", "25,465", "--budget", str(_BUDGET))
        runs[f"{label} endpoint"] = world.start(f"{site.name}:25", "--budget", str(_BUDGET))
    site = world.scripted(
        "escapes-by-name", {25: dialogues.Smtp(tls, keywords=("X-\x1b[31mRED", "SIZE \x00\x07\u202e"))}
    )
    runs["keywords"] = world.start(f"{site.name}:25")
    return runs


@pytest.mark.parametrize("label", HOSTILE)
def test_a_hostile_port_harms_nobody_else(runs: Runs, label: str) -> None:
    run = runs[label].result()
    assert run.status == 0
    assert run.verdict == "ok"
    assert run.settings("outgoing") == [(run.report["target"]["host"], 465, "tls")]
    assert run.report["elapsed_ms"] < (_BUDGET + 2) * 1000
    assert 0 < run.peak_kib < 80 * _MIB


@pytest.mark.parametrize("label", HOSTILE)
def test_a_hostile_endpoint_is_never_good(runs: Runs, label: str) -> None:
    run = runs[f"{label} endpoint"].result()
    assert run.status == 1
    assert "ok" not in run.codes
    assert (run.report["target"]["host"], 25) not in {row[:2] for row in run.settings("outgoing")}
    assert not run.codes & {"port25-blocked", "server-down", "starttls-stripped"}
    assert len(str(run.observation(25))) < 8192


def test_settings_do_not_wait_for_a_drip(runs: Runs) -> None:
    run = runs["drip"].result()
    settings = run.when(lambda event: event["type"] == "settings")
    assert run.moments[settings] < _BUDGET - 2


def test_keywords_are_only_text(runs: Runs) -> None:
    run = runs["keywords"].result()
    assert run.status == 0
    assert any("RED" in line for line in run.observation(25)["capabilities"])
