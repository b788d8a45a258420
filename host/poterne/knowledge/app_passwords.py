"""Providers that want a password made for mail programs: `app_passwords.toml`."""

from dataclasses import dataclass
from functools import cache

from poterne.knowledge.kinds import Day, Host, Text
from poterne.knowledge.reading import distinct, read


@dataclass(frozen=True, slots=True)
class PasswordProvider:
    """`hosts`: its servers for mail programs; `source` says so, `date` is when that was checked."""

    name: Text
    hosts: frozenset[Host]
    source: Text
    date: Day


@dataclass(frozen=True, slots=True)
class AppPasswords:
    """`provider`: the rows."""

    provider: tuple[PasswordProvider, ...]

    def __post_init__(self) -> None:
        distinct("the host", (host for row in self.provider for host in row.hosts))


@cache
def table() -> AppPasswords:
    """The whole table."""
    return read("app_passwords", AppPasswords)
