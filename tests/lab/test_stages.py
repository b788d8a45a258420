"""How far connections come: what opens and then stalls, for everybody or for one server."""

import sys
from collections.abc import Iterator
from concurrent.futures import Future

import pytest

from poterne.knowledge.timing import usual

from . import dialogues
from .operators import CANARY, mail_service
from .proxies import stripper
from .runs import Run
from .scenes import NETWORK, SENDS, Expected, Scenes, Stage
from .scripted import Peer
from .topology import ISP_V4, ISP_V6, Host
from .world import World

Runs = dict[str, "Future[Run]"]
scenes = Scenes("stages")
ROUTER = (ISP_V4, ISP_V6)
# What a stall would be blamed on, were it taken for the server's.
# Hears the greeting, and is the first to leave.
_CONNECT = """
import socket, sys
with socket.create_connection((sys.argv[1], 25), 2) as mail:
    mail.recv(512)
    mail.shutdown(socket.SHUT_WR)
    mail.recv(512)
"""
_SERVER = ("tls-failed", "no-greeting", "connection-cut", "port-silent", "unproven")


@pytest.fixture(scope="module")
def runs(world: World) -> Iterator[Runs]:
    world.in_router(8225, stripper(world.topology.isp))
    world.in_router(8226, dialogues.mute)
    yield from scenes.play(world)


def _hosts(stage: Stage, *names: str) -> list[Host]:
    return [stage.world.operators[f"mx.{name}.test"].host for name in names]


# ---- handshakes stall


@scenes.scene(Expected("tls-stalled", "certain", status=1, never=_SERVER))
def long_packets_lost(stage: Stage) -> "Future[Run]":
    stage.rule(stage.world.at_isp.lose_long(stage.machine))
    return stage.check()


@scenes.scene(Expected("tls-stalled", "certain", status=1, never=_SERVER))
def long_packets_lost_endpoint(stage: Stage) -> "Future[Run]":
    stage.rule(stage.world.at_isp.lose_long(stage.machine))
    return stage.check(port=465)


@scenes.scene(Expected("tls-stalled", "certain", status=0, never=_SERVER))
def long_packets_lost_over_ipv6(stage: Stage) -> "Future[Run]":
    stage.rule(stage.world.at_isp.lose_long(stage.machine, family=6))
    return stage.check()


@scenes.scene(Expected("tls-stalled", "certain", status=0, outgoing=((587, "starttls"),), never=_SERVER))
def long_packets_lost_on_465(stage: Stage) -> "Future[Run]":
    stage.rule(stage.world.at_isp.lose_long(stage.machine, 465))
    return stage.check()


@scenes.scene(Expected(("no-greeting", "tls-failed"), status=1, never=(*NETWORK, "tls-stalled")))
def long_packets_lost_before_one_server(stage: Stage) -> "Future[Run]":
    stage.rule(stage.world.at_farm.lose_long(stage.machine, to=[stage.target], chain="input"))
    stage.rule(stage.world.at_isp.lose_long(stage.machine, to=[stage.target]))
    return stage.check()


@scenes.scene(Expected(("no-greeting", "tls-failed"), status=1, never=(*NETWORK, "tls-stalled")))
def long_packets_lost_before_one_server_and_one_control(stage: Stage) -> "Future[Run]":
    stage.rule(stage.world.at_isp.lose_long(stage.machine, to=[stage.target, *_hosts(stage, "alpha")]))
    return stage.check()


# ---- no byte of any server comes through


@scenes.scene(Expected("port25-blocked", "likely", outgoing=SENDS, never=("no-greeting",)))
def answers_lost_on_25(stage: Stage) -> "Future[Run]":
    stage.rule(stage.world.at_isp.gag(stage.machine, 25))
    return stage.check()


@scenes.scene(Expected("port25-blocked", "likely", status=1, outgoing=SENDS, never=("no-greeting",)))
def answers_lost_on_25_endpoint(stage: Stage) -> "Future[Run]":
    stage.rule(stage.world.at_isp.gag(stage.machine, 25))
    return stage.check(port=25)


