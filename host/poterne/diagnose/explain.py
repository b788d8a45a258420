"""What follows from something deeper is not said twice."""

from collections.abc import Iterable
from functools import cache

from poterne.diagnose.symptom import Symptom
from poterne.knowledge import load


def unexplained(symptoms: Iterable[Symptom]) -> list[Symptom]:
    """The symptoms without those that a deeper one accounts for: all that they were seen in is explained by it, and it
    absorbs their code (`knowledge/findings.toml`).
    """
    every = list(symptoms)
    deep = [symptom for symptom in every if symptom.explains]
    return [symptom for symptom in every if not any(_accounts_for(other, symptom) for other in deep)]


def depth(code: str) -> int:
    """How much a code explains."""
    row: dict[str, int] = load("findings")["weight"].get(code, {"depth": 0})
    return row["depth"]


def _accounts_for(deep: Symptom, symptom: Symptom) -> bool:
    if symptom is deep or depth(deep.code) <= depth(symptom.code):
        return False
    if symptom.observation is not None:
        about = {symptom.observation.id}
    else:
        about = {observation.id for observation in symptom.seen}
    absorbed = _absorbed(deep.code)
    return bool(about) and about <= deep.explains and (absorbed is None or symptom.code in absorbed)


@cache
def _absorbed(code: str) -> frozenset[str] | None:
    """The codes that one absorbs; None: all."""
    codes = load("findings")["absorbs"].get(code)
    return None if codes is None else frozenset(codes)
