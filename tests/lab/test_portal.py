"""Networks before they are ready: captive portals, none at all, a family that leads nowhere; and clocks."""

from collections.abc import Iterator, Sequence
from concurrent.futures import Future
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from . import dialogues
from .operators import mail_service, start_operator
from .runs import Run
from .scenes import SENDS, Expected, Scenes, Stage
from .scripted import Behaviour, server_context
from .topology import ISP_V4, ISP_V6
from .world import World

Runs = dict[str, "Future[Run]"]
scenes = Scenes("portal")
ROUTER = (ISP_V4, ISP_V6)
_MAIL = (25, 465, 587, 143, 993, 110, 995, 2525, 4190, 443)
_DRIFTS = {"right": 0, "ahead": 60, "behind": -60}


@pytest.fixture(scope="module")
def runs(world: World) -> Iterator[Runs]:
    tls = server_context(world.pki.self_signed("login.hotel.test"))
    world.in_router(9080, dialogues.redirect("http://login.hotel.test/"))
    world.in_router(9443, dialogues.secure_web(tls))
    for label, days in _DRIFTS.items():
        world.serve(world.host(f"{label}.portal.test", "abroad"), {80: _dated(days)})
    yield from scenes.play(world)


def _dated(days: float) -> Behaviour:
    def head() -> Sequence[str]:
        return (f"Date: {format_datetime(datetime.now(UTC) + timedelta(days=days), usegmt=True)}",)

    return dialogues.web("", b"success\n", "text/plain", head=head)


# ---- captive portals


def _captive(stage: Stage) -> None:
    stage.rule(stage.world.at_isp.divert(stage.machine, 80, to=ROUTER, port=9080))


@scenes.scene(Expected("captive-portal", "likely", status=(1, 3), never=("unproven",)))
def portal_that_drops(stage: Stage) -> "Future[Run]":
    _captive(stage)
    stage.rule(stage.world.at_isp.ail(stage.machine, *_MAIL))
    return stage.check()


@scenes.scene(Expected("captive-portal", "likely", status=(1, 3), never=("unproven", "port-closed")))
def portal_that_resets(stage: Stage) -> "Future[Run]":
    _captive(stage)
    stage.rule(stage.world.at_isp.ail(stage.machine, *_MAIL, action="reset"))
    return stage.check()


@scenes.scene(Expected("captive-portal", "likely", status=(1, 3), never=("unproven", "cert-name-mismatch")))
def portal_that_opens_tls(stage: Stage) -> "Future[Run]":
    _captive(stage)
    stage.rule(stage.world.at_isp.divert(stage.machine, 443, 465, 993, 995, to=ROUTER, port=9443))
    stage.rule(stage.world.at_isp.ail(stage.machine, *_MAIL))
    return stage.check(None, "--budget", "16")


@scenes.scene(Expected("captive-portal", "likely", status=(1, 3)))
def portal_endpoint(stage: Stage) -> "Future[Run]":
    _captive(stage)
    stage.rule(stage.world.at_isp.ail(stage.machine, *_MAIL))
    return stage.check(port=587)


@scenes.scene(Expected("ok", outgoing=SENDS))
def page_altered_and_mail_works(stage: Stage) -> "Future[Run]":
    _captive(stage)
    return stage.check()


@scenes.scene(Expected("port25-blocked", "certain", outgoing=SENDS))
def page_altered_and_25_blocked(stage: Stage) -> "Future[Run]":
    _captive(stage)
    stage.rule(stage.world.at_isp.ail(stage.machine, 25))
    return stage.check()


@scenes.scene(Expected("server-down", "likely", status=1))
def page_altered_and_server_dead(stage: Stage) -> "Future[Run]":
    _captive(stage)
    stage.rule(stage.world.at_farm.block(stage.target, chain="input"))
    return stage.check()


# ---- no network


@scenes.scene(Expected("offline", "likely", status=(1, 3), never=("unproven",)))
def nothing_answers(stage: Stage) -> "Future[Run]":
    """Names are known (the box keeps them), and nothing else gets through."""
    stage.rule(stage.world.at_isp.ail(stage.machine))
    return stage.check()


@scenes.scene(Expected("offline", "possible", status=(1, 3)))
def nothing_gets_through(stage: Stage) -> "Future[Run]":
    """Not even names; the target's is in the hosts file."""
    stage.world.topology.hosts_file(
        *(f"{address} {stage.target.name}" for address in stage.target.addresses), namespace=stage.machine.namespace
    )
    stage.rule(stage.world.at_home.isolate(stage.machine))
    return stage.check()


@scenes.scene(Expected("offline", "likely", status=3, never=("dns-timeout",)))
def nothing_gets_through_and_no_name(stage: Stage) -> "Future[Run]":
    stage.rule(stage.world.at_home.isolate(stage.machine))
    return stage.check()


@scenes.scene(Expected("offline", "likely", status=(1, 3)))
def no_box(stage: Stage) -> "Future[Run]":
    """The gateway does not exist: this machine itself says that nobody is there."""
    machine = stage.use(stage.world.machine(gateway=False))
    hosts = [stage.target, *(operator.host for operator in stage.world.operators.values())]
    stage.world.topology.hosts_file(
        *(f"{address} {host.name}" for host in hosts for address in host.addresses), namespace=machine.namespace
    )
    return stage.check()


