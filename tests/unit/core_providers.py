"""Documents of providers, as a test wants them."""

import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from xml.sax.saxutils import escape, quoteattr


@dataclass(frozen=True)
class Provider:
    """One row of providers.toml."""

    name: str
    domain: str
    id: str
    servers: tuple[str, ...]
    outgoing: str
    incoming: str | None = None
    mx: str | None = None

    @property
    def document(self) -> bytes:
        """Its configuration in XML."""
        return configuration(self.servers, provider=self.id)


@cache
def providers() -> tuple[Provider, ...]:
    """All rows."""
    rows = tomllib.loads((Path(__file__).parent / "providers.toml").read_text(encoding="utf-8"))["provider"]
    return tuple(Provider(**{**row, "servers": tuple(row["servers"])}) for row in rows)


def configuration(servers: Sequence[str], *, provider: str = "example.org") -> bytes:
    """A clientConfig with servers `PROTOCOL HOST PORT SOCKET USER SIGN-IN…`; a `-` leaves an element out."""
    entries = "".join(_entry(*server.split(" ")) for server in servers)
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n<clientConfig version="1.1">\n'
        f"<emailProvider id={quoteattr(provider)}>\n<domain>{escape(provider)}</domain>\n"
        f"<displayName>Mail of {escape(provider)}</displayName>\n{entries}</emailProvider>\n</clientConfig>\n"
    ).encode()


def _entry(protocol: str, host: str, port: str, socket_type: str, user: str, *sign_in: str) -> str:
    tag = "outgoingServer" if protocol == "smtp" else "incomingServer"
    fields = [("hostname", host), ("port", port), ("socketType", socket_type), ("username", user)]
    fields += [("authentication", each) for each in sign_in]
    inside = "".join(f"<{name}>{escape(value)}</{name}>" for name, value in fields if value != "-")
    return f"<{tag} type={quoteattr(protocol)}>{inside}</{tag}>\n"
