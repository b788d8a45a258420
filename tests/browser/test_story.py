"""What it all began with: a provider that lets port 25 through to its own relay only, and somebody who sets up an
account there. What they copy from the popup has to work for a mail client on the same line.
"""

import shutil
from collections.abc import Iterator
from functools import partial

import pytest
from tests.lab.topology import Machine
from tests.lab.world import World

from .conftest import Lab, message
from .drive.hosts import Host, register_real
from .drive.page import Browser, until
from .drive.popup import Popup
from .drive.process import is_root

pytestmark = pytest.mark.skipif(not is_root(), reason="needs root: network namespaces, a browser in one")


@pytest.fixture(scope="module")
def world() -> Iterator[World]:
    made = World()
    try:
        yield made
    finally:
        made.close()


@pytest.fixture(scope="module")
def machine(world: World) -> Machine:
    return world.machine()


def _host_on(machine: Machine, world: World, lab: Lab, browser: Browser) -> Host:
    """The real host, on a computer behind that provider."""
    host = register_real(browser, lab.directory(), world.compared())
    launcher = host.directory / "launcher"
    here = launcher.with_name("started-here")
    launcher.rename(here)
    launcher.write_text(f'#!/bin/sh\nexec ip netns exec {machine.namespace.name} {here} "$@"\n')
    launcher.chmod(0o755)
    return host


def test_port_25_is_blocked_and_what_is_copied_works_for_a_mail_client(
    lab: Lab, family: str, world: World, machine: Machine
) -> None:
    server = world.real(f"story-{family}")
    browser = lab.fresh(family)
    host = _host_on(machine, world, lab, browser)
    try:
        with world.at_isp.ail(machine, 25, excepting=[world.relay]):
            popup = Popup(browser.open(browser.url("popup/popup.html")))
            popup.check(f"jane@{server.name}", within=60)
            _why_who_and_what(popup, server.name)
            best = popup.settings("outgoing")[0]
            copied = _copy(browser, popup, best)
            _a_client_connects(machine, world, copied, best["security"])
    finally:
        host.end()


def _why_who_and_what(popup: Popup, name: str) -> None:
    assert popup.verdict is not None
    code, _ = popup.verdict
    assert code in ("port25-blocked", "port25-relay-only"), "why"
    shown = popup.page.evaluate("document.body.innerText")
    assert any(message("en", f"party_{party}") in shown for party in ("provider", "network")), "who"
    remedy = popup.page.element("[data-use]").text()
    assert "465" in remedy or "587" in remedy, "the way round"
    best = popup.settings("outgoing")[0]
    assert (best["host"], best["verified"]) == (name, "true")
    assert (best["port"], best["security"]) in {("465", "tls"), ("587", "starttls")}
    assert all(row["port"] != "25" for row in popup.settings("outgoing"))


def _copy(browser: Browser, popup: Popup, best: dict[str, str]) -> tuple[str, str]:
    """The server and the port, by the buttons beside them."""
    row = f'[data-settings="outgoing"] [data-host="{best["host"]}"][data-port="{best["port"]}"]'
    copied = []
    for value in (best["host"], best["port"]):
        popup.page.element(f'{row} [data-action=copy][data-copy="{value}"]').click()
        until(partial(_is_on_clipboard, browser, value), f"{value} on the clipboard")
        copied.append(browser.clipboard())
    return copied[0], copied[1]


def _is_on_clipboard(browser: Browser, value: str) -> bool:
    return browser.clipboard() == value


def _a_client_connects(machine: Machine, world: World, copied: tuple[str, str], security: str) -> None:
    """curl, as a client of somebody else's making: the same name and port from the same line, with a checked
    certificate; and port 25 as the control.
    """
    curl = shutil.which("curl")
    assert curl, "`make setup` installs it"
    scheme = "smtps" if security == "tls" else "smtp"
    roots = str(world.pki.roots_file)
    usual = (curl, "--silent", "--show-error", "--max-time", "10", "--cacert", roots, "--request", "NOOP")
    name, port = copied
    encrypted = () if security == "tls" else ("--ssl-reqd",)
    machine.namespace.run(*usual, *encrypted, f"{scheme}://{name}:{port}")
    with pytest.raises(RuntimeError, match=r"status 28"):
        machine.namespace.run(*usual, "--ssl-reqd", "--connect-timeout", "3", f"smtp://{name}:25")
