"""What an administrator's policies for browsers say of Poterne, read where each browser reads them."""

import json
import plistlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from poterne.errors import SetupError
from poterne.install import manifest, policy_files
from poterne.install.browsers import HOST_NAME, Browser
from poterne.install.machine import HIVES, Machine
from poterne.install.registry import Hive

MAX_DEPTH = 12


@dataclass(frozen=True)
class Said:
    """The value of one policy, and the file or key that sets it."""

    value: Any
    place: str


@dataclass(frozen=True)
class Ruling:
    """`blocked`: why the browser will not start the host, or will not have the extension, in words with the policy's
    name; `user_level_forbidden`: where it is said that manifests of users are not read; `passed_over`: files and keys
    that say nothing because they cannot be read or understood, each with the reason.
    """

    blocked: str | None = None
    user_level_forbidden: str | None = None
    passed_over: Sequence[str] = ()


def ruling(browser: Browser, machine: Machine) -> Ruling:
    """What the policies of one browser come to; files that the browser cannot read say nothing."""
    said, passed_over = read(browser, machine)
    forbidden = None
    if (levels := said.get("NativeMessagingUserLevelHosts")) and levels.value in (False, 0):
        forbidden = f"NativeMessagingUserLevelHosts in {levels.place}"
    blocked = _host_blocked(said) or _extension_blocked(said, manifest.extension_ids()[browser.family])
    return Ruling(blocked, forbidden, passed_over)


def read(browser: Browser, machine: Machine) -> tuple[Mapping[str, Said], Sequence[str]]:
    """What each policy says, of several files the one that counts; and what was passed over, as the browser does."""
    said: dict[str, Said] = {}
    passed_over: list[str] = []
    for place in browser.policies.get(machine.platform, ()):
        if machine.platform == "win32":
            _of_registry(place, machine, said, passed_over)
        elif machine.platform == "darwin":
            said |= _of_profile(machine.place(f"/Library/Managed Preferences/{place}.plist"))
        elif browser.family == "chromium":
            for file in _listing(machine.place(place), passed_over):
                said |= _said(file, policy_files.chromium, passed_over) or {}
        elif (found := _said(machine.place(place), policy_files.strict, passed_over)) is not None:
            policies = found["policies"].value if "policies" in found else {}
            return _at(policies if isinstance(policies, dict) else {}, str(machine.place(place))), passed_over
    return said, passed_over


def _listing(directory: Path, passed_over: list[str]) -> Sequence[Path]:
    try:
        return policy_files.listing(directory)
    except SetupError as error:
        passed_over.append(str(error))
        return ()


def _said(path: Path, dialect: policy_files.Dialect, passed_over: list[str]) -> dict[str, Said] | None:
    """What a file says; `None` where there is none, or none that the browser gets to see."""
    try:
        data = policy_files.read(path)
    except SetupError as error:
        passed_over.append(str(error))
        return None
    if data is None:
        return None
    try:
        return _at(policy_files.understand(data, dialect, path), str(path))
    except SetupError as error:
        passed_over.append(str(error))
        return {}


def _at(tree: Mapping[str, Any], place: str) -> dict[str, Said]:
    return {name: Said(value, place) for name, value in tree.items()}


def _of_profile(path: Path) -> dict[str, Said]:
    try:
        found = plistlib.loads(path.read_bytes())
    except (OSError, ValueError, plistlib.InvalidFileException):
        return {}
    return _at(found, str(path)) if isinstance(found, dict) else {}


def _of_registry(key: str, machine: Machine, said: dict[str, Said], passed_over: list[str]) -> None:
    # The machine's policy wins over the user's.
    for hive in (HIVES["user"], HIVES["system"]):
        try:
            tree = _tree(key, hive, machine, 0)
        except OSError as error:
            passed_over.append(f"{hive}\\{key} cannot be read ({error.strerror or error})")
            continue
        said |= _at({name: _parsed(value) for name, value in tree.items()}, f"{hive}\\{key}")


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
    # One entry may be for several extensions.
    entries = {each.strip(): value for name, value in table.items() for each in name.split(",")}
    own = entries.get(extension)
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
