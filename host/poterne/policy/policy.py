"""What this machine's administrator allows, read from a TOML file. A broken file allows nothing (PolicyError)."""

import difflib
import ipaddress
import re
import sys
import tomllib
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, get_args

from pydantic import AfterValidator, BeforeValidator, Field, ValidationError
from pydantic_core import PydanticCustomError

from poterne.errors import Forbidden, PolicyError, printable
from poterne.knowledge import discovery, ports
from poterne.policy import files
from poterne.policy.organisation import Deploy, Expected, Log, Organisation, Server
from poterne.policy.tables import Host, Hosts, Https, Networks, RootsFile, Table, address_of, as_tuple, host_of, listed
from poterne.report import Family, Options, Port, Target
from poterne.target import embedded_addresses as embedded
from poterne.target.hosts import is_address, is_within

MAX_BYTES = 1 << 20


class Resolver(Table):
    """One DNS server, for every question."""

    address: str
    port: Port = 53


def _resolver(value: object) -> object:
    if not isinstance(value, str):
        raise ValueError("expected ADDRESS or ADDRESS:PORT")  # noqa: TRY004 (pydantic reports ValueError only)
    if match := re.fullmatch(r"(?:\[([^\]]+)\]|([0-9.]+))[:#](\d{1,5})", value):
        return Resolver(address=address_of(match[1] or match[2]), port=int(match[3]))
    return Resolver(address=address_of(value.strip("[]")))


OptionalResolver = Annotated[Resolver | None, BeforeValidator(_resolver)]


def _portal(text: str) -> str:
    if not text:
        return text
    url = re.fullmatch(
        r"http://(?P<host>\[[^\]/]+\]|[^\[\]/:@?#]+)(?::(?P<port>\d{1,5}))?(?:[/?][!-~]*)?", text, re.ASCII
    )
    if url is None:
        raise ValueError("expected an http:// URL (TLS would keep a captive portal from answering), or nothing")
    host_of(url["host"].strip("[]"))
    if url["port"] is not None and not 1 <= int(url["port"]) <= 65535:
        raise ValueError("a port is a number from 1 to 65535")
    return text


class Controls(Table):
    """Who is asked for comparison; None: the defaults of `knowledge/`. `portal` empty: no page is asked for.
    `resolver`: a second DNS server, which is asked only where it stands here.
    """

    hosts: Hosts | None = None
    canary: Annotated[tuple[Annotated[str, AfterValidator(address_of)], ...] | None, BeforeValidator(as_tuple)] = None
    portal: Annotated[str, AfterValidator(_portal)] | None = None
    relay: Host | None = None
    resolver: OptionalResolver = None


class Allow(Table):
    """What may be tested. `ports`: exactly these (None: any that the user types; whoever else names one may name those
    of the table of ports). `networks`: only addresses in these (None: everywhere); `deny_networks`: never those.
    `targets`: only these domains and what is below them (None: all); `deny_targets`: never those. `relay`: whether a
    request may name a relay. `checks_per_minute`: of one user, whatever asks (None: any number).
    """

    ports: Annotated[tuple[Port, ...] | None, BeforeValidator(as_tuple)] = None
    networks: Networks | None = None
    deny_networks: Networks = ()
    targets: Hosts | None = None
    deny_targets: Hosts = ()
    relay: bool = True
    checks_per_minute: Annotated[int, Field(ge=1, le=600)] | None = None

    def permits_port(self, port: int, *, typed: bool = False) -> bool:
        """Whether a port may be tested. `typed`: the user typed its number; a page, a document or a record may name
        those of the table only.
        """
        if self.ports is not None:
            return port in self.ports
        return typed or ports.facts(port) is not None

    @cached_property
    def denied(self) -> tuple[embedded.IpNetwork, ...]:
        """`deny_networks`, parsed."""
        return tuple(ipaddress.ip_network(network) for network in self.deny_networks)

    @cached_property
    def permitted(self) -> tuple[embedded.IpNetwork, ...] | None:
        """`networks`, parsed."""
        return None if self.networks is None else tuple(ipaddress.ip_network(network) for network in self.networks)


class Trust(Table):
    """`public_roots`: PEM file that stands for the Mozilla set; None: certifi's."""

    public_roots: RootsFile | None = None


_SOURCES = discovery.table().asked


def _source(name: str) -> str:
    if name not in _SOURCES:
        *others, last = map(repr, _SOURCES)
        raise PydanticCustomError("source", "Input should be {known}", {"known": f"{', '.join(others)} or {last}"})
    return name


class Discovery(Table):
    """`ispdb`: base URL of the provider database; empty: never asked; None: the default. `sources`: who is asked for
    the servers of a domain; its MX records always are.
    """

    ispdb: Https | None = None
    sources: Annotated[tuple[Annotated[str, AfterValidator(_source)], ...], BeforeValidator(as_tuple)] = _SOURCES


_CONNECT_TO = re.compile(
    r"(?P<host1>\[[^\]]*\]|[^:\[\]]*):(?P<port1>\d*):(?P<host2>\[[^\]]*\]|[^:\[\]]*):(?P<port2>\d*)"
)


