"""Where this computer is while a check runs."""

from dataclasses import dataclass

from poterne.knowledge import ports
from poterne.net import connections, machine
from poterne.net.machine import source_address
from poterne.report import Disturbance, Machine


@dataclass(frozen=True, slots=True)
class Moment:
    """This computer's source addresses (IPv4, IPv6) at one moment, and the seconds it has slept since its start."""

    addresses: tuple[str | None, ...]
    slept: float

    @property
    def online(self) -> bool:
        """Whether packets can leave at all."""
        return any(self.addresses)

    def disturbance(self, later: "Moment", nap: float) -> Disturbance | None:
        """What happened between this moment and a later one: `slept` is more than `nap` seconds of sleep."""
        if later.slept - self.slept > nap:
            return "slept"
        return "moved" if later.addresses != self.addresses else None


def now() -> Moment:
    """This moment."""
    return Moment(tuple(source_address(family) for family in (4, 6)), machine.slept())


def look_around() -> tuple[Machine, str | None]:
    """This computer's addresses, gateways and latest connections, and its network's key where it can be told apart.
    Takes a while.
    """
    place = machine.look()
    # Of the ports that other programs use, only those of mail are anybody's business.
    mail = {row.number for row in ports.known() if row.dialogue != "http"}
    reached = tuple(port for port in connections.reached_ports(place.networks) if port in mail)
    return place.model_copy(update={"reached_ports": reached}), machine.network_key()
