"""Browsers' policies as files: in a folder for the administrator's tools, or this machine's own, to be taken back."""

import json
import plistlib
import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from poterne.errors import SetupError
from poterne.policy import Policy
from poterne.setup import browsers, disk, enterprise, launcher, regfile
from poterne.setup.browser_policies import json_files, load_json
from poterne.setup.browsers import Browser
from poterne.setup.enterprise import Rules
from poterne.setup.machine import HIVES, Machine
from poterne.setup.register import POLICIES

OWN_FILE = "poterne.json"
_NAMESPACE = uuid.uuid5(uuid.NAMESPACE_DNS, "poterne.org")
_SOFTWARE = "Software\\"


@dataclass(frozen=True)
class Written:
    """One file. `kept`: what was left as it was although Poterne would have it otherwise, a line each."""

    path: Path
    change: Literal["written", "unchanged", "removed", "restored"]
    kept: Sequence[str] = ()


@dataclass
class _Ledger:
    """What `apply` did, so that `withdraw` can undo it: by file, the text before (None: there was none), the policies
    before and those that were added.
    """

    path: Path
    files: dict[str, Any] = field(default_factory=dict)

    @classmethod
    def of(cls, machine: Machine) -> "_Ledger":
        path = browsers.launcher_directory("system", machine) / POLICIES
        files = _lenient(path).get("files")
        return cls(path, files if isinstance(files, dict) else {})

    def save(self) -> None:
        disk.write(self.path, json.dumps({"files": self.files}, indent=2, ensure_ascii=False) + "\n")


def with_policies(names: Sequence[str]) -> list[Browser]:
    """The browsers of these names, or all, that an administrator can tell anything, each place once."""
    every = [browser for browser in browsers.table().values() if browser.sandbox is None]
    chosen = [browsers.named(name) for name in names] or every
    found: dict[object, Browser] = {}
    for browser in chosen:
        if browser.policies:
            found.setdefault(tuple(sorted((key, tuple(value)) for key, value in browser.policies.items())), browser)
        elif names:
            raise SetupError(f"it is not known where {browser.title} reads policies; {_sandboxed(browser)}")
    return list(found.values())


def generate(policy: Policy, folder: Path, names: Sequence[str] = ()) -> list[Written]:
    """Write, for every system, what browsers are told; merged into a file that is there. Raises SetupError."""
    chosen = with_policies(names)
    done = _linux(policy, folder / "linux", chosen)
    done.append(_registry(policy, folder / "windows" / "poterne.reg", chosen))
    done.append(_profile(policy, folder / "macos" / "poterne.mobileconfig", chosen))
    return done


def apply(policy: Policy, names: Sequence[str] = (), machine: Machine | None = None) -> list[Written]:
    """Tell the browsers of this Linux machine; without names, those that are here. Raises SetupError."""
    machine = machine or Machine.this()
    if machine.platform != "linux":
        raise SetupError("only Linux has files of policies: import what poterne policy generate --output wrote")
    named = names or [browser.name for browser in browsers.here(machine) if browser.policies]
    if not named:
        raise SetupError("no browser found here; name one with --browser")
    ledger = _Ledger.of(machine)
    made = disk.make_directory(ledger.path.parent, public=True)
    done = []
    for browser in with_policies(named):
        done += _apply(browser, enterprise.rules(browser, policy), machine, ledger, made)
    ledger.save()
    disk.Ledger(ledger.path.parent).add(made)
    return done


def withdraw(machine: Machine | None = None) -> list[Written]:
    """Take away what `apply` added, and nothing else. Raises SetupError."""
    machine = machine or Machine.this()
    ledger = _Ledger.of(machine)
    done = []
    for name, entry in ledger.files.items():
        path = Path(name)
        current = disk.read(path)
        if current is None:
            continue
        left = None
        if current.decode("utf-8", "replace") != entry["wrote"]:
            owned = frozenset(tuple(place) for place in entry["owned"])
            left = enterprise.subtract(_object(path), Rules(entry["added"], owned), entry["before"])
        if entry["text"] is None and (left is None or left in ({}, {"policies": {}})):
            disk.remove(path)
            done.append(Written(path, "removed"))
        else:
            disk.write(path, entry["text"] if left is None else _dumped(left))
            done.append(Written(path, "restored"))
    disk.remove(ledger.path)
    directories = disk.Ledger(ledger.path.parent)
    # A launcher lies in one of the directories, whether or not a manifest of ours names it.
    launched = (ledger.path.parent / launcher.file_name(machine.platform)).exists()
    directories.forget((), last=not directories.browsers and not launched)
    return done


def is_applied(machine: Machine) -> bool:
    """Whether `apply` has written policies that are still there."""
    return bool(_Ledger.of(machine).files)


