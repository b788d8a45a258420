"""What the TLS library's names of failures mean: `tls.toml`."""

from dataclasses import dataclass
from functools import cache

from poterne.knowledge.kinds import Pattern, Text
from poterne.knowledge.reading import read


@dataclass(frozen=True, slots=True)
class TlsReasons:
    """Names of failures, as `ssl.SSLError.reason` has them, and a pattern of greetings; the table explains each key."""

    incompatible: frozenset[Text]
    certificate_required: frozenset[Text]
    certificate_perhaps: frozenset[Text]
    certificate_greeting: Pattern


@cache
def table() -> TlsReasons:
    """The whole table."""
    return read("tls", TlsReasons)
