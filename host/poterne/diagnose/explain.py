"""What follows from something deeper is not said twice."""

from collections.abc import Iterable
from functools import cache

from poterne.diagnose.symptom import Symptom
from poterne.knowledge import load


def unexplained(symptoms: Iterable[Symptom]) -> list[Symptom]:
    """The symptoms without those that deeper ones account for: all that they were seen in is explained, by codes that
    absorb theirs (`knowledge/findings.toml`).
    """
    every = list(symptoms)
    deep = [symptom for symptom in every if symptom.explains]
    return [symptom for symptom in every if not _accounted_for(symptom, deep)]


def depth(code: str) -> int:
    """How much a code explains."""
    row: dict[str, int] = load("findings")["weight"].get(code, {"depth": 0})
    return row["depth"]


def _accounted_for(symptom: Symptom, deep: list[Symptom]) -> bool:
    about = {symptom.observation.id} if symptom.observation else {observation.id for observation in symptom.seen}
    explained: set[str] = set()
    for other in deep:
        absorbed = _absorbed(other.code)
        if depth(other.code) > depth(symptom.code) and (absorbed is None or symptom.code in absorbed):
            explained |= other.explains
    return bool(about) and about <= explained


@cache
def _absorbed(code: str) -> frozenset[str] | None:
    """The codes that one absorbs; None: all."""
    codes = load("findings")["absorbs"].get(code)
    return None if codes is None else frozenset(codes)
