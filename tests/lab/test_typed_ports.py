"""Ports that no table names, and somebody typed; and servers on this computer, of which nobody else is asked."""

from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import ExitStack
from dataclasses import dataclass

import pytest

from . import dialogues
from .dialogues import banner
from .firewall import Counter
from .runs import Run
from .scripted import Behaviour, Peer, Scripted, server_context
from .topology import Host
from .world import World

HERE = Host("localhost", "farm", "127.0.0.1", "::1")


def listening(peer: Peer) -> None:
    """Keeps what it hears, and says nothing."""
    while data := peer.raw():
        peer.heard.append(data.decode("latin-1"))


def printer(peer: Peer) -> None:
    """Talks of itself now and then."""
    peer.send("@PJL USTATUS DEVICE\r\n")
    listening(peer)


def xmpp(peer: Peer) -> None:
    """Waits to be spoken to, and takes a ClientHello for bad XML (RFC 6120 section 4.9)."""
    peer.heard.append(peer.raw().decode("latin-1"))
    peer.send("<?xml version='1.0'?><stream:stream xmlns='jabber:client' version='1.0'>")
    peer.close()


@dataclass
class Scene:
    """One check, and the servers that it met by port."""

    run: "Future[Run]"
    servers: dict[int, Scripted]
    leaving: Counter | None = None

    def said_to(self, port: int) -> list[str]:
        """What each connection to a port said first."""
        return ["".join(peer.heard)[:2] for peer in self.servers[port].peers]


@pytest.fixture(scope="module")
def scenes(world: World) -> Iterator[dict[str, Scene]]:
    tls = server_context(world.odd_certificate)
    submission = dialogues.Smtp(tls)

    def silence_in_tls(peer: Peer) -> None:
        peer.start_tls(tls)
        listening(peer)

    there: dict[str, tuple[str, dict[int, Behaviour]]] = {
        "smtp-26": ("{host}:26", {26: submission}),
        "smtp-8025": ("{host}:8025", {8025: dialogues.Smtp(tls, greeting=("220 hello",))}),
        "imaps-1993": ("{host}:1993", {1993: dialogues.Imap(tls, implicit=True)}),
        "url-1993": ("imaps://{host}:1993", {1993: dialogues.Imap(tls, implicit=True)}),
        "closed": ("{host}:26", {587: submission, 143: dialogues.Imap(tls)}),
        "tls-5223": ("{host}:5223", {5223: silence_in_tls, 587: submission}),
        "xmpp-5222": ("{host}:5222", {5222: xmpp}),
        "ssh-2222": ("{host}:2222", {2222: banner("SSH-2.0-OpenSSH_9.6\r\n")}),
        "printer-9100": ("{host}:9100", {9100: listening, 587: submission}),
        "printer-9107": ("smtps://{host}:9107", {9107: printer}),
        "page": ("https://jane:secret@{host}/mail/?t=secret#secret", {587: submission, 143: dialogues.Imap(tls)}),
    }
    with ExitStack() as stack:
        playing: dict[str, Scene] = {}
        for label, (target, behaviours) in there.items():
            site = world.scripted(f"typed-{label}", behaviours, v6=True)
            run = world.start(target.format(host=site.name), policy=world.compared())
            playing[label] = Scene(run, site.servers)
        dropped = world.real("typed-dropped")
        stack.enter_context(world.at_home.block(dropped, 26))
        run = world.start(f"{dropped.name}:26", policy=world.compared())
        playing["dropped"] = Scene(run, {})
        for label, port in (("bridge", 1143), ("nobody", 1144), ("mute", 1145)):
            machine = world.machine()
            here = server_context(world.pki.leaf("localhost"))
            behaviours = {1143: dialogues.Imap(here), 1145: listening}
            servers = world.serve_in(machine.namespace, HERE, {p: b for p, b in behaviours.items() if p == port})
            leaving = stack.enter_context(world.at(machine).count_leaving())
            run = world.start(f"localhost:{port}", policy=world.compared(), namespace=machine.namespace)
            playing[label] = Scene(run, servers, leaving)
        yield playing
        for scene in playing.values():
            scene.run.result()


