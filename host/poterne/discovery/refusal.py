"""Why something that a source says is not used."""

from poterne.report import NameState


class Unusable(Exception):
    """Why a record, a document or an entry of it cannot be used: in a few words, and as `Lookup.reason` and `value`."""

    def __init__(self, problem: str, reason: str, value: str | None = None) -> None:
        super().__init__(problem)
        self.reason = reason
        self.value = value


def left_out(problems: list[Unusable]) -> Unusable | None:
    """One line about entries that could not be used."""
    if not problems:
        return None
    first = problems[0]
    more = f" (and {len(problems) - 1} more)" if len(problems) > 1 else ""
    return Unusable(f"left out: {first}{more}", first.reason, first.value)


def in_vain(state: NameState) -> Unusable:
    """A question of DNS that got no answer."""
    return Unusable(f"DNS: {state}", "dns", state)
