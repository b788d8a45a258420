"""Nobody is compared with while all goes well, however long the way is."""

import pytest
from tests.lab.slow_line import slow_line
from tests.lab.topology import RESOLVER_V4
from tests.lab.world import World

ROUND_TRIPS_MS = (1, 40, 150, 300)


@pytest.mark.parametrize("round_trip_ms", ROUND_TRIPS_MS)
def test_a_check_where_all_goes_well_meets_the_server_alone(world: World, round_trip_ms: int) -> None:
    machine, host = world.machine(), world.real(f"alone-{round_trip_ms}")
    with (
        slow_line(world, machine, round_trip_ms),
        world.at(machine).count_others(*host.addresses, RESOLVER_V4) as others,
    ):
        run = world.check(host.name, policy=world.compared(), namespace=machine.namespace)
        met = others.packets
    assert run.verdict == "ok"
    assert {seen["role"] for seen in run.report["observations"]} == {"target"}
    assert {seen["family"] for seen in run.report["observations"]} == {4, 6}
    assert {answer["source"] for answer in run.report["names"]} == {"typed"}
    assert met == 0


@pytest.mark.parametrize("round_trip_ms", [40, 300])
def test_a_silence_is_compared(world: World, round_trip_ms: int) -> None:
    """The trap: the same counter counts where somebody has to be asked."""
    machine, host = world.machine(), world.real(f"alone-not-{round_trip_ms}")
    with (
        slow_line(world, machine, round_trip_ms),
        world.at(machine).count_others(*host.addresses, RESOLVER_V4) as others,
        world.at_isp.ail(machine, 25),
    ):
        run = world.check(host.name, policy=world.compared(), namespace=machine.namespace)
        met = others.packets
    assert run.verdict == "port25-blocked"
    assert "control" in {seen["role"] for seen in run.report["observations"]}
    assert met > 0
