"""Where on the way connections stop: SYNs with few hops, to a failing port and to a working one of the same address."""

import asyncio
from contextlib import suppress
from dataclasses import dataclass, field

from poterne.knowledge.timing import TraceTiming
from poterne.net.gate import Gate
from poterne.report import Endpoint, Hop

_ENDS = ("open", "refused", "prohibited")
_TRIES = 2


@dataclass(frozen=True, slots=True)
class TracePair:
    """Both paths, from hop 1 without gaps; a hop is `silent` after two tries.

    A path ends where something else than a passing router answered. `failing` is at most as long as `working`; without
    a distance to go by, it ends some silent hops behind the last answer. Hop 0 of `failing`, `refused`: this machine
    itself resets the connection.

    Routers limit how often they answer (RFC 1812 section 4.3.2.8). At the first hop from which `failing` is silent,
    `working` has an answer only where the router gave it once more, right behind the last try of `failing`.
    """

    failing: tuple[Hop, ...]
    working: tuple[Hop, ...] = ()


async def trace(
    gate: Gate,
    failing: Endpoint,
    working: Endpoint | None,
    *,
    deadline: float,
    failing_port: int | None = None,
    working_port: int | None = None,
) -> TracePair | None:
    """Traces both paths in lockstep; ends by `deadline` (loop time), and after `TraceTiming.whole` seconds.

    The ports replace the endpoints' where a lab maps them. None where it is impossible: not Linux, no error queue, not
    permitted, no route, or no time for two tries at the first hop. Failures are never raised. Cancelling closes every
    socket.
    """
    how = gate.timing.trace
    worked = _Path(gate, working, working_port, how) if working is not None else None
    failed = _Path(gate, failing, failing_port, how, beside=worked)
    now = asyncio.get_running_loop().time()
    until = min(deadline, now + how.whole)
    if until < now + _TRIES * how.patience:
        return None
    try:
        with suppress(TimeoutError):
            async with asyncio.timeout_at(until):
                await _walk(failed, worked, how)
    finally:
        await failed.close()
        if worked is not None:
            await worked.close()
    if failed.impossible or not failed.settled(1) or (worked is not None and worked.impossible):
        return None
    hops = failed.hops(worked.end if worked is not None else None)
    if hops[0].answer == "refused" and await gate.refused_here(failing, port=failing_port):
        hops = (Hop(hop=0, answer="refused"), *hops)
    doubted = failed.last + 1 if failed.end is None else None
    return TracePair(hops, worked.hops(doubted=doubted) if worked is not None else ())


async def _walk(failed: "_Path", worked: "_Path | None", how: TraceTiming) -> None:
    """Asks both at one hop after another, until every hop up to the ends has answered or was tried often enough."""
    lead = worked or failed
    following = 1
    while not lead.impossible and not failed.impossible:
        if following <= how.hops and (lead.wants_more(how) if worked else lead.wants_one_more(following, how)):
            lead.ask(following)
            if worked is not None:
                failed.ask(following)
            following += 1
        elif lead.settled(following - 1) and failed.settled(following - 1):
            return
        await asyncio.sleep(how.interval)
        if worked is not None and worked.end is not None:
            failed.forget_beyond(worked.end)