@scenes.scene(Expected("smtp-intercepted", "likely", outgoing=SENDS, never=("no-greeting",)))
def a_mute_box_on_25(stage: Stage) -> "Future[Run]":
    stage.rule(stage.world.at_isp.divert(stage.machine, 25, to=ROUTER, port=8226))
    return stage.check()


def _slow(stage: Stage, seconds: float) -> str:
    name = f"mail.{stage.label}.test"
    service = mail_service(stage.world, name)
    service[25] = dialogues.Smtp(name=name, greeting_delay=seconds)
    stage.world.serve(stage.world.host(name, "other"), service)
    return name


@scenes.scene(Expected("ok", codes=("slow-greeting",), outgoing=SENDS, never=("no-greeting",)))
def a_server_that_greets_late(stage: Stage) -> "Future[Run]":
    """The controls greet, so that it is waited for as long as ever."""
    return stage.check(_slow(stage, 11.0))


# ---- encryption is taken out of the offers


@scenes.scene(Expected("starttls-stripped", "certain", outgoing=((465, "tls"),), never=("plaintext-only",)))
def stripped_for_everybody(stage: Stage) -> "Future[Run]":
    stage.rule(stage.world.at_isp.divert(stage.machine, 25, 110, 143, 587, to=ROUTER, port=8225, excepting=CANARY))
    return stage.check()


@scenes.scene(Expected("smtp-intercepted", "likely", outgoing=((465, "tls"),), never=("cert-name-mismatch",)))
def the_relay_answers_for_everybody(stage: Stage) -> "Future[Run]":
    relay = stage.world.relay
    stage.rule(stage.world.at_isp.divert(stage.machine, 25, to=relay.addresses, excepting=[relay]))
    return stage.check(relay=relay.name)


@scenes.scene(Expected("smtp-intercepted", "likely", status=1, outgoing=((465, "tls"),), never=("cert-name-mismatch",)))
def the_relay_answers_for_everybody_endpoint(stage: Stage) -> "Future[Run]":
    relay = stage.world.relay
    stage.rule(stage.world.at_isp.divert(stage.machine, 25, to=relay.addresses, excepting=[relay, *CANARY]))
    return stage.check(port=25, relay=relay.name)


def masked_greeting(peer: Peer) -> None:
    """What a firewall leaves of a server's first words, and of its offer of encryption."""
    peer.send("220 ********************0*2******0***0\r\n")
    while (verb := peer.line().split(" ")[0].upper()) != "QUIT":
        peer.send("250-mail\r\n250-SIZE 1000\r\n250 XXXXXXXA\r\n" if verb == "EHLO" else "500 unknown\r\n")


@scenes.scene(
    Expected("tls-failed", "certain", status=1, outgoing=((465, "tls"),), never=("plaintext-only", "starttls-stripped"))
)
def masked_before_one_server(stage: Stage) -> "Future[Run]":
    name = f"mail.{stage.label}.test"
    service = mail_service(stage.world, name)
    service[25] = masked_greeting
    stage.world.serve(stage.world.host(name, "other"), service)
    return stage.check(f"{name}:25")


# ---- a limit that was spent before


@scenes.scene(Expected(("ok", "port25-blocked"), maybe=("port25-blocked", "port-silent", "unproven"), outgoing=SENDS))
def a_limit_that_was_spent_and_a_server_that_drops(stage: Stage) -> "Future[Run]":
    """One connection in ten seconds gets through: nobody's, while the check lasts."""
    alpha = _hosts(stage, "alpha")[0]
    limit = "tcp flags & (syn|ack) == syn limit rate over 6/minute burst 2 packets"
    stage.rule(stage.world.at_isp.ail(stage.machine, 25, only=limit))
    stage.rule(stage.world.at_farm.block(stage.target, 25, chain="input"))
    for address in (*alpha.addresses, *alpha.addresses):
        stage.machine.namespace.run(sys.executable, "-c", _CONNECT, address)
    return stage.check()


