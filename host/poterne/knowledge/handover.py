"""Files to hand over, and the words that other programs' formats have for ours: `handover.toml`."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

from poterne.knowledge.kinds import Text
from poterne.knowledge.reading import read
from poterne.report import ExportFormat, MailProtocol, Security, UserName


@dataclass(frozen=True, slots=True)
class FileFormat:
    """A file's name, in which {name} stands for the domain or the server, and its media type (RFC 6838)."""

    file: Text
    mime: Text


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
class Handover:
    """The whole table."""

    format: Mapping[ExportFormat, FileFormat]
    names: FileNames
    apple: AppleWords
    mozilla: MozillaWords


@cache
def table() -> Handover:
    """The whole table."""
    return read("handover", Handover)
