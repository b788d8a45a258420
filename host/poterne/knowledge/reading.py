"""Reads a table of this folder into frozen dataclasses, and refuses whatever does not fit."""

import re
import tomllib
from collections.abc import Callable, Hashable, Iterable, Mapping
from dataclasses import MISSING, Field, dataclass, fields, is_dataclass
from functools import cache
from pathlib import Path
from types import MappingProxyType, NoneType, UnionType
from typing import Annotated, Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

from poterne.errors import TableError

# importlib.resources would add a sixth to the time until the first probe.
_FOLDER = Path(__file__).parent
_WORDS = {str: "a text", bool: "true or false", int: "a whole number", float: "a number"}
_Record = TypeVar("_Record")


@dataclass(frozen=True, slots=True)
class Within:
    """For Annotated: the number is not below `low` nor above `high`."""

    low: float
    high: float

    def __call__(self, value: float) -> None:
        """Raises ValueError."""
        if not self.low <= value <= self.high:
            raise ValueError(f"expected {self.low} to {self.high}, not {value}")


@dataclass(frozen=True, slots=True)
class Matching:
    """For Annotated: the whole text matches a pattern; `what` says in words what is expected."""

    pattern: str
    what: str

    def __call__(self, value: str) -> None:
        """Raises ValueError."""
        if not re.fullmatch(self.pattern, value):
            raise ValueError(f"expected {self.what}, not {value!r}")


@dataclass(frozen=True, slots=True)
class Parsed:
    """For Annotated: the table has a text, of which `make` makes the value. `make` may raise ValueError."""

    make: Callable[[str], object]


def distinct(what: str, values: Iterable[Hashable]) -> None:
    """Raises ValueError where a value comes twice."""
    seen: set[Hashable] = set()
    for value in values:
        if value in seen:
            raise ValueError(f"{what} {value!r} stands twice")
        seen.add(value)


@cache
def load(name: str) -> dict[str, Any]:
    """The tables of `knowledge/<name>.toml`, as TOML has them. The caller must not change them."""
    return tomllib.loads((_FOLDER / f"{name}.toml").read_text(encoding="utf-8"))


def read(name: str, kind: type[_Record]) -> _Record:
    """`knowledge/<name>.toml` as a dataclass. Raises TableError."""
    return record(load(name), kind, f"{name}.toml")


def record(table: object, kind: type[_Record], place: str) -> _Record:
    """A table as a dataclass, by its annotations: its fields are the table's keys, and those with a default may be
    missing. Arrays become tuples or frozensets, tables become dataclasses or read-only mappings; a number without a
    fraction will do for a float. `place` is where the table stands. Raises TableError.
    """
    result = _record(table, kind, place)
    assert isinstance(result, kind)
    return result


def _record(table: object, kind: Any, place: str) -> object:
    if not isinstance(table, dict):
        raise TableError(f"{place}: expected a table, not {table!r}")
    known, types = _fields(kind)
    if unknown := [key for key in table if key not in known]:
        raise TableError(f"{place}: unknown key “{unknown[0]}”")
    if missing := [name for name, field in known.items() if name not in table and _required(field)]:
        raise TableError(f"{place}: “{missing[0]}” is missing")
    values = {name: _value(value, types[name], f"{place}, {name}") for name, value in table.items()}
    try:
        return kind(**values)
    except ValueError as error:
        raise TableError(f"{place}: {error}") from None


@cache
def _fields(kind: Any) -> tuple[dict[str, "Field[Any]"], dict[str, Any]]:
    return {field.name: field for field in fields(kind) if field.init}, get_type_hints(kind, include_extras=True)


def _required(field: "Field[Any]") -> bool:
    return field.default is MISSING and field.default_factory is MISSING


def _value(value: object, kind: Any, place: str) -> object:
    generic = _GENERIC.get(get_origin(kind))
    if generic is not None:
        return generic(value, kind, place)
    if is_dataclass(kind):
        return _record(value, kind, place)
    if kind is float and type(value) is int:
        return float(value)
    if type(value) is not kind:
        raise TableError(f"{place}: expected {_WORDS[kind]}, not {value!r}")
    return value


def _optional(value: object, kind: Any, place: str) -> object:
    """TOML has no null: what may be None is there, or its key is missing."""
    (inner,) = (each for each in get_args(kind) if each is not NoneType)
    return _value(value, inner, place)


def _literal(value: object, kind: Any, place: str) -> object:
    if value not in get_args(kind):
        raise TableError(f"{place}: expected one of {', '.join(map(repr, get_args(kind)))}, not {value!r}")
    return value


def _annotated(value: object, kind: Any, place: str) -> object:
    inner, rule = get_args(kind)
    try:
        if isinstance(rule, Parsed):
            return rule.make(str(_value(value, str, place)))
        checked = _value(value, inner, place)
        rule(checked)
    except ValueError as error:
        raise TableError(f"{place}: {error}") from None
    return checked


def _array(value: object, kind: Any, place: str) -> object:
    whole: Any = get_origin(kind)
    inner = get_args(kind)[0]
    if not isinstance(value, list):
        raise TableError(f"{place}: expected an array, not {value!r}")
    # Rows are counted as people count them.
    found = [_value(each, inner, f"{place} {number}") for number, each in enumerate(value, 1)]
    if whole is frozenset:
        try:
            distinct("the value", found)
        except ValueError as error:
            raise TableError(f"{place}: {error}") from None
    result: object = whole(found)
    return result


def _mapping(value: object, kind: Any, place: str) -> object:
    if not isinstance(value, dict):
        raise TableError(f"{place}: expected a table, not {value!r}")
    of_keys, of_values = get_args(kind)
    return MappingProxyType(
        {_value(key, of_keys, place): _value(each, of_values, f"{place}, {key}") for key, each in value.items()}
    )


_GENERIC: dict[object, Callable[[object, Any, str], object]] = {
    Annotated: _annotated,
    Literal: _literal,
    Mapping: _mapping,
    Union: _optional,
    UnionType: _optional,
    frozenset: _array,
    tuple: _array,
}
