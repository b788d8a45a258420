"""A message that is too long for a browser is made shorter, and says in what."""

import json
from collections.abc import Callable, Iterator
from typing import Any

from poterne.native.frames import MAX_OUTGOING
from poterne.report import HostMessage

Json = dict[str, Any]
MARK = "…"
# What is told stays whole: half a sentence, or half of the reasons, would be another answer.
UNCUT = ("type", "id", "verdict", "code", "told", "says", "advice")
GREETING_CHARACTERS = 80
NAMES = 8


def to_json(message: HostMessage, limit: int = MAX_OUTGOING) -> str:
    """The message as JSON of at most `limit` bytes of UTF-8.

    What a verdict can be understood without goes first: capabilities, greetings, certificates' names, paths; then the
    longest lists and texts, half by half. A message that was shortened has a key `reduced`: the names of what is not
    whole. Numbers that JSON does not have become null. Raises ValueError where nothing shortens it enough.
    """
    text = message.model_dump_json()
    if len(text.encode()) <= limit:
        return text
    whole: Json = json.loads(text)
    reduced: list[str] = []
    for name in _shortened(whole):
        if name not in reduced:
            reduced.append(name)
        text = _dump({**whole, "reduced": reduced})
        if len(text.encode()) <= limit:
            return text
    raise ValueError(f"a message of type {whole['type']} is too long for the browser")


def _shortened(message: Json) -> Iterator[str]:
    """Shorten the message a little more at each step; yields the name of what was cut, until nothing is left to cut."""
    for name, shorten in STEPS:
        if shorten(message):
            yield name
    while name_of_longest := _halve_the_longest(message):
        yield name_of_longest


def _dump(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))


def _observations(message: Json) -> Iterator[Json]:
    if "observation" in message:
        yield message["observation"]
    yield from message.get("report", {}).get("observations", ())


def _empty(*keys: str) -> Callable[[Json], bool]:
    def shorten(message: Json) -> bool:
        shortened = False
        for observation in _observations(message):
            for key in keys:
                shortened |= bool(observation[key])
                observation[key] = []
        return shortened

    return shorten


def _cut_greetings(message: Json) -> bool:
    shortened = False
    for observation in _observations(message):
        greeting = observation["greeting"]
        if greeting and len(greeting) > GREETING_CHARACTERS:
            observation["greeting"] = greeting[:GREETING_CHARACTERS] + MARK
            shortened = True
    return shortened


def _cut_names(message: Json) -> bool:
    shortened = False
    for observation in _observations(message):
        tls = observation["tls"]
        if tls and len(tls["names"]) > NAMES:
            tls["names"] = [*tls["names"][:NAMES], MARK]
            shortened = True
    return shortened


STEPS: tuple[tuple[str, Callable[[Json], bool]], ...] = (
    ("capabilities", _empty("capabilities", "capabilities_clear")),
    ("greeting", _cut_greetings),
    ("names", _cut_names),
    ("path", _empty("path")),
)


def _halve_the_longest(message: Json) -> str | None:
    """Cut the list or text that weighs most to its first half; its key, or `None` where nothing is left to cut."""
    found = list(_cuttable(message, ""))
    if not found:
        return None
    heaviest = max(weight for weight, *_ in found)
    # A list weighs at least what its items weigh: where one item is nearly all of it, the others should not suffer.
    _, holder, place, key = min((one for one in found if one[0] * 2 >= heaviest), key=lambda one: one[0])
    longest = holder[place]
    half = longest[: len(longest) // 2]
    holder[place] = half.rstrip(MARK) + MARK if isinstance(longest, str) else half
    return key


def _cuttable(value: Any, key: str) -> Iterator[tuple[int, Any, Any, str]]:
    """(weight in bytes, about; holder; place in it; the nearest key) of every list and text inside."""
    items = value.items() if isinstance(value, dict) else enumerate(value)
    for place, item in items:
        name = place if isinstance(place, str) else key
        if name in UNCUT:
            continue
        if isinstance(item, str) and len(item) > GREETING_CHARACTERS:
            yield len(item.encode()), value, place, name
        elif isinstance(item, list) and item:
            yield len(_dump(item)), value, place, name
            yield from _cuttable(item, name)
        elif isinstance(item, dict):
            yield from _cuttable(item, name)
