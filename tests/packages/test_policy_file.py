"""The policy file of the Debian package shows every setting, and changes nothing."""

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel

from manifests.packages import dpkg
from poterne import policy
from poterne.policy import Policy

FILE = dpkg.DATA / "policy.toml"


@pytest.fixture
def shown(tmp_path: Path) -> dict[str, Any]:
    """Every setting of the file, switched on."""
    text = re.sub(r"^#(?=[\[a-z])", "", FILE.read_text(encoding="utf-8"), flags=re.M)
    roots = tmp_path / "roots.pem"
    roots.touch()
    return tomllib.loads(re.sub(r'^public_roots = ".*"$', f'public_roots = "{roots}"', text, flags=re.M))


def test_as_it_comes_it_changes_nothing() -> None:
    assert policy.load(FILE) == Policy()


def test_every_setting_can_be_switched_on(shown: dict[str, Any]) -> None:
    Policy.model_validate(shown)


def test_every_setting_of_the_policy_is_shown(shown: dict[str, Any]) -> None:
    assert set(_names(Policy())) - {"lab"} == set(_keys(shown))


def test_what_is_said_to_be_the_default_is_the_default(shown: dict[str, Any]) -> None:
    """Where there is a default at all, and the file says of none that it is an example."""
    switched = Policy.model_validate(shown)
    for table, settings in Policy():
        for name, default in settings or ():
            example = default is None or (table, name) in {("expected", "servers"), ("log", "file")}
            if not example:
                assert getattr(getattr(switched, table), name) == default, f"{table}.{name}"


def _names(table: BaseModel) -> Iterator[str]:
    for name in type(table).model_fields:
        value = getattr(table, name)
        if isinstance(value, BaseModel):
            yield from (f"{name}.{field}" for field in type(value).model_fields)
        else:
            yield name


def _keys(table: dict[str, Any]) -> Iterator[str]:
    for name, settings in table.items():
        yield from (f"{name}.{key}" for key in settings)
