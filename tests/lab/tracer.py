"""Traces addresses that its command line names, port 25 beside 587, and prints the paths; runs inside a namespace."""

import asyncio
import json
import sys

from poterne.net import machine
from poterne.net.gate import Gate
from poterne.policy import Policy
from poterne.probe.trace import trace
from poterne.report import Endpoint, Family


def _endpoint(address: str, port: int) -> Endpoint:
    family: Family = 6 if ":" in address else 4
    return Endpoint(
        id=str(port), host="x.test", address=address, family=family, port=port, service="smtp", asked="starttls"
    )


async def _main(alone: bool, addresses: list[str]) -> None:
    gate, loop = Gate(Policy()), asyncio.get_running_loop()
    found = {}
    for address in addresses:
        working = None if alone else _endpoint(address, 587)
        started = loop.time()
        pair = await trace(gate, _endpoint(address, 25), working, deadline=started + 10)
        paths = [[hop.model_dump() for hop in path] for path in (pair.failing, pair.working)] if pair else None
        found[address] = {"paths": paths, "seconds": loop.time() - started}
    look = machine.look().model_dump()
    names = machine.network_names("s" * 32)
    print(json.dumps({"traces": found, "machine": look, "key": machine.network_key(), "name": names.now}))


if __name__ == "__main__":
    asyncio.run(_main(sys.argv[1] == "alone", sys.argv[2:]))
