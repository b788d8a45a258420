"""Statements in the words of a language. The extension has the same rules (`extension/core/catalogue.js`); both are
held to `tests/golden/statements.json`.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime

from babel import Locale
from babel.dates import format_date
from babel.lists import format_list
from babel.numbers import format_decimal

from poterne.report import Setting
from poterne.report.locales import LANGUAGES, messages
from poterne.report.statement import NAMED, DateValue, NumberValue, Statement, TextValue, Value

_PLACEHOLDER = re.compile(r"\$(?:\$|([A-Za-z0-9_@]+)\$)")
# Bidirectional controls in a stranger's text could turn the sentence around them.
_UNPRINTABLE = re.compile("[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]+")


class Catalogue:
    """Messages of one language; what it lacks is taken from English."""

    def __init__(self, language: str) -> None:
        self.language = language if language in LANGUAGES else "en"
        self._locale = Locale.parse(self.language)
        self._messages = {**messages("en"), **messages(self.language)}

    def text(self, key: str, /, **values: object) -> str:
        """The message of a key, with its placeholders filled by name. Raises KeyError for an unknown key."""
        named = {name.lower(): str(value) for name, value in values.items()}
        return _filled(self._messages[key], lambda name: named.get(name, ""))

    def word(self, kind: str, value: object) -> str:
        """The word for a value of a closed set, such as ("security", "tls"); the value itself where there is none."""
        key = f"{kind}_{str(value).replace('-', '_')}"
        return self._messages.get(key, str(value))

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

    def said(self, statement: Statement) -> str:
        """A statement in words; nothing where there is no such message, which only a newer version can have written."""
        forms = [statement.key]
        if statement.count is not None:
            forms.insert(0, f"{statement.key}_{self._locale.plural_form(statement.count)}")
        if statement.count == 0:
            forms.insert(0, f"{statement.key}_zero")
        message = next((self._messages[form] for form in forms if form in self._messages), "")
        values = {name.lower(): value for name, value in statement.values.items()}
        return _filled(message, lambda name: self._written(values.get(name, "")))

    def paragraph(self, statements: Iterable[Statement]) -> str:
        """Statements one behind the other."""
        return " ".join(filter(None, map(self.said, statements)))

    def _written(self, value: Value) -> str:
        match value:
            case Statement():
                return self.said(value)
            case TextValue():
                return plain(value.text)
            case DateValue():
                return plain(self.date(value.date))
            case NumberValue():
                return self.number(value.number)
            case tuple():
                items = [self._written(item) for item in value]
                cut = len(items) > NAMED and not isinstance(value[0], int)
                return self.listed([*items[:NAMED], "…"] if cut else items)
        return plain(str(value))


def _filled(message: str, fill: Callable[[str], str]) -> str:
    return _PLACEHOLDER.sub(lambda match: fill(match[1].lower()) if match[1] else "$", message)


def plain(text: str) -> str:
    """A stranger's text, fit to stand in a line."""
    return _UNPRINTABLE.sub(" ", text).strip()


def remarks(settings: Iterable[Setting], catalogue: Catalogue) -> list[str]:
    """What to know before these settings are used, with the hosts that it is about: one line each."""
    told: dict[str, dict[str, None]] = {}
    for setting in settings:
        for remark in setting.remarks:
            told.setdefault(remark, {})[setting.host] = None
    return [f"{', '.join(hosts)} · {catalogue.word('remark', remark)}" for remark, hosts in told.items()]


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
