"""How long everything is waited for: `timing.toml`, which says why. All times are in seconds."""

from dataclasses import dataclass
from functools import cache
from typing import Literal

from poterne.knowledge.kinds import Count, Seconds
from poterne.knowledge.reading import read

Schedule = Literal["connect", "control", "late", "brief", "gateway", "again"]


@dataclass(frozen=True, slots=True)
class ConnectTiming:
    """How one connection is tried. `attempts`: when each SYN is sent, counted from the first; `provisional`: when
    silence is told of; `give_up`: when it is final; `patience`: how long one attempt is kept, None: to the end.
    """

    attempts: tuple[Seconds, ...]
    provisional: Seconds
    give_up: Seconds
    patience: Seconds | None = None

    def __post_init__(self) -> None:
        if not self.attempts or self.attempts[0] != 0 or list(self.attempts) != sorted(set(self.attempts)):
            raise ValueError("the attempts have to begin at 0, and each has to be later than the one before")
        if not max(self.attempts[-1], self.provisional) <= self.give_up:
            raise ValueError("nothing can come after give_up")


@dataclass(frozen=True, slots=True)
class TraceTiming:
    """How a path is traced; `hops`, `ahead` and `quiet` are numbers of hops."""

    hops: Count
    interval: Seconds
    ahead: Count
    hold: Seconds
    patience: Seconds
    quiet: Count
    whole: Seconds
    here: Seconds


@dataclass(frozen=True, slots=True)
class DialogueTiming:
    """How long each step of a dialogue may take. `slow`: from where on a greeting is worth a remark. `alike`: how long
    a silence lasts that everybody shares, controls and target.
    """

    greeting: Seconds
    suspicion: Seconds
    suspicion_relay: Seconds
    slow: Seconds
    alike: Seconds
    reply: Seconds
    handshake: Seconds
    farewell: Seconds


@dataclass(frozen=True, slots=True)
class NamesTiming:
    """How long names are waited for. `answer`: one question to a name server; `patience`: the system's resolver, before
    it is asked why; `silent`: one name server, before it is called silent; `random`: both names that must not exist;
    `reverse`: the name of a router.
    """

    answer: Seconds
    patience: Seconds
    silent: Seconds
    random: Seconds
    reverse: Seconds


@dataclass(frozen=True, slots=True)
class DiscoveryTiming:
    """How long the sources of a domain's servers are waited for."""

    patience: Seconds
    deciding: Seconds
    undecided: Seconds
    grace_own: Seconds
    grace_others: Seconds


@dataclass(frozen=True, slots=True)
class CompareTiming:
    """When comparisons begin and how they take turns; `turns` is a number of controls, `round_trips` of round trips."""

    tick: Seconds
    silence: Seconds
    silence_unmeasured: Seconds
    round_trips: Count
    punctual: Seconds
    over: Seconds
    nameless: Seconds
    canary: Seconds
    step: Seconds
    turns: Count
    pause: Seconds
    courtesy: Seconds
    life: Seconds
    spare: Seconds
    think: Seconds
    portal: Seconds


@dataclass(frozen=True, slots=True)
class MachineTiming:
    """`nap`: how long the machine has to sleep in the middle of a check to be told of."""

    nap: Seconds


@dataclass(frozen=True, slots=True)
class Timing:
    """Every time of a check. It is passed in, so that tests can pass a quicker one; `usual()` is what a check takes.
    `connect` to `again`: how a connection is tried usually, with a control from the beginning, beside others that wait
    already, once more with what was rejected, with what is one hop away, and patiently.
    """

    connect: ConnectTiming
    control: ConnectTiming
    late: ConnectTiming
    brief: ConnectTiming
    gateway: ConnectTiming
    again: ConnectTiming
    trace: TraceTiming
    dialogue: DialogueTiming
    names: NamesTiming
    discovery: DiscoveryTiming
    compare: CompareTiming
    machine: MachineTiming

    def schedule(self, name: Schedule) -> ConnectTiming:
        """How a connection is tried, by the table's name for it."""
        match name:
            case "connect":
                return self.connect
            case "control":
                return self.control
            case "late":
                return self.late
            case "brief":
                return self.brief
            case "gateway":
                return self.gateway
            case "again":
                return self.again


@cache
def usual() -> Timing:
    """The times of `timing.toml`."""
    return read("timing", Timing)
