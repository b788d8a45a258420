"""A Report's settings as a file that somebody else, or another program, can use. Pure: Report in, bytes out."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pkgutil import resolve_name
from types import MappingProxyType

from poterne.errors import InvalidRequest
from poterne.export.account import Account
from poterne.knowledge import formats
from poterne.report import Report, Target
from poterne.report.catalogue import Catalogue

__all__ = ["FORMATS", "Exported", "Format", "export", "file_name"]


@dataclass(frozen=True, slots=True)
class Format:
    """How a kind of file is called, served, and written."""

    file: str
    mime: str
    write: Callable[[Account, Catalogue], bytes]


@dataclass(frozen=True, slots=True)
class Exported:
    """A whole file: a name without folders, a media type, and its bytes (UTF-8 in every format)."""

    name: str
    mime: str
    data: bytes


FORMATS: Mapping[str, Format] = MappingProxyType(
    {
        name: Format(row.file, row.mime, resolve_name(f"{__name__}.{row.writer}"))
        for name, row in formats.table().format.items()
    }
)


def export(report: Report, format: str, catalogue: Catalogue | str = "en") -> Exported:
    """The report's settings as a file of one of FORMATS, its sentences in the catalogue's language.

    Only settings that were verified and are encrypted are in it; no password is. Raises NoSettings where the format
    needs more than there is, InvalidRequest for another format.
    """
    kind = _format(format)
    account = Account.of(report)
    words = Catalogue(catalogue) if isinstance(catalogue, str) else catalogue
    return Exported(_named(kind, account.name), kind.mime, kind.write(account, words))


def file_name(target: Target, format: str) -> str:
    """What `export` will call the file of a target, before there is a report. Raises InvalidRequest."""
    return _named(_format(format), target.domain or target.host or "")


def _format(name: str) -> Format:
    try:
        return FORMATS[name]
    except KeyError:
        raise InvalidRequest(f"a file to hand over is one of {', '.join(FORMATS)}") from None


def _named(kind: Format, name: str) -> str:
    """A domain or a server as the beginning of a file's name, on every system."""
    stem = name.replace(":", "-").replace("%", "-")
    kept = stem.partition(".")[0] in formats.table().names.reserved
    return kind.file.format(name=f"mail-{stem}" if kept or not stem[:1].isalnum() else stem)
