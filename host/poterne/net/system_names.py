"""How this system looks names up: the name servers that it asks, how long it waits for them, and its hosts file."""

import os
import sys
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path

# resolv.conf(5): the defaults of its options, and the most that it takes.
_TIMEOUT, _MOST_TIMEOUT = 5, 30
_ATTEMPTS, _MOST_ATTEMPTS = 2, 5
_MOST_SERVERS = 3
# A file that is longer than any that a person or a program writes there.
_MOST_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class SystemResolver:
    """The name servers of this computer in the order in which they are asked; `seconds`: how long each is waited for,
    at each of so many `attempts`.
    """

    servers: tuple[str, ...] = ()
    seconds: int = _TIMEOUT
    attempts: int = _ATTEMPTS

    @property
    def patience(self) -> float:
        """The seconds after which the system gives a name up, where nobody answers: resolv.conf(5)."""
        return float(self.seconds * self.attempts * max(1, len(self.servers)))


def system_resolver() -> SystemResolver:
    """What resolv.conf says; the defaults without servers where there is none. Never raises."""
    return parse_resolv_conf(_read(Path("/etc/resolv.conf"))) if sys.platform != "win32" else SystemResolver()


def parse_resolv_conf(text: str) -> SystemResolver:
    """The name servers and the options `timeout` and `attempts` (resolv.conf(5))."""
    servers: list[str] = []
    numbers = {"timeout": _TIMEOUT, "attempts": _ATTEMPTS}
    most = {"timeout": _MOST_TIMEOUT, "attempts": _MOST_ATTEMPTS}
    for line in text.splitlines():
        words = line.split()
        if len(words) > 1 and words[0] == "nameserver" and _is_address(words[1]):
            servers.append(words[1])
        elif words and words[0] == "options":
            for word in words[1:]:
                name, _, value = word.partition(":")
                if name in numbers and value.isascii() and value.isdigit():
                    numbers[name] = max(1, min(int(value), most[name]))
    return SystemResolver(tuple(servers[:_MOST_SERVERS]), numbers["timeout"], numbers["attempts"])


def in_hosts_file(name: str) -> tuple[str, ...]:
    """The addresses that this system's hosts file has for a name; none where it has no line for it. Never raises."""
    return parse_hosts(_read(_hosts_file()), name)


def parse_hosts(text: str, name: str) -> tuple[str, ...]:
    """The addresses of a name in a hosts file (hosts(5)), in its order."""
    found: dict[str, None] = {}
    for line in text.splitlines():
        address, *names = line.partition("#")[0].split() or [""]
        if _is_address(address) and name.lower() in (each.lower().rstrip(".") for each in names):
            found[address] = None
    return tuple(found)


def _hosts_file() -> Path:
    if sys.platform == "win32":
        return Path(os.environ.get("SYSTEMROOT", r"C:\Windows")) / "System32" / "drivers" / "etc" / "hosts"
    return Path("/etc/hosts")


def _read(path: Path) -> str:
    try:
        with path.open(encoding="utf-8", errors="replace") as file:
            return file.read(_MOST_BYTES)
    except OSError:
        return ""


def _is_address(text: str) -> bool:
    try:
        ip_address(text.partition("%")[0])
    except ValueError:
        return False
    return True