class Mapping(Table):
    """One entry of curl's `--connect-to`; None matches every host or port, or leaves it as it is."""

    host: str | None
    port: int | None
    to_host: str | None
    to_port: int | None

    @classmethod
    def parse(cls, text: str) -> "Mapping":
        """Reads `HOST1:PORT1:HOST2:PORT2`. Raises ValueError."""
        match = _CONNECT_TO.fullmatch(text)
        if match is None:
            raise ValueError("expected HOST1:PORT1:HOST2:PORT2, IPv6 addresses in brackets")
        host, to_host = (host_of(part.strip("[]")) if part else None for part in match.group("host1", "host2"))
        port, to_port = (int(part) if part else None for part in match.group("port1", "port2"))
        if any(number is not None and not 1 <= number <= 65535 for number in (port, to_port)):
            raise ValueError("a port is a number from 1 to 65535")
        return cls(host=host, port=port, to_host=to_host, to_port=to_port)

    def matches(self, host: str, port: int) -> bool:
        """Whether a connection to host and port goes elsewhere because of this entry."""
        return self.host in (None, host) and self.port in (None, port)


def _connect_to(value: object) -> object:
    entries = listed(value)
    if not isinstance(entries, tuple) or not all(isinstance(entry, str) for entry in entries):
        raise ValueError("expected a list of HOST1:PORT1:HOST2:PORT2")
    return tuple(Mapping.parse(entry) for entry in entries)


class Lab(Table):
    """A world of one's own, for the demo and for tests: other addresses, another resolver, further trusted roots."""

    connect_to: Annotated[tuple[Mapping, ...], BeforeValidator(_connect_to)] = ()
    resolver: OptionalResolver = None
    roots: RootsFile | None = None

    def addresses(self, host: str, port: int, family: Family) -> tuple[str, int] | None:
        """Where a connection goes instead, for one family; None where no entry names an address of that family."""
        for entry in self.connect_to:
            if entry.matches(host, port) and entry.to_host is not None:
                try:
                    version = ipaddress.ip_address(entry.to_host).version
                except ValueError:
                    continue
                if version == family:
                    return entry.to_host, entry.to_port or port
        return None

    def renamed(self, host: str, port: int) -> tuple[str, int] | None:
        """(host, port) to resolve and dial, by the first entry whose destination is a name or another port alone."""
        for entry in self.connect_to:
            if entry.matches(host, port) and not (entry.to_host and is_address(entry.to_host)):
                return entry.to_host or host, entry.to_port or port
        return None

    def maps(self, host: str, port: int) -> bool:
        """Whether any entry sends a connection elsewhere."""
        return any(entry.matches(host, port) for entry in self.connect_to)

    def places(self, host: str) -> tuple[str, ...]:
        """The addresses that entries give to this very host, which is not looked up then."""
        named = [entry.to_host for entry in self.connect_to if entry.host == host]
        return tuple(dict.fromkeys(place for place in named if place and is_address(place)))


class Policy(Table):
    """The whole file. `lab` is None unless the file was named by `--policy` or by a launcher."""

    controls: Controls = Controls()
    allow: Allow = Allow()
    trust: Trust = Trust()
    discovery: Discovery = Discovery()
    log: Log = Log()
    organisation: Organisation = Organisation()
    expected: Expected = Expected()
    deploy: Deploy = Deploy()
    lab: Lab | None = None

    def check_ports(self, numbers: tuple[int, ...], *, typed: bool = False) -> None:
        """Raises Forbidden when a port that was asked for is not allowed. `typed`: the user asks."""
        forbidden = [number for number in numbers if not self.allow.permits_port(number, typed=typed)]
        if not forbidden:
            return
        listed = ", ".join(map(str, forbidden))
        if self.allow.ports is None:
            raise Forbidden(f"port {listed} is none of mail's usual ports: only a user may ask for it, by typing it")
        raise Forbidden(f"this machine's policy does not allow testing port {listed} (allow.ports)", "allow.ports")

    def check_request(self, target: Target, options: Options) -> None:
        """Raises Forbidden, with the rule's key, for a request that goes beyond the policy."""
        asked = (*(options.ports or ()), *((target.port,) if target.port else ()))
        self.check_ports(asked, typed=options.origin == "typed")
        name = target.host or target.domain or ""
        if rule := self._forbids_target(name):
            raise Forbidden(f"this machine's policy does not allow testing {name} ({rule})", rule)
        if options.relay is not None and not self.allow.relay:
            raise Forbidden("this machine's policy does not allow naming a relay (allow.relay)", "allow.relay")

    @property
    def expected_domains(self) -> tuple[str, ...]:
        """The domains whose accounts have the servers that are stated."""
        return self.expected.domains or ((self.organisation.domain,) if self.organisation.domain else ())

    def servers_of(self, domain: str) -> tuple[Server, ...]:
        """The servers that are stated for the accounts of a domain."""
        return self.expected.servers if domain in self.expected_domains else ()

    def stated(self, target: Target) -> tuple[Server, ...]:
        """Those that a target is about: all of its domain, or those of the server that was named."""
        if target.kind in ("account", "domain"):
            return self.servers_of(target.domain or "")
        return tuple(
            server
            for server in self.expected.servers
            if server.host == target.host and target.port in (None, server.port)
        )

    def _forbids_target(self, name: str) -> str | None:
        if is_address(name.partition("%")[0]):
            if rule := self.forbids(name):
                return rule
            return "allow.targets" if self.allow.targets is not None and self.allow.networks is None else None
        if _below(name, self.allow.deny_targets):
            return "allow.deny_targets"
        return None if self.allow.targets is None or _below(name, self.allow.targets) else "allow.targets"

    def forbids(self, address: str) -> str | None:
        """The key of the rule for which an address is never probed; None where it may be. It counts as everything that
        it may lead to (`embedded`).
        """
        certain, readings = embedded.faces(address)
        if any(embedded.is_in(face, self.allow.denied) for face in (*certain, *readings)):
            return "allow.deny_networks"
        permitted = self.allow.permitted
        if permitted is None or all(embedded.is_in(face, permitted) for face in (*certain, *readings)):
            return None
        return "allow.networks"

    def denies(self, address: str) -> bool:
        """Whether an address is never probed."""
        return self.forbids(address) is not None


