"""Browsers' policies as files for an administrator's tools: for Linux, Windows and macOS, in one folder."""

import plistlib
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from poterne.errors import SetupError
from poterne.install import browsers, enterprise, policy_files, regfile
from poterne.install.browsers import Browser
from poterne.install.enterprise import Rules
from poterne.install.machine import HIVES, Machine
from poterne.install.policy_ledger import Ledger
from poterne.install.policy_plan import Plan
from poterne.policy import Policy

_NAMESPACE = uuid.uuid5(uuid.NAMESPACE_DNS, "poterne.org")
_SOFTWARE = "Software\\"
# What an administrator's tools look for; they may give it another name on the desks.
OWN_FILE = "poterne.json"
_MANIFEST = frozenset({("name",), ("description",), ("type",), ("data",)})


@dataclass(frozen=True)
class Output:
    """One file, as it is to be; `kept` as in `Written`."""

    path: Path
    before: bytes | None
    data: bytes
    kept: Sequence[str] = ()


def outputs(policy: Policy, folder: Path, chosen: Sequence[Browser]) -> list[Output]:
    """Every file, judged before the first is written. Raises SetupError."""
    made = list(_linux(policy, folder / "linux", chosen))
    made.append(_registry(policy, folder / "windows" / "poterne.reg", chosen))
    made.append(_profile(policy, folder / "macos" / "poterne.mobileconfig", chosen))
    return made


def _linux(policy: Policy, root: Path, chosen: Sequence[Browser]) -> Iterator[Output]:
    """Files in their places. What stands in Poterne's own, and in Firefox's, is taken for an earlier run's; beside it
    the folders may hold the organisation's files, which are as they would be on a desk.
    """
    plan = Plan(Ledger(root / "unused"), OWN_FILE)
    desk = Machine("linux", {}, "", root=root)
    own: dict[Path, Rules] = {}
    for browser in chosen:
        ours = enterprise.rules(browser, policy)
        place = desk.place(browser.policies["linux"][0])
        if browser.family == "firefox":
            owned = frozenset(("policies", *each) for each in ours.owned)
            own.setdefault(place, Rules({"policies": dict(ours.tree)}, owned))
            continue
        plan.disregard(place / OWN_FILE)
        plan.add(browser, policy, desk)
        own.setdefault(place / OWN_FILE, Rules({}, ours.owned))
    for step, file in plan.stepped():
        if file.path.name == OWN_FILE:
            own[file.name] = Rules(file.part, own[file.name].owned)
        elif step.wanted is not None:
            yield Output(file.name, step.current, step.wanted, file.notes)
    if any(browser.family == "firefox" for browser in chosen) and enterprise.managed(policy):
        told = enterprise.managed_manifest(policy)
        place = desk.place(browsers.managed_storage("linux")) / f"{told['name']}.json"
        own[place] = Rules(told, _MANIFEST)
    for path, ours in own.items():
        if ours.tree:
            yield _merged(path, ours)


def _merged(path: Path, ours: Rules) -> Output:
    before = policy_files.read(path)
    dialect = policy_files.chromium if path.name == OWN_FILE else policy_files.strict
    merged = enterprise.merge({} if before is None else policy_files.understand(before, dialect, path), ours)
    return Output(path, before, policy_files.dump(merged.tree), merged.kept)


def _registry(policy: Policy, path: Path, chosen: Sequence[Browser]) -> Output:
    there = policy_files.read(path)
    try:
        keys = {} if there is None else regfile.parse(there)
    except SetupError as error:
        raise SetupError(f"{path} {error}") from None
    kept: list[str] = []
    for browser in chosen:
        for place in browser.policies.get("win32", ()):
            base = f"{HIVES['system']}\\SOFTWARE\\{place.removeprefix(_SOFTWARE)}"
            kept += regfile.add(keys, base, enterprise.as_keys(browser, enterprise.rules(browser, policy)))
    return Output(path, there, regfile.dump(keys), kept)


def _profile(policy: Policy, path: Path, chosen: Sequence[Browser]) -> Output:
    """A configuration profile (Apple, "Configuration Profile Reference"): a payload for each domain of preferences."""
    there = policy_files.read(path)
    try:
        profile: dict[str, Any] = {} if there is None else plistlib.loads(there)
    except (ValueError, plistlib.InvalidFileException):
        raise SetupError(f"{path} is no profile that can be merged into (a signed one cannot)") from None
    payloads: list[dict[str, Any]] = list(profile.get("PayloadContent", []))
    kept: list[str] = []
    for browser in chosen:
        for domain, ours in _domains(browser, policy):
            known = next((each for each in payloads if each.get("PayloadType") == domain), None)
            merged = enterprise.merge(known or _payload(domain), ours)
            kept += merged.kept
            if known is None:
                payloads.append(merged.tree)
            else:
                payloads[payloads.index(known)] = merged.tree
    whole = {
        "PayloadDisplayName": "Poterne",
        "PayloadIdentifier": "org.poterne.browsers",
        "PayloadScope": "System",
        "PayloadType": "Configuration",
        "PayloadUUID": _uuid("profile"),
        "PayloadVersion": 1,
        **profile,
        "PayloadContent": payloads,
    }
    return Output(path, there, plistlib.dumps(whole), kept)


def _domains(browser: Browser, policy: Policy) -> list[tuple[str, Rules]]:
    """Chromium's browsers read what an extension finds as managed from a domain of its own."""
    ours = enterprise.rules(browser, policy)
    domain = next(iter(browser.policies.get("darwin", ())), None)
    if domain is None:
        return []
    if browser.family == "firefox":
        return [(domain, Rules({"EnterprisePoliciesEnabled": True, **ours.tree}, ours.owned))]
    found = [(domain, Rules({key: value for key, value in ours.tree.items() if key != "3rdparty"}, ours.owned))]
    if told := enterprise.managed(policy):
        extension = enterprise.extension_id("chromium", policy)
        found.append((f"{domain}.extensions.{extension}", Rules(told, frozenset((key,) for key in told))))
    return found


def _payload(domain: str) -> dict[str, Any]:
    return {
        "PayloadIdentifier": f"org.poterne.browsers.{domain}",
        "PayloadType": domain,
        "PayloadUUID": _uuid(domain),
        "PayloadVersion": 1,
    }


def _uuid(name: str) -> str:
    return str(uuid.uuid5(_NAMESPACE, name)).upper()
