"""What an organisation's own policies say of the extension already: that stays, whatever Poterne would have there."""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from poterne.install.enterprise import stays


class Held(Protocol):
    """A policy file: `theirs` is what the organisation says there, `notes` is told what stays."""

    @property
    def theirs(self) -> Mapping[str, Any]: ...

    @property
    def notes(self) -> list[str]: ...


Stated = frozenset[str]
# Instead of a key of what the extension finds as managed: how the extension is installed.
INSTALLED = ""


def in_chromium(files: Sequence[Held], ours: Mapping[str, Any], extension: str) -> Stated:
    """What is stated in the files of a folder: the keys of what the extension finds as managed, and `INSTALLED`."""
    found: set[str] = set()
    settings = ours["ExtensionSettings"][extension]
    for file in files:
        for name, value in _table(file.theirs, "ExtensionSettings").items():
            # One entry may be for several extensions.
            if extension in (each.strip() for each in name.split(",")):
                found.add(INSTALLED)
                _note(file, f"ExtensionSettings.{name}", value, settings)
        for policy in ("ExtensionInstallForcelist", "ExtensionInstallBlocklist"):
            for entry in _texts(file.theirs.get(policy)):
                if entry.partition(";")[0] == extension and not _agrees(policy, entry, settings):
                    found.add(INSTALLED)
                    file.notes.append(f"{policy} names {entry}, which stays, so ExtensionSettings say nothing of it")
        found |= _managed(file, file.theirs, ours, "extensions", extension)
    return frozenset(found)


def in_firefox(file: Held, ours: Mapping[str, Any], extension: str) -> Stated:
    """What is stated in a `policies.json`."""
    found: set[str] = set()
    policies = _table(file.theirs, "policies")
    settings = _table(policies, "ExtensionSettings")
    if extension in settings:
        found.add(INSTALLED)
        place = f"policies.ExtensionSettings.{extension}"
        _note(file, place, settings[extension], ours["ExtensionSettings"][extension])
    if extension in _texts(_table(policies, "Extensions").get("Uninstall")):
        found.add(INSTALLED)
        file.notes.append(f"policies.Extensions.Uninstall names {extension}, which stays")
    return frozenset(found | _managed(file, policies, ours, "Extensions", extension))


def leave_out(ours: Mapping[str, Any], stated: Stated, group: str, extension: str) -> dict[str, Any]:
    """What Poterne has to say without what is stated."""
    rest = dict(ours)
    if INSTALLED in stated:
        del rest["ExtensionSettings"]
    told = {key: value for key, value in _ours(ours, group, extension).items() if key not in stated}
    rest.pop("3rdparty", None)
    return {**rest, "3rdparty": {group: {extension: told}}} if told else rest


def _managed(
    file: Held, policies: Mapping[str, Any], ours: Mapping[str, Any], group: str, extension: str
) -> frozenset[str]:
    there = _table(policies, "3rdparty", group, extension)
    told = _ours(ours, group, extension)
    for key, value in there.items():
        if key in told:
            _note(file, f"3rdparty.{group}.{extension}.{key}", value, told[key])
    return frozenset(there)


def _ours(ours: Mapping[str, Any], group: str, extension: str) -> Mapping[str, Any]:
    return _table(ours, "3rdparty", group, extension)


def _note(file: Held, place: str, there: Any, ours: Any) -> None:
    if there != ours:
        file.notes.append(stays(place, there, ours))


def _agrees(policy: str, entry: str, settings: Mapping[str, Any]) -> bool:
    """Whether a list says of the extension what Poterne would."""
    forced = settings["installation_mode"] == "force_installed"
    return policy == "ExtensionInstallForcelist" and forced and entry.partition(";")[2] == settings["update_url"]


def _table(tree: Mapping[str, Any], *names: str) -> Mapping[str, Any]:
    found: Any = tree
    for name in names:
        found = found.get(name) if isinstance(found, Mapping) else None
    return found if isinstance(found, Mapping) else {}


def _texts(value: Any) -> list[str]:
    return [entry for entry in value if isinstance(entry, str)] if isinstance(value, list) else []
