"""Where a registry's part of a name ends (the public suffix list)."""

from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from publicsuffixlist import PublicSuffixList


def registered_domain(name: str) -> str | None:
    """The registered domain of a name in A-labels; None for a public suffix itself. Reads the list when first asked,
    which takes some 80 ms.
    """
    found: str | None = _suffixes().privatesuffix(name)
    return found


@cache
def _suffixes() -> "PublicSuffixList":
    from publicsuffixlist import PublicSuffixList

    return PublicSuffixList(accept_unknown=True)
