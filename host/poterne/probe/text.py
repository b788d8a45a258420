"""Bytes of strangers, made fit to be shown: decoded, without control characters, cut."""

import unicodedata

# Cc and Cf hold the escapes and the bidirectional overrides, Zl and Zp break lines, Cs and Co are nobody's text.
_UNSEEN = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
MAX_LINE = 512


def display(raw: bytes | str, limit: int = MAX_LINE) -> str:
    """Text with every unseen character replaced by U+FFFD, at most `limit` characters (an ellipsis marks a cut)."""
    text = raw.decode("utf-8", errors="replace") if isinstance(raw, bytes) else raw
    text = text[: limit * 2].strip()
    shown = "".join("\N{REPLACEMENT CHARACTER}" if unicodedata.category(c) in _UNSEEN else c for c in text)
    return shown if len(shown) <= limit else shown[: limit - 1] + "…"


def displays(raws: list[bytes] | list[str], *, items: int = 64, limit: int = 160, total: int = 1200) -> tuple[str, ...]:
    """Several texts, at most `items` of them and about `total` bytes of UTF-8 together; the rest is left out."""
    shown: list[str] = []
    room = total
    for raw in raws[:items]:
        text = display(raw, limit)
        room -= len(text.encode())
        if room < 0:
            break
        shown.append(text)
    return tuple(shown)
