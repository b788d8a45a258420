"""What is handed over: the settings that are good enough, and the account that they are for."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date, datetime
from urllib.parse import unquote

from poterne.errors import InvalidTarget, NoSettings
from poterne.knowledge import auth, ports
from poterne.report import Report, Setting, Target
from poterne.report.catalogue import Catalogue, remarks
from poterne.target.parser import host_name, parse


@dataclass(frozen=True, slots=True)
class Account:
    """Verified and encrypted settings, the best first, and whose they are.

    `name` is the domain, or the server that was checked; `domain` is an A-label name, `local_part` and `address` are
    there for an account only. Whatever a report says, hosts are names or addresses that `target.parser` accepts.
    `tested` is the day of the check, `lab` whether it ran under a test policy.
    """

    name: str
    domain: str | None
    local_part: str | None
    incoming: tuple[Setting, ...]
    outgoing: tuple[Setting, ...]
    tested: date | None = None
    lab: bool = False

    @classmethod
    def of(cls, report: Report) -> "Account":
        """What a report has to hand over. Raises NoSettings where it has nothing."""
        settings = report.settings
        incoming = tuple(_good(setting for setting in settings.incoming if setting.protocol != "smtp"))
        outgoing = tuple(_good(setting for setting in settings.outgoing if setting.protocol == "smtp"))
        # Port 25 without a sign-in, beside a better one, is where other servers deliver.
        outgoing = tuple(setting for setting in outgoing if setting.auth or not _relays(setting)) or outgoing
        if not incoming and not outgoing:
            raise NoSettings("there is no tested, encrypted setting to hand over")
        domain = _name(report.target.domain)
        name = domain or _name(report.target.host) or (incoming + outgoing)[0].host
        local_part = _local_part(report.target, domain)
        return cls(name, domain, local_part, incoming, outgoing, _day(report.started_at), report.lab)

    @property
    def address(self) -> str | None:
        """The mail address, its domain in A-labels."""
        return f"{self.local_part}@{self.domain}" if self.local_part else None

    @property
    def title(self) -> str:
        """Whose settings they are, as precisely as it is known."""
        return self.address or self.name

    def user(self, setting: Setting) -> str | None:
        """What to type as the user name; where its form is not known, the address, which is usual; None
        where the provider gives a name of its own."""
        if "own-name" in setting.remarks:
            return None
        return self.local_part if setting.username == "local-part" else self.address

    def cautions(self, catalogue: Catalogue, settings: Iterable[Setting] | None = None) -> list[str]:
        """What to know before these settings, or all of them, are used: one line each."""
        return remarks((*self.incoming, *self.outgoing) if settings is None else settings, catalogue)

    def able(self, families: Iterable[str]) -> "Account":
        """The same, less the settings whose sign-in needs something else than one of `families`."""
        known = set(families)

        def fit(settings: tuple[Setting, ...]) -> tuple[Setting, ...]:
            return tuple(setting for setting in settings if not setting.auth or known & set(setting.auth))

        return replace(self, incoming=fit(self.incoming), outgoing=fit(self.outgoing))


def _good(settings: Iterable[Setting]) -> Iterable[Setting]:
    families = auth.table().order.families
    for setting in settings:
        host = _name(setting.host)
        if host is not None and setting.verified and setting.security != "none":
            known = tuple(family for family in setting.auth if family in families)
            yield setting.model_copy(update={"host": host, "auth": known})


def _relays(setting: Setting) -> bool:
    row = ports.facts(setting.port)
    return row is not None and row.service == "smtp"


def _name(text: str | None) -> str | None:
    try:
        return host_name(text) if text else None
    except InvalidTarget:
        return None


def _local_part(target: Target, domain: str | None) -> str | None:
    """The part before the last @, as it was typed."""
    try:
        if target.kind != "account" or domain is None or parse(target.input).domain != domain:
            return None
    except InvalidTarget:
        return None
    typed = target.input.strip()
    if typed[:7].lower() == "mailto:":
        typed = unquote(typed[7:].partition("?")[0])
    local_part = typed.rpartition("@")[0]
    return local_part if local_part and local_part.isprintable() else None


def _day(moment: str) -> date | None:
    try:
        return datetime.fromisoformat(moment).date()
    except ValueError:
        return None
