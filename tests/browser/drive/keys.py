"""Keys as the two protocols write them."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Key:
    """`code` and `windows` are DOM's KeyboardEvent.code and keyCode; `webdriver` is WebDriver's code point."""

    name: str
    code: str
    windows: int
    webdriver: str
    text: str = ""


_NAMED = {
    key.name: key
    for key in (
        Key("Enter", "Enter", 13, "\ue007", "\r"),
        Key("Tab", "Tab", 9, "\ue004"),
        Key("Escape", "Escape", 27, "\ue00c"),
        Key("Space", "Space", 32, " ", " "),
        Key("ArrowUp", "ArrowUp", 38, "\ue013"),
        Key("ArrowDown", "ArrowDown", 40, "\ue015"),
        Key("ArrowLeft", "ArrowLeft", 37, "\ue012"),
        Key("ArrowRight", "ArrowRight", 39, "\ue014"),
    )
}


def key(name: str) -> Key:
    """A named key, or the key that types one character."""
    if name in _NAMED:
        return _NAMED[name]
    assert len(name) == 1, f"unknown key {name}"
    code = f"Key{name.upper()}" if name.isascii() and name.isalpha() else ""
    windows = ord(name.upper()) if name.isascii() and name.isalnum() else 0
    return Key(name, code, windows, name, name)
