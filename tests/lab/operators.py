"""The operators that targets are compared with: each has a server, addresses and an authority of its own."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from . import dialogues
from .pki import Authority
from .scripted import Behaviour, server_context
from .topology import Host

if TYPE_CHECKING:
    from .world import World

OPERATORS = ("mx.alpha.test", "mx.beta.test", "mx.gamma.test")
# Documentation addresses (RFC 5737, RFC 3849) at which the lab has no machine.
CANARY = ("192.0.2.1", "2001:db8::1")


@dataclass(frozen=True)
class Operator:
    """One operator's server. `ports` are those that it serves."""

    host: Host
    ports: tuple[int, ...]


def mail_service(world: "World", name: str, certificate_days: tuple[float, float] = (-1, 90)) -> dict[int, Behaviour]:
    """What a whole mail server does on each of its ports; the certificate is its own authority's."""
    authority = Authority.make(f"Authority of {name}", world.pki.root)
    tls = server_context(world.pki.leaf(name, issuer=authority, days=certificate_days))
    smtp = dialogues.Smtp(tls, name=name)
    imap_greeting, pop3_greeting = f"* OK {name} IMAP", f"+OK {name} POP3"
    return {
        25: smtp,
        587: smtp,
        465: dialogues.Smtp(tls, implicit=True, name=name),
        143: dialogues.Imap(tls, greeting=imap_greeting),
        993: dialogues.Imap(tls, implicit=True, greeting=imap_greeting),
        110: dialogues.Pop3(tls, greeting=pop3_greeting),
        995: dialogues.Pop3(tls, implicit=True, greeting=pop3_greeting),
    }


def start_operator(
    world: "World",
    name: str,
    *,
    without: tuple[int, ...] = (),
    v4: bool = True,
    v6: bool = True,
    certificate_days: tuple[float, float] = (-1, 90),
) -> Operator:
    """An operator's server abroad, on every mail port but some."""
    host = world.host(name, "abroad", v4=v4, v6=v6)
    service = mail_service(world, name, certificate_days)
    kept = {port: behave for port, behave in service.items() if port not in without}
    world.serve(host, kept)
    return Operator(host, tuple(kept))


def start_operators(world: "World") -> dict[str, Operator]:
    """The usual three, by name."""
    return {name: start_operator(world, name) for name in OPERATORS}
