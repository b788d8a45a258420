"""Every finding that Poterne knows, and the rules that lead to them. A rule module registers both, side by side."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from poterne.diagnosis.case import Case
from poterne.diagnosis.symptom import Yields
from poterne.report import Party, Severity, Station

Rule = Callable[[Case], Yields]
Quiet = Literal["shallow", "block", "turned-away", "name"]


@dataclass(frozen=True, kw_only=True, eq=False)
class FindingKind:
    """What a finding is, whatever it was found in.

    What it is

    code       its name in reports; with `_` for `-` the key of its sentence in `_locales`, `KEY_advice` its advice
    party      who can remove the cause; `network` becomes `provider` where that is proved; None: there is none
    unsure_party  the same where the finding is not certain; None: the same party
    asks       whom its advice says to ask, where that is not the party
    remark     it never keeps a target from being usable, so it is never the reason
    network    what this network does, and somebody should know of even where settings work: it is the verdict then
               (docs/contract.md 2.3)
    about_ports  it is about ports, and names them
    about_name   it is about one name, and no reason where servers were tried and that is not the one that was asked for

    How it is weighed

    depth      how far the connection came, or how much it explains: of several reasons why nothing works the deepest is
               the verdict
    severity   the severity where the target is usable all the same
    severity_outgoing  the same for a port that sends, where it differs
    despite_verified   it is in the way of what was asked for even where a port was verified
    doubted    where many packets are lost it may be loss as well, and is possible only
    quiet      beside what it is no reason. `shallow`: beside any other. `block`: beside a port of the same purpose that
               opened, or beside one that is `turned-away`, which quiets blocks only. `name`: beside a block of the port
               that was asked for

    What it does to others

    absorbs    the codes that follow from it where both were seen in the same observations; None: all that are less deep
    silences   codes about names that are not told beside it
    distrusts  its ports are not recommended before others

    What is told of it

    stops      between which stations of the path connections stop, as far as it alone proves that; None: nowhere known
    traced     a trace tells more of that, or the router that said so
    intercepts   connections come about, but not with the server: somebody else answers
    way_round  what was tested and works may be recommended in its place; not where somebody reads along
    port25     whether readers wonder about port 25, which has a help page: always, where it is `named`, or where the
               `verdict` names it
    """

    code: str
    party: Party | None
    depth: int
    severity: Severity
    severity_outgoing: Severity | None = None
    unsure_party: Party | None = None
    asks: Party | None = None
    remark: bool = False
    network: bool = False
    about_ports: bool = True
    about_name: bool = False
    despite_verified: bool = False
    doubted: bool = False
    quiet: Quiet | None = None
    absorbs: frozenset[str] | None = None
    silences: frozenset[str] = frozenset()
    distrusts: bool = False
    stops: tuple[Station, Station] | None = None
    traced: bool = False
    intercepts: bool = False
    way_round: bool = True
    port25: Literal["always", "named", "verdict"] | None = None

    def milder(self, *, outgoing: bool) -> Severity:
        """The severity where the target is usable all the same. `outgoing`: it is about a port that sends."""
        return (self.severity_outgoing if outgoing else None) or self.severity


_KINDS: dict[str, FindingKind] = {}
_COMPARING: list[Rule] = []
_ALONE: list[Rule] = []


def register(*kinds: FindingKind) -> None:
    """Makes findings known. Raises ValueError for a code that is known already."""
    for each in kinds:
        if each.code in _KINDS:
            raise ValueError(f"{each.code} is registered twice")
        _KINDS[each.code] = each


def compares(*kinds: FindingKind) -> Callable[[Rule], Rule]:
    """Makes a rule known that holds the target against others, or what it may want, and the findings that it leads to.
    Raises ValueError as `register` does.
    """
    return _registers(kinds, _COMPARING)


def shows(*kinds: FindingKind) -> Callable[[Rule], Rule]:
    """The same for a rule on what names and endpoints show by themselves, which says nothing where this machine is in
    no network.
    """
    return _registers(kinds, _ALONE)


def _registers(kinds: tuple[FindingKind, ...], rules: list[Rule]) -> Callable[[Rule], Rule]:
    def registered(rule: Rule) -> Rule:
        register(*kinds)
        rules.append(rule)
        return rule

    return registered


def rules(case: Case) -> tuple[Rule, ...]:
    """The rules for a case. Of findings that weigh the same, those of comparisons are told first; but for that, and for
    the order within a module, their order does not matter.
    """
    return tuple(_COMPARING) if case.target.is_cut_off else (*_COMPARING, *_ALONE)


def kinds() -> tuple[FindingKind, ...]:
    """All findings that are known."""
    return tuple(_KINDS.values())


def known(code: str) -> FindingKind:
    """What a code of this version means. Raises KeyError for any other."""
    return _KINDS[code]


def kind(code: str) -> FindingKind:
    """What a code means; one that only another version knows means nothing further."""
    return _KINDS.get(code) or FindingKind(code=code, party=None, depth=0, severity="note")
