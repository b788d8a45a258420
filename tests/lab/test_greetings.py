"""What a server says first: nothing, too late, no, later, or in another protocol."""

from concurrent.futures import Future

import pytest

from . import dialogues
from .dialogues import banner
from .runs import Run
from .scripted import Behaviour, server_context
from .world import World

Runs = dict[str, "Future[Run]"]

FOREIGN: dict[str, tuple[int, Behaviour, str, str]] = {
    "ssh": (25, banner("SSH-2.0-OpenSSH_9.6\r\n"), "smtp", "ssh"),
    "http": (587, dialogues.http, "smtp", "http"),
    "imap": (25, dialogues.Imap(), "smtp", "imap"),
    "pop3": (143, dialogues.Pop3(), "imap", "pop3"),
    "vnc": (587, banner("RFB 003.008\n"), "smtp", "vnc"),
    "number": (25, banner("999 hello\r\n"), "smtp", "unknown"),
    "noise": (25, banner("\x00\x01\x02 hello\r\n"), "smtp", "unknown"),
    "smtp": (110, dialogues.Smtp(greeting=("220 mx.test ESMTP ready",)), "pop3", "smtp"),
}


@pytest.fixture(scope="module")
def runs(world: World) -> Runs:
    tls = server_context(world.odd_certificate)
    behaviours: dict[str, dict[int, Behaviour]] = {
        **{f"foreign-{label}": {port: behave} for label, (port, behave, _, _) in FOREIGN.items()},
        "no554": {25: dialogues.Smtp(tls, greeting=("554-5.7.1 go away", "554 5.7.1 no mail from here"))},
        "no554-465": {465: dialogues.Smtp(tls, implicit=True, greeting=("554 5.7.1 no mail from here",))},
        "busy421": {587: dialogues.Smtp(tls, greeting=("421 4.3.2 too many connections, later",))},
        "bye": {143: dialogues.Imap(tls, greeting="* BYE not today")},
        "err": {110: banner("-ERR no service\r\n")},
        "421-later": {587: dialogues.closing_at_ehlo},
        "bare": {25: dialogues.Smtp(tls, greeting=("220",))},
        "mute": {25: dialogues.mute},
        "slow": {25: dialogues.Smtp(tls, greeting_delay=6.0), 465: dialogues.Smtp(tls, implicit=True)},
        "closes": {25: dialogues.close_at_once},
        "resets": {25: dialogues.reset_at_once},
        "closes-and-resets": {25: dialogues.close_and_reset_at_once},
        "lines": {587: dialogues.Smtp(tls, greeting=("220-welcome to", "220-a long", "220 greeting ESMTP"))},
    }
    sites = {label: world.scripted(label, ports) for label, ports in behaviours.items()}
    return {
        label: world.start(f"{site.name}:{next(iter(site.servers))}")
        for label, site in sorted(sites.items(), key=lambda item: item[0] not in ("mute", "slow"))
    }


@pytest.mark.parametrize("label", FOREIGN)
def test_another_protocol_is_recognised(runs: Runs, label: str) -> None:
    run = runs[f"foreign-{label}"].result()
    port, _, expected, spoke = FOREIGN[label]
    assert run.status == 1
    assert run.verdict == "wrong-protocol"
    assert run.telling_codes == {"wrong-protocol"}
    finding = run.finding("wrong-protocol")
    assert finding["port"] == port
    assert (finding["params"]["expected"], finding["params"]["spoke"]) == (expected, spoke)
    assert run.observation(port)["state"] == "open"


@pytest.mark.parametrize(
    ("label", "port", "code", "said"),
    [
        ("no554", 25, "greeting-refused", "no mail from here"),
        ("no554-465", 465, "greeting-refused", "no mail from here"),
        ("busy421", 587, "greeting-busy", "too many connections"),
        ("bye", 143, "greeting-refused", "not today"),
        ("err", 110, "greeting-refused", "no service"),
    ],
)
def test_a_server_that_says_no(runs: Runs, label: str, port: int, code: str, said: str) -> None:
    run = runs[label].result()
    assert run.status == 1
    assert run.verdict == code
    assert run.telling_codes == {code}
    assert said in run.finding(code)["params"]["greeting"]
    assert said in run.observation(port)["greeting"]
    assert run.observation(port)["state"] == "open"


def test_a_server_that_never_greets(runs: Runs) -> None:
    run = runs["mute"].result()
    assert run.status == 1
    assert run.verdict == "no-greeting"
    assert run.telling_codes == {"no-greeting"}
    assert run.observation(25)["state"] == "open"
    assert run.observation(25)["greeting"] is None


def test_a_late_greeting_is_waited_for(runs: Runs) -> None:
    run = runs["slow"].result()
    assert run.status == 0
    assert run.verdict == "ok"
    assert run.telling_codes == {"ok", "slow-greeting"}
    finding = run.finding("slow-greeting")
    assert finding["port"] == 25
    assert 5.5 <= finding["params"]["seconds"] <= 9
    assert run.observation(25)["security"] == "starttls"
    settings = run.when(lambda event: event["type"] == "settings")
    assert run.moments[settings] - run.moments[0] < 5, "the good port does not wait for the slow one"


@pytest.mark.parametrize("label", ["closes", "resets", "closes-and-resets"])
def test_a_connection_that_ends_before_a_greeting(runs: Runs, label: str) -> None:
    run = runs[label].result()
    assert run.status == 1
    assert run.observation(25)["state"] in (("open",) if label == "closes" else ("open", "reset"))
    assert run.codes & {"no-greeting", "unproven"}
    assert not run.codes & {"port25-blocked", "port-silent", "server-down", "client-rejected"}
    assert run.settings("outgoing") == []


def test_a_server_that_leaves_in_the_middle(runs: Runs) -> None:
    run = runs["421-later"].result()
    assert run.status == 1
    assert run.codes & {"unproven", "greeting-busy"}
    assert "ok" not in run.codes
    assert run.settings("outgoing") == []


def test_a_greeting_without_text(runs: Runs) -> None:
    """RFC 5321 section 4.2 asks clients to take a reply that is only its code."""
    run = runs["bare"].result()
    assert run.status == 0
    assert run.telling_codes == {"ok"}


def test_a_greeting_of_many_lines(runs: Runs) -> None:
    run = runs["lines"].result()
    assert run.status == 0
    assert run.telling_codes == {"ok"}
    assert "welcome to" in run.observation(587)["greeting"]
