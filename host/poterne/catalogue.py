"""The sentences of `_locales`, which the extension and the command line share."""

import json
import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from babel import Locale
from babel.dates import format_date
from babel.lists import format_list
from babel.numbers import format_decimal

from poterne.model import Finding

LANGUAGES = ("en", "fr")
_PLACEHOLDER = re.compile(r"\$([A-Za-z0-9_@]+)\$")


class Catalogue:
    """Messages of one language; what it lacks is taken from English."""

    def __init__(self, language: str) -> None:
        self.language = language if language in LANGUAGES else "en"
        self._locale = Locale.parse(self.language)
        self._messages = {**_messages("en"), **_messages(self.language)}

    def text(self, key: str, /, **values: object) -> str:
        """The message of a key, with its placeholders filled by name. Raises KeyError for an unknown key."""
        named = {name.lower(): str(value) for name, value in values.items()}
        return _PLACEHOLDER.sub(lambda match: named.get(match[1].lower(), ""), self._messages[key])

    def has(self, key: str) -> bool:
        """Whether there is such a message."""
        return key in self._messages

    def word(self, kind: str, value: object) -> str:
        """The word for a value of a closed set, such as ("security", "tls"); the value itself where there is none."""
        key = f"{kind}_{str(value).replace('-', '_')}"
        return self._messages.get(key, str(value))

    def number(self, value: float) -> str:
        """A number with at most one decimal, as the language writes it."""
        return format_decimal(value, format="#,##0.#", locale=self._locale)

    def finding(self, finding: Finding, suffix: str = "") -> str:
        """The sentence of a finding (or, with `_advice`, what to do about it)."""
        key = finding.code.replace("-", "_") + suffix
        numbers = finding.params.get("ports") or ((finding.port,) if finding.port else ())
        count = len(numbers) if isinstance(numbers, tuple) else 1
        forms = [f"{key}_{self._locale.plural_form(count)}", key]
        if count == 0:
            forms.insert(0, f"{key}_zero")
        return self.text(next(filter(self.has, forms), key), **self._values(finding, numbers))

    def _values(self, finding: Finding, numbers: object) -> dict[str, object]:
        values: dict[str, object] = {
            name: self._value(name, value) for name, value in finding.params.items() if value is not None
        }
        values["ports"] = self._value("ports", numbers)
        values["host"] = finding.host or ""
        values["port"] = finding.port or ""
        values["family"] = f"IPv{finding.family}" if finding.family else ""
        return values

    def _value(self, name: str, value: object) -> str:
        if name in ("asked", "works"):
            return self.word("security", value)
        if name in ("expected", "spoke"):
            return self.word("service", value)
        if name == "state":
            return self.word("state", value)
        if name == "date" and isinstance(value, str):
            from datetime import datetime

            return format_date(datetime.fromisoformat(value).date(), format="long", locale=self._locale)
        if isinstance(value, tuple):
            if name == "ports":
                value = tuple(sorted(value))
            shown = [str(item) for item in value[:4]]
            if len(value) > len(shown):
                shown.append("…")
            return format_list(shown, locale=self._locale)
        return str(value)


@cache
def _messages(language: str) -> Mapping[str, str]:
    raw: dict[str, dict[str, Any]] = json.loads((_folder() / language / "messages.json").read_text(encoding="utf-8"))
    return {key: entry["message"] for key, entry in raw.items()}


def _folder() -> Path:
    """In the wheel beside the modules; in a checkout in the extension."""
    here = Path(__file__)
    packaged = here.parent / "_locales"
    return packaged if packaged.is_dir() else here.parents[2] / "extension" / "_locales"


def language_of(environment: Mapping[str, str]) -> str:
    """The first language of LANGUAGE, LC_ALL, LC_MESSAGES, LANG that there is a catalogue for; else English."""
    for variable in ("LANGUAGE", "LC_ALL", "LC_MESSAGES", "LANG"):
        for entry in environment.get(variable, "").split(":"):
            language = re.split(r"[._@]", entry)[0].lower()
            if language in LANGUAGES:
                return language
            if language in ("c", "posix"):
                return "en"
    return "en"
