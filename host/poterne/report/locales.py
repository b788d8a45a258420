"""The messages of `_locales`, which the command line and the extension share."""

import json
import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any, Literal, get_args

Language = Literal["en", "fr", "de", "es", "it"]
LANGUAGES: tuple[Language, ...] = get_args(Language)
PLURAL_FORMS = ("zero", "one", "two", "few", "many")

_PLACEHOLDER = re.compile(r"\$([A-Za-z0-9_@]+)\$")


@cache
def messages(language: str) -> Mapping[str, str]:
    """The messages of one of LANGUAGES by key, their placeholders as they stand: `$HOST$`. The caller must not change
    them.
    """
    raw: dict[str, dict[str, Any]] = json.loads((_folder() / language / "messages.json").read_text(encoding="utf-8"))
    return {key: entry["message"] for key, entry in raw.items()}


def exists(key: str) -> bool:
    """Whether there is such a message. English has all of them."""
    return key in messages("en")


@cache
def placeholders(key: str) -> frozenset[str]:
    """The names of the values that a message needs, in any of its plural forms, in lower case."""
    forms = (key, *(f"{key}_{form}" for form in PLURAL_FORMS))
    texts = (messages("en").get(form, "") for form in forms)
    return frozenset(name.lower() for text in texts for name in _PLACEHOLDER.findall(text))


def _folder() -> Path:
    """In the wheel beside the package's modules; in a checkout in the extension."""
    package = Path(__file__).parents[1]
    packaged = package / "_locales"
    return packaged if packaged.is_dir() else package.parents[1] / "extension" / "_locales"
