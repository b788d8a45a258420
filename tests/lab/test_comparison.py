"""What a failure is held against, and the traps: dead controls, lost packets, limits, proxies, dead servers."""

from collections.abc import Iterator
from concurrent.futures import Future

import pytest

from . import dialogues
from .firewall import Action
from .operators import CANARY, OPERATORS, mail_service, start_operator
from .proxies import Proxy
from .runs import Run
from .scenes import NETWORK, SENDS, Expected, Scenes, Stage
from .scripted import server_context
from .topology import ISP_V4, ISP_V6, Host
from .world import World

Runs = dict[str, "Future[Run]"]
scenes = Scenes("compared")
FINE = Expected("ok", outgoing=SENDS, incoming=((993, "tls"),), never=("unproven",))
# What is lost at random may look like a server's silence, never like the network's doing.
SHAKY = ("port-silent", "unproven", "no-mail-service", "server-down", "client-rejected")
_MARK = 7
_MAIL_PORTS = (25, 465, 587, 143, 993, 110, 995)
# The look-ups and the portal are left alone where "every port" is meant.
_ALL_BUT_WEB = "tcp dport != { 53, 80, 443 }"


@pytest.fixture(scope="module")
def runs(world: World) -> Iterator[Runs]:
    yield from scenes.play(world)


def _hosts(stage: Stage, *names: str) -> list[Host]:
    return [stage.world.operators[f"mx.{name}.test"].host for name in names]


# ---- controls that fail themselves


@scenes.scene(FINE)
def nothing_ails(stage: Stage) -> "Future[Run]":
    return stage.check()


@scenes.scene(FINE)
def one_dead_control(stage: Stage) -> "Future[Run]":
    stage.rule(stage.world.at_backbone.ail(stage.machine, to=_hosts(stage, "alpha")))
    return stage.check()


@scenes.scene(FINE)
def all_controls_dead(stage: Stage) -> "Future[Run]":
    stage.rule(stage.world.at_backbone.ail(stage.machine, to=_hosts(stage, "alpha", "beta", "gamma")))
    return stage.check()


@scenes.scene(Expected("port25-blocked", "likely", "likely", outgoing=SENDS))
def two_controls_left(stage: Stage) -> "Future[Run]":
    stage.rule(stage.world.at_backbone.ail(stage.machine, to=_hosts(stage, "alpha")))
    stage.rule(stage.world.at_isp.ail(stage.machine, 25))
    return stage.check()


@scenes.scene(Expected("port25-blocked", "likely", "likely", outgoing=SENDS))
def two_controls_configured(stage: Stage) -> "Future[Run]":
    stage.rule(stage.world.at_isp.ail(stage.machine, 25))
    return stage.check(controls=OPERATORS[:2])


@scenes.scene(Expected("ok", codes=("unproven",), outgoing=SENDS))
def one_control_left(stage: Stage) -> "Future[Run]":
    stage.rule(stage.world.at_backbone.ail(stage.machine, to=_hosts(stage, "alpha", "beta")))
    stage.rule(stage.world.at_isp.ail(stage.machine, 25))
    return stage.check()


@scenes.scene(Expected("unproven", status=1, outgoing=SENDS))
def one_control_left_endpoint(stage: Stage) -> "Future[Run]":
    stage.rule(stage.world.at_backbone.ail(stage.machine, to=_hosts(stage, "alpha", "beta")))
    stage.rule(stage.world.at_isp.ail(stage.machine, 25))
    return stage.check(port=25)


@scenes.scene(Expected("ok", codes=("unproven",), outgoing=SENDS))
def no_control_left(stage: Stage) -> "Future[Run]":
    stage.rule(stage.world.at_backbone.ail(stage.machine, to=_hosts(stage, "alpha", "beta", "gamma")))
    stage.rule(stage.world.at_isp.ail(stage.machine, 25))
    return stage.check()


@scenes.scene(Expected("ok", codes=("unproven",), outgoing=SENDS))
def controls_that_exist_no_more(stage: Stage) -> "Future[Run]":
    stage.rule(stage.world.at_isp.ail(stage.machine, 25))
    return stage.check(controls=["mx.gone-1.test", "mx.gone-2.test", "mx.gone-3.test"])


@scenes.scene(Expected("ok", maybe=("port-silent",), outgoing=SENDS))
def one_control_answers_on_25(stage: Stage) -> "Future[Run]":
    """Two operators and the target are silent on 25, one operator answers: it is not the network."""
    stage.rule(stage.world.at_isp.ail(stage.machine, 25, excepting=_hosts(stage, "gamma")))
    return stage.check()