# ---- one family


@scenes.scene(Expected("ok", codes=("ipv6-broken",), outgoing=SENDS, never=("unproven",)))
def ipv6_swallowed(stage: Stage) -> "Future[Run]":
    stage.rule(stage.world.at_isp.ail(stage.machine, family=6))
    return stage.check()


@scenes.scene(Expected("ok", codes=("ipv6-broken",), outgoing=SENDS))
def ipv6_without_a_route(stage: Stage) -> "Future[Run]":
    stage.rule(stage.world.at_home.ail(stage.machine, family=6, action="no-route"))
    return stage.check()


@scenes.scene(Expected("ipv6-broken", "likely", status=1))
def ipv6_swallowed_and_no_other(stage: Stage) -> "Future[Run]":
    stage.rule(stage.world.at_isp.ail(stage.machine, family=6))
    return stage.check(stage.world.real(stage.label, v4=False).name)


@scenes.scene(Expected("ok", codes=("ipv4-broken",), outgoing=SENDS, never=("unproven",)))
def ipv4_swallowed(stage: Stage) -> "Future[Run]":
    stage.rule(stage.world.at_isp.ail(stage.machine, family=4))
    return stage.check()


@scenes.scene(Expected("port25-blocked", "likely", codes=("ipv6-broken",), outgoing=SENDS))
def ipv6_swallowed_and_25_blocked(stage: Stage) -> "Future[Run]":
    stage.rule(stage.world.at_isp.ail(stage.machine, family=6))
    stage.rule(stage.world.at_isp.ail(stage.machine, 25, family=4))
    return stage.check()


@scenes.scene(Expected("ok", outgoing=SENDS))
def no_ipv6_at_all(stage: Stage) -> "Future[Run]":
    """A machine without the family has no broken family."""
    stage.use(stage.world.machine(v6=False))
    return stage.check()


@scenes.scene(Expected("ok", outgoing=SENDS))
def controls_without_ipv6(stage: Stage) -> "Future[Run]":
    names = [f"mx.{stage.label}-{number}.test" for number in range(3)]
    for name in names:
        start_operator(stage.world, name, v6=False)
    return stage.check(controls=names)


# ---- clocks

_FUTURE, _PAST = (3, 90), (-90, -3)


def _untimely(stage: Stage, days: tuple[float, float], portal: str, *, controls: int = 3) -> "Future[Run]":
    names = [f"mx.{stage.label}-{number}.test" for number in range(3)]
    for number, name in enumerate(names):
        start_operator(stage.world, name, certificate_days=days if number < controls else (-1, 90))
    name = f"mail.{stage.label}.test"
    service = mail_service(stage.world, name, days)
    stage.world.serve(stage.world.host(name, "other"), service)
    return stage.check(name, controls=names, portal=portal and f"http://{portal}.portal.test/")


_CLOCK = Expected("clock-wrong", "certain", status=1, never=("cert-not-yet-valid", "cert-expired"))


@scenes.scene(_CLOCK)
def clock_too_early(stage: Stage) -> "Future[Run]":
    return _untimely(stage, _FUTURE, "ahead")


@scenes.scene(_CLOCK)
def clock_too_late(stage: Stage) -> "Future[Run]":
    return _untimely(stage, _PAST, "behind")


@scenes.scene(Expected("clock-wrong", "likely", status=1))
def clock_without_a_portal(stage: Stage) -> "Future[Run]":
    return _untimely(stage, _FUTURE, "")


@scenes.scene(Expected("clock-wrong", "likely", status=1))
def clock_by_the_portal_alone(stage: Stage) -> "Future[Run]":
    return _untimely(stage, _FUTURE, "ahead", controls=0)


@scenes.scene(Expected("cert-not-yet-valid", status=1, never=("clock-wrong",)))
def certificate_of_tomorrow(stage: Stage) -> "Future[Run]":
    """One server's fault: the page's clock agrees with ours."""
    return _untimely(stage, _FUTURE, "right", controls=0)


@scenes.scene(Expected("cert-expired", status=1, never=("clock-wrong",)))
def certificate_of_yesterday(stage: Stage) -> "Future[Run]":
    return _untimely(stage, _PAST, "right", controls=0)


@scenes.scene(Expected("cert-expired", status=1, never=("clock-wrong",)))
def certificates_of_yesterday(stage: Stage) -> "Future[Run]":
    """Another operator forgot too; the page's clock agrees with ours."""
    return _untimely(stage, _PAST, "right", controls=1)


@pytest.mark.parametrize("name", scenes.names)
def test_scene(runs: Runs, name: str) -> None:
    scenes.expected[name].check(runs[name].result())


def test_the_portal_is_told(runs: Runs) -> None:
    portal = runs["portal-that-drops"].result().report["portal"]
    assert portal["state"] == "altered"
    assert portal["location"] == "http://login.hotel.test/"


def test_a_family_is_named(runs: Runs) -> None:
    assert runs["ipv6-swallowed"].result().finding("ipv6-broken")["severity"] in ("note", "warning")
    assert runs["ipv6-swallowed-and-no-other"].result().finding("ipv6-broken")["severity"] == "blocker"
