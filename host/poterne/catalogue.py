"""The sentences of `_locales`, which the extension and the command line share."""

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any

from babel import Locale
from babel.dates import format_date
from babel.lists import format_list
from babel.numbers import format_decimal

from poterne.model import Finding, ParamValue

LANGUAGES = ("en", "fr", "de", "es", "it")
_NAMED = 4
_WORDS = {"asked": "security", "works": "security", "expected": "service", "spoke": "service", "state": "state"}
_PLACEHOLDER = re.compile(r"\$([A-Za-z0-9_@]+)\$")


@dataclass(frozen=True, slots=True)
class Saying:
    """A message with what it is about; `count` chooses its plural form."""

    key: str
    values: Mapping[str, ParamValue] = field(default_factory=dict)
    count: int | None = None


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

    def refusal(self, reason: object, value: object) -> str:
        """Why something that was published is not used, as a clause. `value`: what it is about."""
        key = f"refusal_{str(reason).replace('-', '_')}"
        return self.text(key if self.has(key) else "refusal_unreadable", value=value or "")

    def number(self, value: float) -> str:
        """A number with at most one decimal, as the language writes it."""
        return format_decimal(value, format="#,##0.#", locale=self._locale)

    def listed(self, items: Iterable[object]) -> str:
        """A list as the language writes it."""
        return format_list([str(item) for item in items], locale=self._locale)

    def date(self, iso: str) -> str:
        """A day or a moment (ISO 8601) as a day; what is none, as it stands."""
        try:
            return format_date(datetime.fromisoformat(iso).date(), format="long", locale=self._locale)
        except ValueError:
            return iso

    def said(self, saying: Saying) -> str:
        """A saying in words. Raises KeyError for an unknown key."""
        return self._counted(
            saying.key, saying.count, {name: self._written(name, value) for name, value in saying.values.items()}
        )

    def _written(self, name: str, value: ParamValue) -> str:
        if name == "port":
            return str(value)
        if name == "who":
            return self.word("way_name", value)
        if isinstance(value, tuple):
            return self.listed(value)
        return self.number(value) if isinstance(value, (int, float)) else str(value)

    def finding(self, finding: Finding, suffix: str = "") -> str:
        """The sentence of a finding (or, with `_advice`, what to do about it)."""
        key = finding.code.replace("-", "_") + suffix
        numbers = finding_ports(finding)
        variants = [key]
        # Who is behind it, or that nobody vouches for a certificate, is said where it is proved.
        if not suffix and finding.params.get("reporter") is not None:
            variants.insert(0, f"{key}_reported")
        if not suffix and finding.params.get("where") == "provider":
            variants.insert(0, f"{key}_provider")
        if not suffix and finding.params.get("trusted") is False:
            variants.insert(0, f"{key}_untrusted")
        if not suffix and finding.params.get("part") is True:
            variants.insert(0, f"{key}_part")
        return self._counted(next(filter(self.has, variants), key), len(numbers), self._values(finding, numbers))

    def _counted(self, key: str, count: int | None, values: Mapping[str, object]) -> str:
        forms = [key]
        if count is not None:
            forms.insert(0, f"{key}_{self._locale.plural_form(count)}")
        if count == 0:
            forms.insert(0, f"{key}_zero")
        return self.text(next(filter(self.has, forms), key), **values)

    def _values(self, finding: Finding, numbers: tuple[int, ...]) -> dict[str, object]:
        values: dict[str, object] = {
            name: self._value(name, value) for name, value in finding.params.items() if value is not None
        }
        if (reason := finding.params.get("reason")) is not None:
            values["why"] = self.refusal(reason, finding.params.get("value"))
        values["ports"] = self._value("ports", numbers)
        values["host"] = finding.host or ""
        values["port"] = finding.port or ""
        values["family"] = f"IPv{finding.family}" if finding.family else ""
        return values

    def _value(self, name: str, value: object) -> str:
        if name in _WORDS:
            return self.word(_WORDS[name], value)
        if name == "date" and isinstance(value, str):
            return self.date(value)
        if name == "ports" and isinstance(value, tuple):
            return self.listed(sorted(value))
        if isinstance(value, tuple):
            return self.listed([*value[:_NAMED], *(["…"] if len(value) > _NAMED else [])])
        return str(value)


def finding_ports(finding: Finding) -> tuple[int, ...]:
    """The ports that a finding speaks of, in its own order."""
    numbers = finding.params.get("ports")
    if isinstance(numbers, tuple) and numbers:
        return tuple(number for number in numbers if isinstance(number, int))
    return () if finding.port is None else (finding.port,)


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
