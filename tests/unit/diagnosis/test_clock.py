"""A clock that is wrong: what it takes, and what speaks against it."""

from datetime import timedelta
from typing import Any

import pytest
from tests.unit.core_observations import CONTROLS, GOOD_TLS, HOST, NOW, World, spoilt

from poterne.report import Portal


def page(state: Any = "clear", ahead: timedelta | None = None, **changed: Any) -> Portal:
    """The page that portals alter, and how far this computer's clock is ahead of its server's."""
    times = {} if ahead is None else {"date": (NOW - ahead).isoformat(), "asked_at": NOW.isoformat()}
    return Portal(**{"url": "http://portal.example/", "state": state, **times, **changed})


def dated(
    fault: str = "cert-expired", controls: int = 0, ahead: timedelta | None = None, state: str = "clear"
) -> World:
    world = World(ports=(465, 587)).change(lambda port, **place: spoilt(port, fault, **place), who="target")
    for number, host in enumerate(CONTROLS):
        new = (lambda port, **place: spoilt(port, fault, **place)) if number < controls else None
        world.change(new, who=host)
    return world.with_(portal=page("clear", ahead)) if ahead is not None else world


def wrong(world: World) -> str | None:
    return world.confidence("clock-wrong") if "clock-wrong" in world.codes else None


@pytest.mark.parametrize(
    ("fault", "controls", "ahead", "confidence"),
    [
        ("cert-expired", 0, timedelta(days=1), None),
        ("cert-expired", 0, timedelta(days=1, seconds=1), "likely"),
        ("cert-not-yet-valid", 0, -timedelta(days=1), None),
        ("cert-not-yet-valid", 0, -timedelta(days=1, seconds=1), "likely"),
        ("cert-expired", 1, timedelta(days=1), "likely"),
        ("cert-expired", 1, timedelta(days=2), "certain"),
        ("cert-expired", 3, timedelta(hours=1), None),
        ("cert-expired", 3, -timedelta(hours=1), None),
        ("cert-expired", 3, timedelta(hours=1, seconds=1), "certain"),
        ("cert-expired", 2, timedelta(hours=2), "certain"),
    ],
)
def test_the_date_of_a_server(fault: str, controls: int, ahead: timedelta, confidence: str | None) -> None:
    assert wrong(dated(fault, controls, ahead)) == confidence


@pytest.mark.parametrize(
    "portal",
    [
        page("altered", timedelta(days=9)),
        page("failed", timedelta(days=9)),
        page("clear"),
        page("clear", timedelta(days=9), date=None),
        page("clear", timedelta(days=9), asked_at=None),
        page("clear", timedelta(days=9), date="soon"),
        page("clear", timedelta(days=9), date="2026-11-01T00:00:00"),
    ],
)
def test_a_page_without_a_date_says_nothing_of_the_clock(portal: Portal) -> None:
    assert wrong(dated().with_(portal=portal)) is None
    if portal.state != "altered":  # a portal explains all of it
        assert wrong(dated(controls=2).with_(portal=portal)) == "certain"


@pytest.mark.parametrize(
    ("changed", "confidence"),
    [
        ({}, None),
        ({"tls": GOOD_TLS.model_copy(update={"trusted": False})}, "likely"),
        ({"tls": GOOD_TLS.model_copy(update={"faults": ("cert-name-mismatch",)})}, "likely"),
        ({"tls": None}, "likely"),
        ({"cached": True}, "likely"),
    ],
)
def test_a_good_certificate_speaks_against_one_bad_one(changed: dict[str, Any], confidence: str | None) -> None:
    world = dated(controls=1).add(World.control(CONTROLS[1], 587, **changed))
    assert wrong(world) == confidence
    assert wrong(world.with_(portal=page("clear", timedelta(days=9)))) == "certain"


@pytest.mark.parametrize("who", ["target", "controls"])
def test_what_is_not_settled_says_nothing_of_the_clock(who: str) -> None:
    assert wrong(dated(controls=3).change({"provisional": True}, who=who)) is None


def test_one_fault_and_the_other_are_judged_alone() -> None:
    world = dated("cert-expired", controls=2)
    world.change(lambda port, **place: spoilt(port, "cert-not-yet-valid", **place), 465, who="target")
    (finding,) = [f for f in world.conclusion.findings if f.code == "clock-wrong"]
    assert finding.evidence[:1] == (f"{HOST}-587-4",)
    agrees = world.with_(portal=page("clear", timedelta(minutes=1)))
    assert wrong(agrees) is None
    behind = dated("cert-not-yet-valid", ahead=-timedelta(days=9))
    behind.change(lambda port, **place: spoilt(port, "cert-expired", **place), 465, who="target")
    assert wrong(behind) == "likely"
