"""What follows from something deeper is not said twice."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from functools import cache

from poterne.diagnose.symptom import Symptom
from poterne.knowledge import load
from poterne.model import Observation


def unexplained(symptoms: Iterable[Symptom], observations: Iterable[Observation]) -> list[Symptom]:
    """The symptoms without those that deeper ones account for: all that they were seen in is explained, by codes that
    absorb theirs (`knowledge/findings.toml`). What explains one look at an endpoint explains a second one that saw the
    same.
    """
    every = list(symptoms)
    looks = {o.id: (o.host, o.address, o.port, o.state) for o in observations if o.role == "target"}
    deep = [_of_every_look(symptom, looks) for symptom in every if symptom.explains]
    silences = load("findings")["silences"]
    silent = {code for symptom in every for code in silences.get(symptom.code, ())}
    return [symptom for symptom in every if symptom.code not in silent and not _accounted_for(symptom, deep)]


def _of_every_look(symptom: Symptom, looks: Mapping[str, tuple[str, str, int, str]]) -> Symptom:
    seen = {looks[id_] for id_ in symptom.explains if id_ in looks}
    return replace(symptom, explains=symptom.explains | {id_ for id_, look in looks.items() if look in seen})


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
