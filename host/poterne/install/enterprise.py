"""What browsers are told in an organisation, made from the policy file, and put beside what is there already."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from poterne.install import manifest
from poterne.install.browsers import HOST_NAME, Browser, BrowserFamily
from poterne.policy import Policy

_PINS = {"toolbar_pin": "force_pinned", "toolbar_state": "force_shown"}
Path = tuple[str, ...]


@dataclass(frozen=True)
class Rules:
    """The policies of one browser as a tree; what is below the paths in `owned` takes the place of what is there."""

    tree: Mapping[str, Any]
    owned: frozenset[Path] = frozenset()

    def owned_below(self, tree: Mapping[str, Any]) -> Iterator[tuple[Path, Mapping[str, Any]]]:
        """The tables of a part of the tree that are Poterne's own, with their paths."""
        for path in sorted(self.owned):
            table: Any = tree
            for name in path:
                table = table.get(name) if isinstance(table, Mapping) else None
            if isinstance(table, Mapping):
                yield path, table

    def without_owned(self, tree: Mapping[str, Any], path: Path = ()) -> dict[str, Any]:
        """A part of the tree without them."""
        return {
            name: self.without_owned(value, (*path, name)) if isinstance(value, Mapping) else value
            for name, value in tree.items()
            if (*path, name) not in self.owned
        }


@dataclass
class Merged:
    """What came of it; `kept` says, a line each, what was left as it was although Poterne would have it otherwise."""

    tree: dict[str, Any]
    kept: list[str] = field(default_factory=list)


def rules(browser: Browser, policy: Policy) -> Rules:
    """What this browser is told: the extension, who may start programs, and what the extension finds as managed."""
    extension = extension_id(browser.family, policy)
    settings = _chromium_settings(browser, policy) if browser.family == "chromium" else _firefox_settings(policy)
    group = "extensions" if browser.family == "chromium" else "Extensions"
    tree: dict[str, Any] = {"ExtensionSettings": {extension: settings}}
    if browser.family == "chromium":
        tree["NativeMessagingAllowlist"] = [HOST_NAME, *policy.deploy.other_hosts]
        if policy.deploy.block_other_hosts:
            tree["NativeMessagingBlocklist"] = ["*"]
        if not policy.deploy.user_level_hosts:
            tree["NativeMessagingUserLevelHosts"] = False
    if told := managed(policy):
        tree["3rdparty"] = {group: {extension: told}}
    owned = frozenset({("ExtensionSettings", extension), ("3rdparty", group, extension)})
    return Rules(tree, owned)


def as_keys(browser: Browser, ours: Rules) -> Rules:
    """As Windows has them: Chromium's family looks for what an extension finds as managed one key deeper."""
    told = ours.tree.get("3rdparty", {}).get("extensions")
    if browser.family != "chromium" or told is None:
        return ours
    deeper = {"extensions": {extension: {"policy": values} for extension, values in told.items()}}
    return Rules({**ours.tree, "3rdparty": deeper}, ours.owned)


def extension_id(family: BrowserFamily, policy: Policy) -> str:
    """The extension's id, the organisation's own where it signs packages itself."""
    named = policy.deploy.chromium_id if family == "chromium" else policy.deploy.firefox_id
    return named or manifest.extension_ids()[family]


def managed(policy: Policy) -> dict[str, Any]:
    """What the extension reads from `storage.managed`; see extension/managed_schema.json."""
    organisation = policy.organisation
    told: dict[str, Any] = {
        "organisation": organisation.name,
        "help": organisation.help,
        "domain": organisation.domain or "",
        "program": organisation.program,
        "language": organisation.language or "",
        "servers": [
            {"protocol": server.protocol, "host": server.host, "port": server.port, "security": server.security}
            for server in policy.expected.servers
        ],
    }
    told = {key: value for key, value in told.items() if value}
    if organisation.history is not None:
        told["history"] = organisation.history
    return told


