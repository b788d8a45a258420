from typing import Any

import pytest
from tests.unit.core_observations import broken_off, plain, seen, unreached

from poterne.check.cache import KEEP_SECONDS, MAX_NETWORKS, MAX_OBSERVATIONS, Cache
from poterne.report import Observation, Tls


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def cache(clock: Clock) -> Cache:
    return Cache(clock)


def control(port: int = 25, **changed: Any) -> Observation:
    return seen(port, **{"role": "control", "source": "default", "host": "c.example", **changed})


def test_what_answered_is_recalled_as_cached_and_under_ids_of_its_own(cache: Cache) -> None:
    cache.remember("home", [control(25), control(587)])
    recalled = cache.recall("home")
    assert [(o.port, o.cached, o.id) for o in recalled] == [(25, True, "k1"), (587, True, "k2")]
    assert recalled[0].model_copy(update={"id": control(25).id, "cached": False}) == control(25)


@pytest.mark.parametrize(
    "odd",
    [
        unreached(25, "no-answer", role="control", source="default"),
        unreached(25, "refused", role="control", source="default"),
        seen(25),
        seen(25, role="relay", source="policy"),
        control(25, source="gateway"),
        control(25, provisional=True),
        control(25, cached=True),
        control(25, greeting_kind="refused"),
        control(25, greeting_kind="silent", greeting=None),
        control(25, starttls="injected"),
        control(25, error="the budget ended"),
        control(465, tls=Tls(fault="cert-untrusted", faults=("cert-untrusted",))),
        plain(25, role="control", source="default"),
        broken_off(25, role="control", source="default", cut=True),
    ],
)
def test_nothing_that_may_accuse_is_kept(cache: Cache, odd: Observation) -> None:
    cache.remember("home", [odd])
    assert cache.recall("home") == ()


def test_it_is_kept_for_a_minute_and_not_longer_because_it_was_recalled(cache: Cache, clock: Clock) -> None:
    cache.remember("home", [control(25)])
    clock.now += KEEP_SECONDS / 2
    cache.remember("home", [*cache.recall("home"), control(587)])
    clock.now += KEEP_SECONDS / 2 - 0.001
    assert {o.port for o in cache.recall("home")} == {25, 587}
    clock.now += 0.001
    assert {o.port for o in cache.recall("home")} == {587}
    clock.now += KEEP_SECONDS
    assert cache.recall("home") == ()


def test_the_newest_of_one_place_counts(cache: Cache) -> None:
    cache.remember("home", [control(25, greeting="220 old")])
    cache.remember("home", [control(25, greeting="220 new")])
    assert [o.greeting for o in cache.recall("home")] == ["220 new"]


def test_another_network_is_another_matter_and_an_unknown_one_is_none(cache: Cache) -> None:
    cache.remember("home", [control(25)])
    cache.remember(None, [control(25)])
    assert cache.recall("café") == ()
    assert cache.recall(None) == ()
    assert len(cache.recall("home")) == 1


def test_it_is_bounded(cache: Cache) -> None:
    networks = [f"n{number}" for number in range(MAX_NETWORKS + 3)]
    for network in networks:
        cache.remember(network, [control(25)])
    assert [network for network in networks if cache.recall(network)] == networks[3:]
    cache.remember("many", [control(25, host=f"h{number}.example") for number in range(MAX_OBSERVATIONS + 5)])
    hosts = [o.host for o in cache.recall("many")]
    assert len(hosts) == MAX_OBSERVATIONS
    assert hosts[-1] == f"h{MAX_OBSERVATIONS + 4}.example"
