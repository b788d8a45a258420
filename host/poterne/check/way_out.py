"""Whether a web proxy leads out where nothing else does."""

import asyncio
from ipaddress import ip_address

from poterne.check import control_pool
from poterne.errors import Forbidden, WebError
from poterne.net import web
from poterne.net.gate import Gate
from poterne.net.resolver import NameResolver
from poterne.policy import Policy
from poterne.report import Origin, ProxyState, Target
from poterne.target.hosts import is_address

_HOSTS = 3


async def by_proxy(
    target: Target, policy: Policy, gate: Gate, resolver: NameResolver, *, origin: Origin, deadline: float
) -> ProxyState | None:
    """Has the proxy that the system names connect to port 443 of the target, and of some controls, side by side, by
    `deadline` (loop time) and within a few seconds. None where there is no proxy, or none that may be asked. A name
    that a page gave is not handed on: where it leads, only the proxy knows.
    """
    name = target.host or target.domain
    if name is None or (is_address(name) and not ip_address(name.partition("%")[0]).is_global and policy.lab is None):
        return None
    drawn = control_pool.draw(policy, without=frozenset()).drawn
    hosts = dict.fromkeys([*([name] if origin == "typed" else []), *(control.host for control in drawn)])
    until = min(deadline, asyncio.get_running_loop().time() + gate.timing.compare.portal)
    asked = (_leads_to(host, gate, policy, resolver, until) for host in [*hosts][: _HOSTS + 1])
    pending = {asyncio.ensure_future(each) for each in asked}
    states: set[ProxyState | None] = set()
    try:
        while pending and "works" not in states:
            done, pending = await asyncio.wait(pending, return_when=asyncio.FIRST_COMPLETED)
            states |= {each.result() for each in done}
    finally:
        for each in pending:
            each.cancel()
        await asyncio.gather(*pending, return_exceptions=True)
    return "works" if "works" in states else "fails" if "fails" in states else None


async def _leads_to(
    host: str, gate: Gate, policy: Policy, resolver: NameResolver, deadline: float
) -> ProxyState | None:
    try:
        found = await web.reaches_by_proxy(host, gate, policy=policy, resolver=resolver, deadline=deadline)
    except (WebError, Forbidden):
        return "fails"
    return "works" if found else None