@scenes.scene(Expected(("ok", "client-rejected"), status=(0, 1), codes=("client-rejected",), never=("port-silent",)))
def a_ban_that_the_check_trips(stage: Stage) -> "Future[Run]":
    """The server lets four SYNs of each family in, and then none any more."""
    for family, size in ((4, 60), (6, 80)):
        only = f"tcp flags & (syn|ack) == syn quota over {4 * size} bytes"
        stage.rule(stage.world.at_farm.ail(stage.machine, to=[stage.target], only=only, family=family, chain="input"))
    return stage.check()


# ---- accepted, and reset at once


@scenes.scene(Expected("connection-cut", "certain", status=1, never=("unproven", "tls-failed")))
def accepted_and_reset(stage: Stage) -> "Future[Run]":
    """A container's proxy: its port is there, what stood behind it is not."""
    name = f"mail.{stage.label}.test"
    stage.world.serve(stage.world.host(name, "other"), dict.fromkeys((25, 465, 587, 143, 993), dialogues.reset_at_once))
    return stage.check(name)


@scenes.scene(Expected("connection-cut", "certain", status=1, outgoing=((465, "tls"),), never=("unproven",)))
def accepted_and_reset_endpoint(stage: Stage) -> "Future[Run]":
    name = f"mail.{stage.label}.test"
    service = mail_service(stage.world, name)
    service[587] = dialogues.reset_at_once
    stage.world.serve(stage.world.host(name, "other"), service)
    return stage.check(f"{name}:587")


@pytest.mark.parametrize("name", scenes.names)
def test_scene(runs: Runs, name: str) -> None:
    scenes.expected[name].check(runs[name].result())


@pytest.mark.parametrize(
    "name",
    ["long-packets-lost", "long-packets-lost-endpoint", "answers-lost-on-25", "answers-lost-on-25-endpoint",
     "a-mute-box-on-25"],
)  # fmt: skip
def test_a_silence_that_everybody_shares_is_not_waited_for_to_the_end(runs: Runs, name: str) -> None:
    """A greeting alone would be waited for three times as long, a handshake more than half as long again."""
    alike = usual().dialogue.alike
    assert 1.0 <= runs[name].result().report["elapsed_ms"] / 1000 / alike <= 1.4


def test_the_family_that_stalls_is_named(runs: Runs) -> None:
    assert runs["long-packets-lost-over-ipv6"].result().finding("tls-stalled")["family"] == 6
    for name in ("long-packets-lost", "long-packets-lost-on-465"):
        assert runs[name].result().finding("tls-stalled")["family"] is None


def test_the_ports_that_stall_are_named(runs: Runs) -> None:
    assert runs["long-packets-lost-on-465"].result().finding("tls-stalled")["params"]["ports"] == [465]
    stalled = runs["long-packets-lost"].result().finding("tls-stalled")["params"]["ports"]
    assert {25, 465, 587, 993} <= set(stalled)


def test_who_was_cut_at_once_is_told_so(runs: Runs) -> None:
    told = runs["accepted-and-reset-endpoint"].result().report["told"]
    assert told["headline"]["key"] == "connection_cut_at_once"
    assert told["party"] == told["message"]["for"] == "server"


def test_the_controls_of_a_stall_could_not_be_reached(runs: Runs) -> None:
    said = [
        statement["key"]
        for reason in runs["long-packets-lost"].result().report["told"]["reasons"]
        for statement in reason
    ]
    assert "why_controls_none" in said
    assert {"why_stalled", "why_short"} <= set(said)
    assert not {"why_controls_all", "why_controls_some"} & set(said)


def test_a_limit_that_was_spent_is_no_certain_block(runs: Runs) -> None:
    run = runs["a-limit-that-was-spent-and-a-server-that-drops"].result()
    assert 25 in run.report["machine"]["reached_ports"]
    assert all(finding["confidence"] != "certain" for finding in run.findings("port25-blocked"))