@scenes.scene(Expected("ok", codes=("port-silent",), outgoing=SENDS))
def cross_controls(stage: Stage) -> "Future[Run]":
    """A control that sends us away answers all the same."""
    names = [f"mx.{stage.label}-{number}.test" for number in range(3)]
    for name in names:
        host = stage.world.host(name, "abroad")
        tls = server_context(stage.world.pki.leaf(name))
        cross = dialogues.Smtp(tls, name=name, greeting=(f"554 {name} no mail from here",))
        busy = dialogues.Smtp(tls, name=name, greeting=(f"421 {name} later",))
        stage.world.serve(host, {25: cross, 587: busy, 465: dialogues.Smtp(tls, implicit=True, name=name)})
    stage.rule(stage.world.at_farm.block(stage.target, 25, chain="input"))
    return stage.check(controls=names)


@scenes.scene(Expected("port25-blocked", "certain", outgoing=SENDS))
def controls_without_465(stage: Stage) -> "Future[Run]":
    names = [f"mx.{stage.label}-{number}.test" for number in range(3)]
    for name in names:
        start_operator(stage.world, name, without=(465, 993, 995))
    stage.rule(stage.world.at_isp.ail(stage.machine, 25))
    return stage.check(controls=names)


@scenes.scene(Expected("ok", codes=("unproven",), outgoing=SENDS))
def controls_on_25_alone(stage: Stage) -> "Future[Run]":
    """Silent hosts that serve nothing else prove nothing."""
    names = [f"mx.{stage.label}-{number}.test" for number in range(3)]
    for name in names:
        start_operator(stage.world, name, without=(465, 587, 143, 993, 110, 995))
    stage.rule(stage.world.at_isp.ail(stage.machine, 25))
    return stage.check(controls=names)


@scenes.scene(Expected("ok", codes=("port-silent",), outgoing=SENDS))
def controls_over_ipv4_alone(stage: Stage) -> "Future[Run]":
    """The target's silence over IPv4 is judged by IPv4, and over IPv6 by nothing."""
    names = [f"mx.{stage.label}-{number}.test" for number in range(3)]
    for name in names:
        start_operator(stage.world, name, v6=False)
    stage.rule(stage.world.at_farm.block(stage.target, 25, chain="input"))
    return stage.check(controls=names)


# ---- packets that are lost


@scenes.scene(FINE)
def first_syns_lost(stage: Stage) -> "Future[Run]":
    only = "tcp flags & (syn|ack) == syn quota until 100 bytes"
    for host in (stage.target, *_hosts(stage, "alpha", "beta", "gamma")):
        stage.rule(stage.world.at_isp.ail(stage.machine, 25, to=[host], only=only))
    return stage.check()


@scenes.scene(Expected("ok", maybe=SHAKY))
def syns_limited_on_25(stage: Stage) -> "Future[Run]":
    stage.rule(stage.world.at_isp.limit_syns(stage.machine, 25))
    return stage.check()


@scenes.scene(Expected("ok", maybe=SHAKY))
def syns_limited_and_a_server_that_drops(stage: Stage) -> "Future[Run]":
    """The server must not use up what the limit lets through."""
    stage.rule(stage.world.at_isp.limit_syns(stage.machine, 25, burst=1))
    stage.rule(stage.world.at_farm.block(stage.target, 25, chain="input"))
    return stage.check()


def _turned_away(action: Action) -> None:
    def play(stage: Stage) -> "Future[Run]":
        """A limit that refuses: what this check itself uses up is nobody's block."""
        stage.rule(stage.world.at_isp.limit_syns(stage.machine, 25, burst=1, action=action))
        return stage.check()

    scenes.add(f"syns-refused-by-{action}", play, Expected("ok", maybe=("port-closed", "unproven")))


for _action in ("reset", "port-unreachable", "host-unreachable"):
    _turned_away(_action)


def _crowded(most: int, action: Action) -> None:
    def play(stage: Stage) -> "Future[Run]":
        """A limit on open connections, over several ports, that refuses."""
        stage.rule(stage.world.at_isp.limit_connections(stage.machine, 25, 465, 587, 993, most=most, action=action))
        return stage.check()

    scenes.add(f"more-than-{most}-connections-{action}", play, Expected("ok", maybe=("port-closed", *SHAKY)))


_crowded(2, "reset")
_crowded(3, "port-unreachable")


# What a limit for all ports leaves over may be anything but the network's block of some of them.
_STRANGLED = Expected(("ok", "unproven", "no-mail-service", "port-silent"), status=(0, 1), maybe=SHAKY)


