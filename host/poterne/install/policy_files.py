"""Files of browsers' policies: which of them a browser reads, in which order, and what they say."""

import json
import math
import os
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from poterne.errors import SetupError
from poterne.policy import files

MAX_BYTES = 4 << 20
# Chromium itself ends on a file that is nested some 200 levels deep.
MAX_DEPTH = 100
Tree = dict[str, Any]
Dialect = Callable[[str], Any]
# A string or comment that does not end takes the rest, as it would of the parser: nothing is looked at twice.
_TOKEN = re.compile(r'"(?:[^"\\]+|\\.)*"?|/\*.*?(?:\*/|\Z)|//[^\n]*|[\[{]|[\]}]', re.DOTALL)


def listing(directory: Path) -> list[Path]:
    """The files of a folder that Chromium's browsers read, the one that counts last.

    Chromium (156) reads every name, hidden ones and backups too, no folders and nothing below them, and of two files
    that hold a policy believes the one whose name is later by its bytes. What is neither a file nor a folder is listed,
    so that somebody says it. Raises SetupError where the folder cannot be listed.
    """
    try:
        with os.scandir(directory) as entries:
            found = [Path(entry.path) for entry in entries if not _is_folder(entry)]
    except FileNotFoundError:
        check_links(directory)
        return []
    except OSError as error:
        raise _cannot("listed", directory, error) from error
    return sorted(found, key=lambda path: os.fsencode(path.name))


def read(path: Path) -> bytes | None:
    """The bytes of a regular file; `None` where there is none. Raises SetupError."""
    try:
        return files.read(path, MAX_BYTES)
    except FileNotFoundError:
        check_links(path)
        return None
    except OSError as error:
        raise _cannot("read", path, error) from error


def check_links(path: Path) -> None:
    """Raises SetupError where a link on the way leads nowhere, or something else keeps a path from being seen: what is
    missing there is not simply absent.
    """
    try:
        files.is_absent(path)
    except OSError as error:
        raise _cannot("read", path, error) from error


def understand(data: bytes, dialect: Dialect, path: Path) -> Tree:
    """The object that a policy file holds, by its policies. Raises SetupError, which names the file."""
    try:
        found = dialect(data.decode("utf-8"))
    except (ValueError, RecursionError) as error:
        raise SetupError(f"{path} cannot be understood ({_reason(error, data)})") from None
    if not isinstance(found, dict):
        raise SetupError(f"{path} cannot be understood (it is not a JSON object)")
    return found


def chromium(text: str) -> Any:
    """JSON with comments and trailing commas, as Chromium takes it. Raises ValueError.

    Chromium (156) takes more, which is refused here: line breaks in strings, `\\x41`, bytes in comments that are not
    UTF-8. Nothing is taken that Chromium refuses.
    """
    import rapidjson

    text = text.removeprefix("\ufeff")
    _bound(text)
    if "\0" in text:
        raise ValueError("it holds a NUL character")
    if any(match[0].startswith("/*/") for match in _TOKEN.finditer(text)):
        # Chromium takes it for a whole comment, others for the beginning of one.
        raise ValueError("it holds a comment that begins with /*/")
    # Other modes of numbers round, or forget that commas may trail (python-rapidjson 1.25).
    found = rapidjson.loads(
        text, parse_mode=rapidjson.PM_COMMENTS | rapidjson.PM_TRAILING_COMMAS, number_mode=rapidjson.NM_NAN
    )
    _check_finite(found)
    return found


def strict(text: str) -> Any:
    """JSON, as Firefox takes it. Raises ValueError."""
    _bound(text)
    found = json.loads(text, parse_constant=_refuse)
    _check_finite(found)
    return found


def dump(tree: Mapping[str, Any]) -> bytes:
    """A policy file."""
    # Half of a pair, which strict JSON can name, has no UTF-8: it stays the escape that it was.
    return (json.dumps(tree, indent=2, ensure_ascii=False) + "\n").encode("utf-8", "backslashreplace")


def has_comments(data: bytes) -> bool:
    """Whether a file has comments, which do not outlive its being written anew."""
    return any(match[0].startswith("/") for match in _TOKEN.finditer(data.decode("utf-8", "replace")))


def _is_folder(entry: "os.DirEntry[str]") -> bool:
    try:
        return entry.is_dir()
    except OSError:
        # A link that leads round in a circle, or where nobody may look.
        return False


def _bound(text: str) -> None:
    """The parsers count on the machine's stack."""
    depth = 0
    for match in _TOKEN.finditer(text):
        if match[0] in "[{":
            depth += 1
            if depth > MAX_DEPTH:
                raise ValueError(f"it is nested more than {MAX_DEPTH} levels deep")
        elif match[0] in "]}":
            depth -= 1


def _check_finite(value: Any) -> None:
    if isinstance(value, float) and not math.isfinite(value):
        raise ValueError("it holds a number that is none, or too large")
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list):
        for entry in value:
            _check_finite(entry)


def _refuse(word: str) -> Any:
    raise ValueError(f"{word} is not JSON")


def _reason(error: Exception, data: bytes) -> str:
    if not data.strip():
        return "it is empty"
    if isinstance(error, UnicodeDecodeError):
        return "it is not UTF-8"
    if isinstance(error, json.JSONDecodeError):
        return f"line {error.lineno}: {error.msg}"
    if match := re.fullmatch(r"Parse error at offset (\d+): (.*?)\.?", str(error)):
        return f"line {data.count(10, 0, int(match[1])) + 1}: {match[2]}"
    return str(error)


def _cannot(done: str, path: Path, error: OSError) -> SetupError:
    return SetupError(f"{path} cannot be {done} ({error.strerror or error})")
