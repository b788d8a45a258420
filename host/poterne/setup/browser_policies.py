"""What an administrator's policies for browsers say of Poterne, read where each browser reads them."""

import json
import plistlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from poterne.setup import manifest
from poterne.setup.browsers import HOST_NAME, Browser
from poterne.setup.machine import HIVES, Hive, Machine

MAX_BYTES = 4 << 20
MAX_DEPTH = 12


@dataclass(frozen=True)
class Said:
    """The value of one policy, and the file or key that sets it."""

    value: Any
    place: str


@dataclass(frozen=True)
class Ruling:
    """`blocked`: why the browser will not start the host, or will not have the extension, in words with the policy's
    name; `user_level_forbidden`: where it is said that manifests of users are not read.
    """

    blocked: str | None = None
    user_level_forbidden: str | None = None


def ruling(browser: Browser, machine: Machine) -> Ruling:
    """What the policies of one browser come to; files that the browser cannot read say nothing."""
    said = dict(read(browser, machine))
    forbidden = None
    if (levels := said.get("NativeMessagingUserLevelHosts")) and levels.value in (False, 0):
        forbidden = f"NativeMessagingUserLevelHosts in {levels.place}"
    return Ruling(_host_blocked(said) or _extension_blocked(said, manifest.extension_ids()[browser.family]), forbidden)


def read(browser: Browser, machine: Machine) -> Iterator[tuple[str, Said]]:
    """(policy, what it says); of two that set the same, the later counts."""
    for place in browser.policies.get(machine.platform, ()):
        if machine.platform == "win32":
            yield from _of_registry(place, machine)
        elif machine.platform == "darwin":
            yield from _of_profile(machine.place(f"/Library/Managed Preferences/{place}.plist"))
        elif browser.family == "chromium":
            for file in json_files(machine.place(place)):
                yield from _of_file(file, None)
        elif machine.place(place).exists():
            yield from _of_file(machine.place(place), "policies")
            return


def load_json(path: Path) -> Any:
    """The file's JSON; `None` where there is no such file. Raises OSError and ValueError."""
    try:
        with path.open("rb") as file:
            raw = file.read(MAX_BYTES + 1)
    except FileNotFoundError:
        return None
    if len(raw) > MAX_BYTES:
        raise ValueError(f"{path} is larger than {MAX_BYTES} bytes")
    try:
        return json.loads(raw.decode("utf-8-sig"))
    except RecursionError as error:
        raise ValueError("it is nested too deeply") from error


def json_files(directory: Path) -> list[Path]:
    """The files of a folder in which Chromium's browsers read policies, in their order; none where there is none."""
    try:
        return sorted(path for path in directory.iterdir() if path.suffix == ".json")
    except OSError:
        return []


def _of_file(path: Path, key: str | None) -> Iterator[tuple[str, Said]]:
    try:
        found = load_json(path)
    except (OSError, ValueError):
        return
    if key is not None:
        found = found.get(key) if isinstance(found, dict) else None
    if isinstance(found, dict):
        for name, value in found.items():
            yield name, Said(value, str(path))


def _of_profile(path: Path) -> Iterator[tuple[str, Said]]:
    try:
        found = plistlib.loads(path.read_bytes())
    except (OSError, ValueError, plistlib.InvalidFileException):
        return
    if isinstance(found, dict):
        for name, value in found.items():
            yield name, Said(value, str(path))


def _of_registry(key: str, machine: Machine) -> Iterator[tuple[str, Said]]:
    # The machine's policy wins over the user's.
    for hive in (HIVES["user"], HIVES["system"]):
        for name, value in _tree(key, hive, machine, 0).items():
            yield name, Said(_parsed(value), f"{hive}\\{key}")


def _tree(key: str, hive: Hive, machine: Machine, depth: int) -> dict[str, Any]:
    if machine.registry is None or depth > MAX_DEPTH:
        return {}
    found: dict[str, Any] = dict(machine.registry.values(hive, key))
    for child in machine.registry.children(hive, key):
        below = _tree(f"{key}\\{child}", hive, machine, depth + 1)
        found[child] = list(below.values()) if below and all(name.isdigit() for name in below) else below
    return found


def _parsed(value: Any) -> Any:
    """Dictionaries may stand in the registry as JSON."""
    if isinstance(value, str) and value.startswith(("{", "[")):
        try:
            return json.loads(value)
        except (ValueError, RecursionError):
            return value
    return value


def _host_blocked(said: Mapping[str, Said]) -> str | None:
    blocklist = said.get("NativeMessagingBlocklist")
    if blocklist is None or not {"*", HOST_NAME} & set(_texts(blocklist.value)):
        return None
    if (allowed := said.get("NativeMessagingAllowlist")) and HOST_NAME in _texts(allowed.value):
        return None
    return f"NativeMessagingBlocklist in {blocklist.place} keeps {HOST_NAME} from being started"


def _extension_blocked(said: Mapping[str, Said], extension: str) -> str | None:
    settings = said.get("ExtensionSettings")
    table = settings.value if settings and isinstance(settings.value, Mapping) else {}
    own = table.get(extension)
    rules = own if isinstance(own, Mapping) else table.get("*")
    forced = _listed(said, "ExtensionInstallForcelist") | _listed(said, "ExtensionInstallAllowlist")
    if settings and isinstance(rules, Mapping):
        if rules.get("installation_mode") in ("blocked", "removed") and (own is not None or extension not in forced):
            return f"ExtensionSettings in {settings.place} blocks the extension {extension}"
        if "nativeMessaging" in _texts(rules.get("blocked_permissions")):
            return f"ExtensionSettings in {settings.place} blocks the permission nativeMessaging"
    blocklist = said.get("ExtensionInstallBlocklist")
    if blocklist and {"*", extension} & set(_texts(blocklist.value)) and own is None and extension not in forced:
        return f"ExtensionInstallBlocklist in {blocklist.place} blocks the extension {extension}"
    return None


def _listed(said: Mapping[str, Said], policy: str) -> set[str]:
    return {text.partition(";")[0] for text in _texts(said[policy].value)} if policy in said else set()


def _texts(value: Any) -> list[str]:
    return [entry for entry in value if isinstance(entry, str)] if isinstance(value, list) else []
