"""The evidence that a rule still wants; the conductor fetches it and asks again."""

from dataclasses import dataclass
from typing import Literal

from poterne.report import Family, Role

EvidenceKind = Literal[
    "controls", "canary", "gateway", "trace", "again", "relay", "portal", "web", "names",
    "dns", "resolvers", "proxy",
    "machine", "invented", "routers", "host",
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class EvidenceRequest:
    """One piece of evidence. Rules ask for these:

    controls   the controls on `port`; without a port, on 25 and on 587 or 465
    canary     the canary addresses on `port`
    gateway    the gateway's own address of `family` on `port`
    trace      the path to `observation` (an id) and, along with it, to `working`, a working port of the same address
    again      `observation` once more, alone and patiently; the result is a further observation of the same endpoint
    relay      the provider's relay on port 25
    portal     the captive-portal page
    web        443 and 80 of `host`
    names      other servers of the mail domain above `host`, or those that its certificate names
    dns        what DNS and the hosts file say of `host`, and what is at the addresses that DNS alone knows
    resolvers  whether each of this computer's name servers answers
    proxy      whether the web proxy that the system names leads out

    These are fetched beside them:

    machine    this computer's addresses and gateways
    invented   names that must not exist
    routers    the names of the routers on the path to `observation`
    host       what `host` does on `port`, as a `role`
    """

    kind: EvidenceKind
    port: int | None = None
    family: Family | None = None
    host: str | None = None
    observation: str | None = None
    working: str | None = None
    role: Role | None = None