def _apply(browser: Browser, ours: Rules, machine: Machine, ledger: _Ledger, made: list[Path]) -> list[Written]:
    done = []
    for path, part in _placed(browser, ours, machine):
        text = disk.read(path)
        before = _object(path)
        merged = enterprise.merge(before, part)
        new = _dumped(merged.tree)
        if text is not None and merged.tree == before:
            done.append(Written(path, "unchanged", merged.kept))
            continue
        known = ledger.files.get(str(path))
        first = {"text": None if text is None else text.decode("utf-8"), "before": before}
        entry = {**(known or first), "added": part.tree, "owned": sorted(map(list, part.owned)), "wrote": new}
        made += disk.make_directory(path.parent, public=True)
        disk.write(path, new)
        ledger.files[str(path)] = entry
        done.append(Written(path, "written", merged.kept))
    return done


def _placed(browser: Browser, ours: Rules, machine: Machine) -> list[tuple[Path, Rules]]:
    """Which file each policy goes to. Of two files of Chromium's that hold one policy only one counts, so a policy that
    stands somewhere is merged there, and everything else stands in a file of Poterne's own.
    """
    places = [machine.place(place) for place in browser.policies["linux"]]
    if browser.family == "firefox":
        path = next((place for place in places if place.exists()), places[0])
        owned = frozenset(("policies", *each) for each in ours.owned)
        return [(path, Rules({"policies": dict(ours.tree)}, owned))]
    (directory,) = places
    parts: dict[Path, dict[str, Any]] = {}
    for key, value in ours.tree.items():
        holders = [path for path in json_files(directory) if path.name != OWN_FILE and key in _lenient(path)]
        parts.setdefault(holders[-1] if holders else directory / OWN_FILE, {})[key] = value
    return [(path, Rules(tree, ours.owned)) for path, tree in parts.items()]


def _linux(policy: Policy, root: Path, chosen: Iterable[Browser]) -> list[Written]:
    done: list[Written] = []
    seen: set[str] = set()
    for browser in chosen:
        ours = enterprise.rules(browser, policy)
        place = browser.policies["linux"][0].lstrip("/")
        if place in seen:
            continue
        seen.add(place)
        if browser.family == "chromium":
            done.append(_merged(root / place / OWN_FILE, ours))
        else:
            owned = frozenset(("policies", *each) for each in ours.owned)
            done.append(_merged(root / place, Rules({"policies": dict(ours.tree)}, owned)))
    if any(browser.family == "firefox" for browser in chosen) and enterprise.managed(policy):
        told = enterprise.managed_manifest(policy)
        folder = root / browsers.managed_storage("linux").lstrip("/")
        done.append(_merged(folder / f"{told['name']}.json", Rules(told, _ALL)))
    return done


_ALL = frozenset({("name",), ("description",), ("type",), ("data",)})


def _merged(path: Path, ours: Rules) -> Written:
    merged = enterprise.merge(_object(path), ours)
    return _put(path, _dumped(merged.tree).encode("utf-8"), merged.kept)


def _registry(policy: Policy, path: Path, chosen: Iterable[Browser]) -> Written:
    there = disk.read(path)
    try:
        keys = {} if there is None else regfile.parse(there)
    except SetupError as error:
        raise SetupError(f"{path} {error}") from None
    kept: list[str] = []
    for browser in chosen:
        for place in browser.policies.get("win32", ()):
            base = f"{HIVES['system']}\\SOFTWARE\\{place.removeprefix(_SOFTWARE)}"
            kept += regfile.add(keys, base, enterprise.as_keys(browser, enterprise.rules(browser, policy)))
    return _put(path, regfile.dump(keys), kept)


def _profile(policy: Policy, path: Path, chosen: Iterable[Browser]) -> Written:
    """A configuration profile (Apple, "Configuration Profile Reference"): a payload for each domain of preferences."""
    there = disk.read(path)
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
    return _put(path, plistlib.dumps(whole), kept)


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


def _put(path: Path, data: bytes, kept: Sequence[str]) -> Written:
    if disk.read(path) == data:
        return Written(path, "unchanged", kept)
    disk.make_directory(path.parent, public=False)
    disk.write_bytes(path, data)
    return Written(path, "written", kept)


def _object(path: Path) -> dict[str, Any]:
    """The JSON object of a file that is to be merged into; empty where there is none. Raises SetupError."""
    try:
        found = load_json(path)
    except OSError as error:
        raise disk.cannot("read", path, error) from error
    except ValueError as error:
        raise SetupError(f"{path} is not JSON, and is left as it is ({error})") from None
    if found is None:
        return {}
    if not isinstance(found, dict):
        raise SetupError(f"{path} is not a JSON object, and is left as it is")
    return found


def _lenient(path: Path) -> Mapping[str, Any]:
    try:
        return _object(path)
    except SetupError:
        # Chromium passes over such a file as well.
        return {}


def _dumped(tree: Mapping[str, Any]) -> str:
    return json.dumps(tree, indent=2, ensure_ascii=False) + "\n"


def _sandboxed(browser: Browser) -> str:
    return "it is a sandboxed package" if browser.sandbox else "it is not in the table"
