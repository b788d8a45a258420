"""Internationalised host names as people read them, where nobody can be deceived by them."""

import unicodedata

import idna

# Latin letters without an ASCII letter inside (Unicode NFD) that do not pass for one.
_LATIN = frozenset("æðøþßđłœ")
# Scripts with letters that pass for Latin ones (UTS 39): believed only below a top-level domain of the same script.
_ALIKE = ("CYRILLIC", "GREEK", "ARMENIAN", "CHEROKEE", "COPTIC")


def with_unicode(host: str) -> str:
    """The host as it is to be typed, in A-labels, and behind it in Unicode where that is unambiguous."""
    readable = in_unicode(host)
    return host if readable is None else f"{host} ({readable})"


def in_unicode(host: str) -> str | None:
    """A host of A-labels in Unicode; None where it has none, or might pass for another name: each label has to be of
    one script, and of a script whose letters look like Latin ones only below a top-level domain of that script.
    """
    labels = host.split(".")
    try:
        shown = [idna.decode(label) if label.startswith("xn--") else label for label in labels]
    except (idna.IDNAError, UnicodeError):
        return None
    if shown == labels:
        return None
    top = _script(shown[-1])
    for label in shown:
        script = _script(label)
        if script is None or (script in _ALIKE and script != top):
            return None
    return ".".join(shown)


def _script(label: str) -> str | None:
    """The one script of a label's letters; LATIN where it has none; None where there are several or doubtful ones."""
    scripts: set[str] = set()
    for letter in label:
        if letter.isascii():
            scripts |= {"LATIN"} if letter.isalpha() else set()
        elif unicodedata.category(letter).startswith("M"):
            continue
        else:
            script = unicodedata.name(letter, "").partition(" ")[0]
            base = unicodedata.normalize("NFD", letter)[0]
            if script == "LATIN" and not (base.isascii() or letter in _LATIN):
                return None
            scripts.add(script)
    scripts = {"CJK" if script in ("CJK", "HIRAGANA", "KATAKANA", "HANGUL") else script for script in scripts}
    return scripts.pop() if len(scripts) == 1 else None if scripts else "LATIN"