def _strangled(burst: int, turns: int) -> None:
    def play(stage: Stage) -> "Future[Run]":
        stage.rule(stage.world.at_isp.limit_syns(stage.machine, burst=burst))
        return stage.check()

    for turn in range(turns):
        scenes.add(f"syns-limited-beyond-{burst}-{turn}", play, _STRANGLED)


_strangled(5, 3)
_strangled(1, 2)


def _lossy(percent: int) -> None:
    def play(stage: Stage) -> "Future[Run]":
        stage.rule(stage.world.at_isp.lose(stage.machine, percent))
        return stage.check()

    for turn in range(2):
        scenes.add(f"{percent}-percent-lost-{turn}", play, Expected("ok", maybe=SHAKY))


_lossy(10)
_lossy(30)


@scenes.scene(Expected("port25-blocked", "likely", maybe=SHAKY))
def blocked_and_lossy(stage: Stage) -> "Future[Run]":
    stage.rule(stage.world.at_isp.ail(stage.machine, 25))
    stage.rule(stage.world.at_isp.lose(stage.machine, 10))
    return stage.check()


# ---- proxies that answer for everybody


@scenes.scene(
    Expected(("no-greeting", "unproven", "no-mail-service"), status=1, maybe=("no-mail-service",),
             never=tuple(NETWORK))
)  # fmt: skip
def everything_opens_and_nobody_speaks(stage: Stage) -> "Future[Run]":
    mute = stage.world.in_router(7001, dialogues.mute)
    assert mute
    stage.rule(stage.world.at_isp.divert(stage.machine, to=[ISP_V4, ISP_V6], port=7001, only=_ALL_BUT_WEB))
    return stage.check(None, "--budget", "16")


def _local_proxy(stage: Stage) -> None:
    """A proxy on the machine itself, as antivirus programs have one."""
    machine = stage.machine
    own = Host("localhost", "farm", machine.v4, machine.v6)
    stage.world.serve_in(machine.namespace, own, {7000: Proxy(machine.namespace, mark=_MARK)})
    only = f"{_ALL_BUT_WEB} meta mark != {_MARK}"
    stage.rule(stage.own_firewall.divert(None, to=machine.addresses, port=7000, only=only, chain="divert_own"))


@scenes.scene(Expected("ok", outgoing=SENDS, incoming=((993, "tls"),)))
def a_local_proxy(stage: Stage) -> "Future[Run]":
    _local_proxy(stage)
    return stage.check()


@scenes.scene(Expected("port25-blocked", "likely", outgoing=SENDS, never=("smtp-intercepted",)))
def a_local_proxy_before_a_block(stage: Stage) -> "Future[Run]":
    _local_proxy(stage)
    stage.rule(stage.world.at_isp.ail(stage.machine, 25))
    return stage.check()


@scenes.scene(Expected("ok", codes=("no-greeting",), outgoing=SENDS))
def a_local_proxy_before_a_server_that_drops(stage: Stage) -> "Future[Run]":
    _local_proxy(stage)
    stage.rule(stage.world.at_farm.block(stage.target, 25, chain="input"))
    return stage.check(None, "--budget", "20")


# ---- servers


@scenes.scene(FINE)
def target_without_25(stage: Stage) -> "Future[Run]":
    stage.rule(stage.world.at_farm.block(stage.target, 25, action="reset", chain="input"))
    return stage.check()


@scenes.scene(Expected("server-down", "likely", status=1, never=("unproven",)))
def dead_server(stage: Stage) -> "Future[Run]":
    stage.rule(stage.world.at_farm.block(stage.target, chain="input"))
    return stage.check()


@scenes.scene(Expected("server-down", "likely", status=1))
def dead_server_endpoint(stage: Stage) -> "Future[Run]":
    stage.rule(stage.world.at_farm.block(stage.target, chain="input"))
    return stage.check(port=465)


@scenes.scene(Expected("server-down", "likely", status=1))
def absent_server(stage: Stage) -> "Future[Run]":
    return stage.check(stage.world.host(f"{stage.label}.real.test", absent=True).name)


@scenes.scene(Expected("unproven", status=1))
def dead_server_and_dead_controls(stage: Stage) -> "Future[Run]":
    """Nothing answers but the portal: too little to accuse the server, or the network."""
    stage.rule(stage.world.at_farm.block(stage.target, chain="input"))
    stage.rule(stage.world.at_backbone.ail(stage.machine, to=_hosts(stage, "alpha", "beta", "gamma")))
    return stage.check()


@scenes.scene(Expected("ok", codes=("port-silent",), outgoing=SENDS))
def server_dead_over_ipv6(stage: Stage) -> "Future[Run]":
    stage.rule(stage.world.at_farm.block(stage.target, chain="input", family=6))
    return stage.check()