def _below(name: str, domains: tuple[str, ...]) -> bool:
    return any(is_within(name, domain) for domain in domains)


def default_path() -> Path:
    """Where an administrator puts the policy of this machine; nothing that a user can set leads elsewhere. Raises
    PolicyError where Windows does not tell.
    """
    if sys.platform == "win32":
        from poterne.policy.windows_folders import program_data

        try:
            return program_data() / "Poterne" / "policy.toml"
        except OSError as error:
            raise PolicyError(f"the folder of this machine's policy is not known: {error.strerror}") from None
    if sys.platform == "darwin":
        return Path("/Library/Application Support/Poterne/policy.toml")
    return Path("/etc/poterne/policy.toml")


def is_absent(path: Path) -> bool:
    """Whether there is no policy at a path. Raises PolicyError where that cannot be told: what an administrator may
    have written there holds, whether or not this user may see it.
    """
    try:
        return files.is_absent(path)
    except OSError as error:
        raise _broken(path, error.strerror or str(error)) from None


def load(path: Path | None = None) -> Policy:
    """A named file's policy (with `[lab]`), else this machine's (without), else the defaults. Raises PolicyError."""
    if path is not None:
        return _understood(path, _raw(path, named=True), named=True)
    path = default_path()
    return Policy() if is_absent(path) else _understood(path, _raw(path, named=False), named=False)


def _raw(path: Path, *, named: bool) -> bytes:
    """The file's bytes. A file that was named may be a pipe; this machine's has to be a file, for nobody is to wait."""
    try:
        if not named:
            return files.read(path, MAX_BYTES)
        with path.open("rb") as file:
            raw = file.read(MAX_BYTES + 1)
    except (OSError, ValueError) as error:
        raise _broken(path, getattr(error, "strerror", None) or str(error)) from None
    if len(raw) > MAX_BYTES:
        raise _broken(path, f"larger than {MAX_BYTES} bytes")
    return raw


def _understood(path: Path, raw: bytes, *, named: bool) -> Policy:
    try:
        table: dict[str, Any] = tomllib.loads(raw.decode("utf-8"))
    except UnicodeDecodeError:
        raise _broken(path, "not UTF-8") from None
    except (ValueError, RecursionError) as error:
        raise _broken(path, str(error)) from None
    if not named and table.pop("lab", None) is not None:
        raise _broken(path, "[lab] is for a file named with --policy")
    try:
        return Policy.model_validate(table)
    except ValidationError as error:
        faults = error.errors(include_url=False, include_input=False)
        first = min(faults, key=lambda fault: fault["type"] != "extra_forbidden")
        where = ".".join(map(str, first["loc"]))
        said = _unknown(first["loc"]) if first["type"] == "extra_forbidden" else first["msg"]
        raise _broken(path, f"{where}: {said}") from None
    except Exception as error:
        # A value at which a validator stumbles instead of refusing it is the file's fault for whoever reads this.
        raise _broken(path, f"{type(error).__name__}: {error}") from error


def _broken(path: Path, said: str) -> PolicyError:
    """One line, whatever stands in the file or in its name."""
    line = " ".join(f"{path}: {said}".split())
    return PolicyError(printable(line))


def _unknown(place: tuple[int | str, ...]) -> str:
    """That a key is unknown, and which one may have been meant."""
    table: Any = Policy
    for part in place[:-1]:
        if isinstance(part, str):
            field = getattr(table, "model_fields", {}).get(part)
            table = _table_in(field.annotation) if field is not None else None
    known = list(getattr(table, "model_fields", {}))
    near = difflib.get_close_matches(str(place[-1]), known, n=1)
    return "unknown key" + (f"; did you mean {near[0]!r}?" if near else "")


def _table_in(annotation: Any) -> Any:
    """The table that a field holds, itself or in a list."""
    if isinstance(annotation, type) and issubclass(annotation, Table):
        return annotation
    return next(filter(None, map(_table_in, get_args(annotation))), None)
