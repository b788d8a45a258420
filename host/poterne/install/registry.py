"""What is used of the registry of Windows."""

from collections.abc import Mapping, Sequence
from typing import Literal, Protocol

Hive = Literal["HKEY_CURRENT_USER", "HKEY_LOCAL_MACHINE"]
View = Literal[32, 64]


class Registry(Protocol):
    """Values of registry keys (`name` empty: the default value), in the view of 32-bit or of 64-bit programs, which
    differ below HKEY_LOCAL_MACHINE; all raise OSError where access is denied.
    """

    def read(self, hive: Hive, key: str, view: View = 64) -> str | None:
        """The key's default value; `None` where there is no such key or value."""

    def write(self, hive: Hive, key: str, value: str, view: View = 64) -> None:
        """Make the key and set its default value."""

    def delete(self, hive: Hive, key: str, view: View = 64) -> None:
        """Remove the key itself; it may be missing already."""

    def values(self, hive: Hive, key: str) -> Mapping[str, str | int]:
        """Every named value of a key; none where there is no such key."""

    def children(self, hive: Hive, key: str) -> Sequence[str]:
        """The names of the keys below."""
