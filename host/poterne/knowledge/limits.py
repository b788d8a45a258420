"""From where on something counts: `limits.toml`."""

from dataclasses import dataclass
from functools import cache
from typing import Annotated

from poterne.knowledge.kinds import Count
from poterne.knowledge.reading import Within, read


@dataclass(frozen=True, slots=True)
class Limits:
    """`expiring_days`: days before its end from which a certificate is worth a remark. `signs_of_loss`: late or missing
    answers, and `share_of_loss`: their share of all (0 to 1), from which silence proves nothing.
    """

    expiring_days: Count
    signs_of_loss: Count
    share_of_loss: Annotated[float, Within(0, 1)]


@cache
def table() -> Limits:
    """The whole table."""
    return read("limits", Limits)