@dataclass(slots=True)
class _Path:
    """The hops towards one port. `end` is the nearest at which something else than a passing router answered."""

    gate: Gate
    endpoint: Endpoint
    port: int | None
    how: TraceTiming
    beside: "_Path | None" = None
    end: int | None = None
    impossible: bool = False
    _answers: dict[int, Hop] = field(default_factory=dict)
    _tried: set[int] = field(default_factory=set)
    _asked: dict[int, float] = field(default_factory=dict)
    _limit: int | None = None
    _tasks: dict[int, asyncio.Task[None]] = field(default_factory=dict)
    _confirming: dict[int, asyncio.Task[None]] = field(default_factory=dict)
    _confirmed: set[int] = field(default_factory=set)

    @property
    def last(self) -> int:
        """The farthest hop that has answered."""
        return max(self._answers, default=0)

    def ask(self, number: int) -> None:
        """Begins to ask at a hop, unless the path has ended before it."""
        if self._limit is None or number <= self._limit:
            self._asked[number] = asyncio.get_running_loop().time()
            self._tasks[number] = asyncio.create_task(self._ask(number))

    def wants_more(self, how: TraceTiming) -> bool:
        """Whether the end is still ahead, and few enough hops are waiting for an answer that may yet come."""
        since = asyncio.get_running_loop().time() - how.hold
        waiting = [number for number, asked in self._asked.items() if number not in self._answers and asked > since]
        return self.end is None and len(waiting) < how.ahead

    def wants_one_more(self, number: int, how: TraceTiming) -> bool:
        """Whether the end is still ahead, and that hop is near enough to the last answer."""
        return self.end is None and number <= self.last + how.quiet

    def settled(self, number: int) -> bool:
        """Whether every hop so far has answered or was tried often enough, up to the end."""
        until = number if self._limit is None else min(number, self._limit)
        asked = all(hop in self._answers or hop in self._tried for hop in range(1, until + 1))
        return asked and all(hop in self._answers or task.done() for hop, task in self._confirming.items())

    def forget_beyond(self, number: int) -> None:
        """Nothing is asked behind that hop."""
        self._limit = number if self._limit is None else min(number, self._limit)
        for hop, task in self._tasks.items():
            if hop > self._limit:
                task.cancel()

    def hops(self, distance: int | None = None, doubted: int | None = None) -> tuple[Hop, ...]:
        """The path, as far as it is known, up to its end and to `distance`; without both, to some silent hops.

        A router's answer at hop `doubted` has to be confirmed.
        """
        known = self._answers.keys() | self._tried
        last = min(self.end or self.how.hops, distance or self.how.hops)
        if self.end is None and distance is None:
            last = self.last + self.how.quiet
        last = max((hop for hop in known if hop <= last), default=0)
        answers = dict(self._answers)
        if doubted is not None and doubted != self.end and doubted not in self._confirmed:
            answers.pop(doubted, None)
        return tuple(answers.get(number) or Hop(hop=number, answer="silent") for number in range(1, last + 1))

    async def close(self) -> None:
        """Ends every task, and with it every socket."""
        tasks = [*self._tasks.values(), *self._confirming.values()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _ask(self, number: int) -> None:
        """Tries one hop twice; what answers later still counts while the trace goes on."""
        tries: set[asyncio.Task[Hop | None]] = set()
        try:
            for count in range(1, _TRIES + 1):
                tries.add(asyncio.create_task(self._knock(number)))
                if count == _TRIES and self.beside is not None and number <= self.last + 1:
                    self._confirming[number] = asyncio.create_task(self.beside.confirm(number))
                done, _ = await asyncio.wait(tries, timeout=self.how.patience, return_when=asyncio.FIRST_COMPLETED)
                if done:
                    self._learn(done.pop().result())
                    return
            self._tried.add(number)
            done, _ = await asyncio.wait(tries, return_when=asyncio.FIRST_COMPLETED)
            self._learn(done.pop().result())
        finally:
            for task in tries:
                task.cancel()
            await asyncio.gather(*tries, return_exceptions=True)

    async def confirm(self, number: int) -> None:
        """Asks once more at a hop where a router has answered."""
        answer = self._answers.get(number)
        if answer is None or answer.answer != "time-exceeded":
            return
        await asyncio.sleep(self.how.interval)
        again = await self._knock(number)
        if again is not None and again.answer == "time-exceeded":
            self._confirmed.add(number)

    async def _knock(self, number: int) -> Hop | None:
        return await self.gate.knock(self.endpoint, number, port=self.port, patience=self.how.whole)

    def _learn(self, hop: Hop | None) -> None:
        if hop is None:
            self.impossible = True
        elif hop.answer == "silent":
            self._tried.add(hop.hop)
        else:
            self._answers[hop.hop] = hop
            if hop.answer in _ENDS:
                self.end = min(hop.hop, self.end or hop.hop)
                self.forget_beyond(self.end)
