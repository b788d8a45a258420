"""Files to export, and the words that other programs' formats have for ours: `formats.toml`."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Annotated, Literal

from poterne.knowledge.kinds import Label, Text
from poterne.knowledge.reading import Matching, read
from poterne.report import MailProtocol, Security, UserName


@dataclass(frozen=True, slots=True)
class FileFormat:
    """`file`: its name, in which {name} stands for the domain or the server. `mime`: its media type (RFC 6838).
    `writer`: MODULE:FUNCTION in `poterne.export`. `both`: it needs a setting for each direction, `domain`: a mail
    domain; with `words` only settings whose sign-in that program has a word for can be in it.
    """

    file: Text
    mime: Text
    writer: Annotated[str, Matching(r"[a-z_]+:[a-z_]+", "a module and its function")]
    both: bool = False
    domain: bool = False
    words: Literal["apple"] | None = None


@dataclass(frozen=True, slots=True)
class FileNames:
    """`reserved`: names that Windows keeps for devices, in small letters."""

    reserved: frozenset[Text]


@dataclass(frozen=True, slots=True)
class AppleWords:
    """Values of Apple's payload for protocols and sign-ins."""

    type: Mapping[MailProtocol, Text]
    auth: Mapping[str, Text]


@dataclass(frozen=True, slots=True)
class MozillaWords:
    """Values of Mozilla's clientConfig 1.1."""

    socket: Mapping[Security, Text]
    auth: Mapping[str, Text]
    user: Mapping[UserName, Text]


@dataclass(frozen=True, slots=True)
class Formats:
    """The whole table."""

    format: Mapping[Label, FileFormat]
    names: FileNames
    apple: AppleWords
    mozilla: MozillaWords


@cache
def table() -> Formats:
    """The whole table."""
    return read("formats", Formats)