@pytest.mark.parametrize(
    ("label", "port", "security", "service"),
    [
        ("smtp-26", 26, "starttls", "submission"),
        ("smtp-8025", 8025, "starttls", "submission"),
        ("imaps-1993", 1993, "tls", "imaps"),
        ("url-1993", 1993, "tls", "imaps"),
        ("bridge", 1143, "starttls", "imap"),
    ],
)
def test_a_mail_service_is_what_speaks_there(
    scenes: dict[str, Scene], label: str, port: int, security: str, service: str
) -> None:
    run = scenes[label].run.result()
    assert (run.status, run.verdict) == (0, "ok")
    direction, other = ("incoming", "outgoing") if service.startswith("imap") else ("outgoing", "incoming")
    assert [row[1:] for row in run.settings(direction)] == [(port, security)]
    assert run.settings(other) == []
    assert {seen["port"] for seen in run.observations} == {port}, "nothing else is asked, and nobody"
    for family in (4, 6):
        seen = run.observation(port, family)
        assert (seen["service"], seen["security"]) == (service, security)


def test_a_closed_port_has_the_mail_ports_of_its_host_beside_it(scenes: dict[str, Scene]) -> None:
    run = scenes["closed"].run.result()
    assert (run.status, run.verdict) == (1, "port-closed")
    assert run.finding("port-closed", 26)["severity"] == "blocker"
    assert [row[1:] for row in run.settings("outgoing")] == [(587, "starttls")]
    assert [row[1:] for row in run.settings("incoming")] == [(143, "starttls")]


def test_a_dropped_port_accuses_nobody_and_nobody_else_is_asked_about_it(scenes: dict[str, Scene]) -> None:
    run = scenes["dropped"].run.result()
    assert run.status == 1
    assert run.verdict == "unproven"
    assert not run.codes & {"port-blocked", "port25-blocked", "port-silent", "server-down", "client-rejected"}
    assert 26 not in {seen["port"] for seen in run.observations if seen["role"] != "target"}
    assert (465, "tls") in [row[1:] for row in run.settings("outgoing")]


def test_silence_inside_tls_is_no_mail_service(scenes: dict[str, Scene]) -> None:
    scene = scenes["tls-5223"]
    run = scene.run.result()
    assert (run.status, run.verdict) == (1, "no-greeting")
    assert run.observation(5223)["security"] == "tls"
    assert [row[1:] for row in run.settings("outgoing")] == [(587, "starttls")]
    assert set(scene.said_to(5223)) == {""}, "what came inside TLS, or in the clear, was no text"


@pytest.mark.parametrize(("label", "port", "spoke"), [("xmpp-5222", 5222, "xmpp"), ("ssh-2222", 2222, "ssh")])
def test_another_protocol_is_named(scenes: dict[str, Scene], label: str, port: int, spoke: str) -> None:
    scene = scenes[label]
    run = scene.run.result()
    assert (run.status, run.verdict) == (1, "wrong-protocol")
    params = run.finding("wrong-protocol", port)["params"]
    assert (params["expected"], params["spoke"]) == ("mail", spoke)
    assert set(scene.said_to(port)) <= {"", "\x16\x03"}


@pytest.mark.parametrize(("label", "port"), [("printer-9100", 9100), ("printer-9107", 9107)])
def test_a_printer_receives_no_byte(scenes: dict[str, Scene], label: str, port: int) -> None:
    scene = scenes[label]
    run = scene.run.result()
    assert run.status == 1
    assert run.observation(port)["state"] == "open"
    assert len(scene.servers[port].peers) == 2, "one connection in each family"
    assert scene.said_to(port) == ["", ""]


def test_of_a_web_address_nothing_but_the_host_is_used(scenes: dict[str, Scene]) -> None:
    run = scenes["page"].run.result()
    assert (run.status, run.verdict) == (0, "ok")
    target = run.report["target"]
    assert target["kind"] == "server"
    assert target["input"] == f"https://{target['host']}"
    assert "secret" not in str(run.events)
    assert run.report["told"]["reasons"][0][0]["key"] == "why_page_address"


@pytest.mark.parametrize("label", ["bridge", "nobody", "mute"])
def test_nothing_leaves_this_computer_for_a_target_on_it(scenes: dict[str, Scene], label: str) -> None:
    scene = scenes[label]
    run = scene.run.result()
    assert scene.leaving is not None
    assert scene.leaving.packets == 0
    assert {seen["role"] for seen in run.observations} == {"target"}
    assert run.verdict == {"bridge": "ok", "nobody": "port-closed", "mute": "no-greeting"}[label]


def test_what_is_elsewhere_does_leave_this_computer(world: World) -> None:
    """The counter counts."""
    machine = world.machine()
    with world.at(machine).count_leaving() as leaving:
        world.check(f"{world.real('typed-counted').name}:587", namespace=machine.namespace)
        assert leaving.packets > 0