def _web(stage: Stage) -> None:
    """The target has a site too."""
    tls = server_context(stage.world.pki.leaf(stage.target.name))
    stage.world.serve(stage.target, {443: dialogues.secure_web(tls), 80: dialogues.http})


@scenes.scene(Expected("client-rejected", "likely", status=1))
def banned_with_a_word(stage: Stage) -> "Future[Run]":
    """As fail2ban's own rule does it: refused by the server's address, on the mail ports alone."""
    _web(stage)
    stage.rule(
        stage.world.at_farm.ail(
            stage.machine, *_MAIL_PORTS, 2525, 4190, to=[stage.target], action="port-unreachable", chain="input"
        )
    )
    return stage.check()


@scenes.scene(Expected("no-mail-service", "likely", status=1))
def banned_in_silence(stage: Stage) -> "Future[Run]":
    """Nothing tells it from a web server that drops all ports but its own."""
    _web(stage)
    stage.rule(stage.world.at_farm.ail(stage.machine, *_MAIL_PORTS, 2525, 4190, to=[stage.target], chain="input"))
    return stage.check()


@scenes.scene(Expected("no-mail-service", status=1))
def web_server(stage: Stage) -> "Future[Run]":
    _web(stage)
    stage.rule(stage.world.at_farm.block(stage.target, *_MAIL_PORTS, 2525, 4190, action="reset", chain="input"))
    return stage.check()


@scenes.scene(Expected("ok", never=("no-mail-service",)))
def odd_ports_of_a_good_server(stage: Stage) -> "Future[Run]":
    """A scripted server with its own greeting, on 465 and 993 alone."""
    name = f"mail.{stage.label}.test"
    service = mail_service(stage.world, name)
    stage.world.serve(stage.world.host(name, "other"), {port: service[port] for port in (465, 993)})
    return stage.check(name)


@scenes.scene(Expected("no-greeting", status=1, outgoing=((465, "tls"),), maybe=()))
def server_that_never_greets_on_25(stage: Stage) -> "Future[Run]":
    name = f"mail.{stage.label}.test"
    service = mail_service(stage.world, name)
    service[25] = dialogues.mute
    stage.world.serve(stage.world.host(name, "other"), service)
    return stage.check(f"{name}:25", "--budget", "15")


# ---- what was not asked, and what there was no time for


@scenes.scene(FINE)
def block_on_a_port_that_was_not_asked(stage: Stage) -> "Future[Run]":
    stage.rule(stage.world.at_isp.ail(stage.machine, 25))
    return stage.check(None, "--ports", "465,587,993")


@scenes.scene(Expected("port25-blocked", "certain", outgoing=SENDS))
def block_without_a_trace(stage: Stage) -> "Future[Run]":
    stage.rule(stage.world.at_isp.ail(stage.machine, 25))
    return stage.check(None, "--no-trace")


@scenes.scene(Expected("port25-blocked", "certain", outgoing=SENDS))
def block_in_the_family_that_was_asked(stage: Stage) -> "Future[Run]":
    stage.rule(stage.world.at_isp.ail(stage.machine, 25, family=4))
    return stage.check(None, "--family", "4")


@scenes.scene(FINE)
def block_in_the_other_family(stage: Stage) -> "Future[Run]":
    stage.rule(stage.world.at_isp.ail(stage.machine, 25, family=4))
    return stage.check(None, "--family", "6")


@scenes.scene(Expected(("ok", "unproven"), status=(0, 1), maybe=("unproven",)))
def block_and_no_time(stage: Stage) -> "Future[Run]":
    """Two seconds prove no silence."""
    stage.rule(stage.world.at_isp.ail(stage.machine, 25))
    return stage.check(None, "--budget", "2")


@pytest.mark.parametrize("name", scenes.names)
def test_scene(runs: Runs, name: str) -> None:
    scenes.expected[name].check(runs[name].result())


def test_the_canary_is_silent_where_nothing_intercepts(runs: Runs) -> None:
    run = runs["two-controls-left"].result()
    canaries = [seen for seen in run.observations if seen["role"] == "canary"]
    assert {seen["address"] for seen in canaries} <= set(CANARY)
    assert {seen["state"] for seen in canaries} <= {"no-answer"}


def test_a_family_is_judged_by_itself(runs: Runs) -> None:
    run = runs["controls-over-ipv4-alone"].result()
    assert {finding["family"] for finding in run.findings("port-silent")} == {4}
    down = runs["server-dead-over-ipv6"].result()
    assert {finding["family"] for finding in down.findings("port-silent")} == {6}
