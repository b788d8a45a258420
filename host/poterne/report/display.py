"""Bytes of strangers, made fit to be shown: decoded, without control characters, cut."""

import unicodedata
from collections.abc import Sequence

# Cc and Cf hold the escapes and the bidirectional overrides, Zl and Zp break lines, Cs and Co are nobody's text.
_UNSEEN = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
MAX_LINE = 512
_CUT = "…"


def display(raw: bytes | str, limit: int = MAX_LINE) -> str:
    """Text with every unseen character replaced by U+FFFD, at most `limit` bytes of UTF-8 (an ellipsis marks a cut)."""
    text = raw.decode("utf-8", errors="replace") if isinstance(raw, bytes) else raw
    text = text[: limit * 2].strip()
    shown = "".join("\N{REPLACEMENT CHARACTER}" if unicodedata.category(c) in _UNSEEN else c for c in text)
    encoded = shown.encode()
    if len(encoded) <= limit:
        return shown
    return encoded[: limit - len(_CUT.encode())].decode(errors="ignore") + _CUT


def displays(raws: Sequence[bytes | str], *, items: int = 64, limit: int = 160, total: int) -> tuple[str, ...]:
    """Several texts, at most `items` of them and `total` bytes of UTF-8 together; the rest is left out."""
    shown: list[str] = []
    room = total
    for raw in raws[:items]:
        text = display(raw, limit)
        room -= len(text.encode())
        if room < 0:
            break
        shown.append(text)
    return tuple(shown)
