"""The demonstration's world as data: read from TOML, checked, frozen."""

import tomllib
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, ValidationError, model_validator

from poterne.errors import PolicyError
from poterne.report import Family, Port, Security
from poterne.report.statement import Record
from poterne.target.hosts import is_within

DEFAULT = Path(__file__).with_name("world.toml")

Protocol = Literal["smtp", "imap", "pop3", "sieve"]
Behaviour = Literal["answers", "mute", "silent"]
Issuer = Literal["root", "unknown-root", "missing-intermediate"]
Names = Literal["records", "absent", "servfail", "silent", "truncated"]


class Service(Record):
    """A service on its well-known port. `security`: how the connection begins, as in `Endpoint.asked`."""

    port: Port
    protocol: Protocol
    security: Security
    sign_in: bool = True


class Certificate(Record):
    """A certificate to issue. Days count from now; without `names` it holds the server's host names."""

    from_days: int
    to_days: int
    names: tuple[str, ...] | None = None
    issuer: Issuer = "root"


class Domain(Record):
    """What DNS says of a domain, and the target that shows it (`None`: not shown).

    `mx` and `srv` are in a zone file's notation, an SRV's name relative to the domain. `names` says how its questions
    are answered: by its records, by NXDOMAIN, by SERVFAIL, never, or over UDP only truncated (RFC 7766).
    """

    says: dict[str, str]
    target: str | None = None
    showcase: bool = False
    mx: tuple[str, ...] = ()
    srv: tuple[str, ...] = ()
    names: Names = "records"


class Server(Record):
    """Some services of some hosts, which share one listener a service and a family.

    `greeting` is the whole first line; for SMTP its code decides what follows (RFC 5321 section 3.1).
    """

    hosts: Annotated[tuple[str, ...], Field(min_length=1)]
    services: tuple[str, ...]
    security: Security | None = None
    certificate: str = "good"
    greeting: str | None = None
    greets_after_s: Annotated[float, Field(ge=0)] = 0.0
    behaviour: Behaviour = "answers"
    families: tuple[Family, ...] = (4, 6)


class Plan(Record):
    """A whole world."""

    services: dict[str, Service]
    certificates: dict[str, Certificate]
    domains: dict[str, Domain]
    servers: tuple[Server, ...]
    controls: tuple[str, ...] = ()

    @model_validator(mode="after")
    def _names_lead_somewhere(self) -> "Plan":
        hosts = {host for server in self.servers for host in server.hosts}
        for server in self.servers:
            unknown = [name for name in server.services if name not in self.services]
            if server.certificate not in self.certificates:
                unknown.append(server.certificate)
            unknown += [host for host in server.hosts if not any(is_within(host, domain) for domain in self.domains)]
            if unknown:
                raise ValueError(f"unknown: {', '.join(unknown)}")
        if strangers := [host for host in self.controls if host not in hosts]:
            raise ValueError(f"controls without a server: {', '.join(strangers)}")
        return self


def load(path: Path | None = None) -> Plan:
    """Read a world; raises PolicyError, whose one line names the file and the first thing that is wrong with it."""
    path = path or DEFAULT
    try:
        return Plan.model_validate(tomllib.loads(path.read_text("utf-8")))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise PolicyError(f"{path}: {error}") from error
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"])
        raise PolicyError(f"{path}: {place}: {first['msg']}" if place else f"{path}: {first['msg']}") from error
