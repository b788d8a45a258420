"""What follows from something deeper is not said twice."""

from collections.abc import Iterable, Mapping
from dataclasses import replace

from poterne.diagnosis.registry import kind
from poterne.diagnosis.symptom import Symptom
from poterne.report import Observation


def unexplained(symptoms: Iterable[Symptom], observations: Iterable[Observation]) -> list[Symptom]:
    """The symptoms without those that deeper ones account for: all that they were seen in is explained, by codes that
    absorb theirs. What explains one look at an endpoint explains a second one that saw the
    same.
    """
    every = list(symptoms)
    looks = {o.id: (o.host, o.address, o.port, o.state) for o in observations if o.role == "target"}
    deep = [_of_every_look(symptom, looks) for symptom in every if symptom.explains]
    silent = {code for symptom in every for code in kind(symptom.code).silences}
    return [symptom for symptom in every if symptom.code not in silent and not _accounted_for(symptom, deep)]


def _of_every_look(symptom: Symptom, looks: Mapping[str, tuple[str, str, int, str]]) -> Symptom:
    seen = {looks[id_] for id_ in symptom.explains if id_ in looks}
    return replace(symptom, explains=symptom.explains | {id_ for id_, look in looks.items() if look in seen})


def _accounted_for(symptom: Symptom, deep: list[Symptom]) -> bool:
    about = {symptom.observation.id} if symptom.observation else {observation.id for observation in symptom.seen}
    explained: set[str] = set()
    for other in deep:
        deeper = kind(other.code)
        if deeper.depth > kind(symptom.code).depth and (deeper.absorbs is None or symptom.code in deeper.absorbs):
            explained |= other.explains
    return bool(about) and about <= explained
