"""Files of the Windows registry editor: policies written as keys, merged into an export of what is there."""

import json
import re
from collections.abc import Mapping
from typing import Any

from poterne.errors import SetupError
from poterne.install.enterprise import Rules, merge

HEADER = "Windows Registry Editor Version 5.00"
_KEY = re.compile(r"\[(-?)([^\]]+)\]")
# Names of keys have no case; exports write this one so.
_SOFTWARE = re.compile(r"(?i)^(HKEY_[A-Z_]+\\)software\\")
_VALUE = re.compile(r'(@|"(?:[^"\\]|\\.)*")=(.*)')
# Where it is not known what is there, an import is to take no other entry's number.
_FIRST = 7465
Keys = dict[str, dict[str, str]]


def parse(data: bytes) -> Keys:
    """Key -> value's name -> its data as written; raises SetupError, whose words complete "the file …"."""
    text = _decoded(data)
    lines = text.replace("\\\r\n", "").replace("\\\n", "").splitlines()
    if not lines or not lines[0].startswith(("Windows Registry Editor", "REGEDIT4")):
        raise SetupError("is no export of the registry editor")
    keys: Keys = {}
    values: dict[str, str] | None = None
    for line in map(str.strip, lines[1:]):
        if match := _KEY.fullmatch(line):
            values = keys.setdefault(_SOFTWARE.sub(r"\1SOFTWARE\\", match[2]), {})
        elif (match := _VALUE.fullmatch(line)) and values is not None:
            values["" if match[1] == "@" else _unquoted(match[1])] = re.sub(r",\s+", ",", match[2])
        elif line and not line.startswith(";"):
            raise SetupError(f"has a line that is not understood: {line[:60]!r}")
    return keys


def dump(keys: Keys) -> bytes:
    """As the registry editor reads it: UTF-16 with a byte-order mark, CRLF."""
    lines = [HEADER, ""]
    for key, values in sorted(keys.items()):
        lines.append(f"[{key}]")
        lines += [f"{'@' if name == '' else _quoted(name)}={value}" for name, value in values.items()]
        lines.append("")
    return "\r\n".join(lines).encode("utf-16")


def add(keys: Keys, base: str, ours: Rules) -> list[str]:
    """Put policies below a key; says what was kept although Poterne would have it otherwise."""
    kept: list[str] = []
    rest = dict(ours.tree)
    for name, raw in list(keys.get(base, {}).items()):
        # Tables may stand in one value as JSON: ours go into it.
        table = _json(raw)
        if name in rest and isinstance(table, Mapping):
            merged = merge({name: table}, Rules({name: rest.pop(name)}, ours.owned))
            kept += merged.kept
            keys[base][name] = _quoted(json.dumps(merged.tree[name], ensure_ascii=False))
    for place, below in ours.owned_below(rest):
        _forget(keys, "\\".join((base, *place)))
        _write(keys, "\\".join((base, *place)), below, kept)
    _write(keys, base, ours.without_owned(rest), kept)
    return kept


def _write(keys: Keys, key: str, tree: Mapping[str, Any], kept: list[str]) -> None:
    for name, value in tree.items():
        if isinstance(value, Mapping):
            _write(keys, f"{key}\\{name}", value, kept)
        elif isinstance(value, list | tuple):
            _unite(keys.setdefault(f"{key}\\{name}", {}), f"{key}\\{name}", value, keys)
        else:
            there = keys.setdefault(key, {}).setdefault(name, _raw(value))
            if there != _raw(value):
                kept.append(f"{key}\\{name} stays {there}; Poterne would set {_raw(value)}")


def _unite(values: dict[str, str], key: str, entries: list[Any] | tuple[Any, ...], keys: Keys) -> None:
    """Lists are numbered values; tables in a list are numbered keys."""
    numbers = [int(name) for name in values if name.isdigit()]
    following = max(numbers, default=_FIRST - 1) + 1
    for entry in entries:
        if isinstance(entry, Mapping):
            _write(keys, f"{key}\\{following}", entry, [])
        elif _raw(entry) in values.values():
            continue
        else:
            values[str(following)] = _raw(entry)
        following += 1


def _forget(keys: Keys, key: str) -> None:
    for name in [each for each in keys if each == key or each.startswith(f"{key}\\")]:
        del keys[name]


def _raw(value: Any) -> str:
    if isinstance(value, int):
        return f"dword:{int(value):08x}"
    return _quoted(str(value))


def _json(raw: str) -> Any:
    if not raw.startswith('"'):
        return None
    try:
        return json.loads(_unquoted(raw))
    except (ValueError, RecursionError):
        return None


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _unquoted(text: str) -> str:
    return re.sub(r"\\(.)", r"\1", text[1:-1])


def _decoded(data: bytes) -> str:
    try:
        return data.decode("utf-16" if data[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig")
    except ValueError as error:
        raise SetupError(f"is neither UTF-16 nor UTF-8 ({error})") from None