def managed_manifest(policy: Policy) -> dict[str, Any]:
    """The managed-storage manifest that Firefox's family reads beside native manifests."""
    name = extension_id("firefox", policy)
    return {"name": name, "description": manifest.DESCRIPTION, "type": "storage", "data": managed(policy)}


def merge(existing: Mapping[str, Any], ours: Rules) -> Merged:
    """What is there with ours added: lists are united, tables merged, and what says something else stays."""
    merged = Merged({})
    merged.tree = _merge(existing, ours.tree, (), ours.owned, merged.kept)
    return merged


def unite(first: Mapping[str, Any], second: Mapping[str, Any]) -> dict[str, Any]:
    """Two browsers' parts of one file."""
    return merge(first, Rules(second)).tree


def stays(name: str, there: Any, ours: Any) -> str:
    """What is said of a value that was left as it is."""
    return f"{name} stays {_shown(there)}; Poterne would set {_shown(ours)}"


def subtract(current: Mapping[str, Any], ours: Rules, before: Mapping[str, Any]) -> dict[str, Any]:
    """What is there without what `merge` added to `before`."""
    return _subtract(current, ours.tree, before, (), ours.owned)


def _chromium_settings(browser: Browser, policy: Policy) -> dict[str, Any]:
    deploy = policy.deploy
    settings: dict[str, Any] = {"installation_mode": "allowed"}
    if deploy.update_url is not None:
        # Without the last, updates would come from the address in the package itself.
        settings = {
            "installation_mode": "force_installed",
            "update_url": deploy.update_url,
            "override_update_url": True,
        }
    if deploy.pinned:
        settings[browser.pin] = _PINS[browser.pin]
    return settings


def _firefox_settings(policy: Policy) -> dict[str, Any]:
    deploy = policy.deploy
    settings: dict[str, Any] = {"installation_mode": "allowed"}
    if deploy.xpi_url is not None:
        settings = {"installation_mode": "force_installed", "install_url": deploy.xpi_url}
    if deploy.pinned:
        settings["default_area"] = "navbar"
    return settings


def _shown(value: Any) -> str:
    text = json.dumps(value)
    return text if len(text) <= 200 else f"{text[:199]}…"


def _merge(
    existing: Mapping[str, Any], ours: Mapping[str, Any], path: Path, owned: frozenset[Path], kept: list[str]
) -> dict[str, Any]:
    merged = dict(existing)
    for key, value in ours.items():
        here = (*path, key)
        there = merged.get(key)
        if key not in merged or here in owned:
            merged[key] = value
        elif isinstance(there, Mapping) and isinstance(value, Mapping):
            merged[key] = _merge(there, value, here, owned, kept)
        elif isinstance(there, list) and isinstance(value, list):
            merged[key] = [*there, *(entry for entry in value if entry not in there)]
        elif there != value:
            kept.append(stays(".".join(here), there, value))
    return merged


def _subtract(
    current: Mapping[str, Any],
    ours: Mapping[str, Any],
    before: Mapping[str, Any],
    path: Path,
    owned: frozenset[Path],
) -> dict[str, Any]:
    left = dict(current)
    for key, value in ours.items():
        if key not in left:
            continue
        here, there, was = (*path, key), left[key], before.get(key)
        if here in owned:
            del left[key]
            if key in before:
                left[key] = was
        elif isinstance(there, Mapping) and isinstance(value, Mapping):
            below = _subtract(there, value, was if isinstance(was, Mapping) else {}, here, owned)
            left[key] = below
            if not below and key not in before:
                del left[key]
        elif isinstance(there, list) and isinstance(value, list):
            known: Sequence[Any] = was if isinstance(was, list) else ()
            # Where somebody has stated the list anew, perhaps with the same words, only one is surely not theirs.
            anew = not all(entry in there for entry in known)
            ours_only = {HOST_NAME} if anew else value
            left[key] = [entry for entry in there if entry not in ours_only or entry in known]
            if not left[key] and key not in before:
                del left[key]
        elif there == value and key not in before:
            del left[key]
    return left
