"""What the administrator of this machine states of a domain's servers (`[expected]` in the policy)."""

from collections.abc import AsyncGenerator

from poterne.discovery.source import Asking, Find, Found, lookup, offer
from poterne.policy import Policy

SOURCE = "expected"


def of(policy: Policy) -> Find:
    """The source that asks this policy."""

    async def find(asking: Asking) -> AsyncGenerator[Found, None]:
        servers = policy.servers_of(asking.domain)
        if servers:
            offers = tuple(
                offer(
                    SOURCE,
                    asking.domain,
                    protocol=server.protocol,
                    host=server.host,
                    port=server.port,
                    security=server.security,
                    rank=rank,
                    username=server.username,
                    auth=server.auth,
                )
                for rank, server in enumerate(servers)
            )
            yield Found(lookup(SOURCE, asking.domain, "found"), offers)

    return find
