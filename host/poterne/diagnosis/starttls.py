"""Ports that talk in the clear and have no STARTTLS."""

import re

from poterne.diagnosis.controls import Controls
from poterne.diagnosis.evidence import settled
from poterne.diagnosis.operators import independent
from poterne.diagnosis.target_seen import TargetSeen
from poterne.report import Observation

# A box that may not change the length of what it takes away writes this over it.
_GARBLED = re.compile(r"X{4,}[A-Z]?")
# Of a greeting it leaves the code, and the digits and blanks in which clients once found the kind of server.
_MASKED_GREETING = re.compile(r"^220[ -][ 02]*\*{3}[ 02*]*$")


def lacks_starttls(seen: Observation) -> bool:
    """Whether a port that talked in the clear has no STARTTLS, or does not know it when it is used."""
    return _talked(seen) and seen.tls is None and (seen.starttls in ("absent", "refused") or _garbled(seen))


def lacking_alike(target: TargetSeen, controls: Controls, port: int) -> list[Observation]:
    """Controls without STARTTLS on a port where the target lacks it, if there are two, and none that offers it."""
    families = {o.family for o in target.tried if o.port == port and settled(o) and lacks_starttls(o)}
    greeting = [o for family in families for o in controls.on(family, port) if _talked(o)]
    lacking = [o for o in greeting if lacks_starttls(o) and settled(o)]
    return lacking if independent(lacking) >= 2 and all(map(lacks_starttls, greeting)) else []


def offered_to_others(controls: Controls, seen: Observation) -> bool:
    """Whether a control offers STARTTLS where the target lacks it."""
    return any(_talked(o) and not lacks_starttls(o) for o in controls.on(seen.family, seen.port))


def _talked(seen: Observation) -> bool:
    return seen.state == "open" and seen.greeting_kind == "accepted" and (seen.starttls is not None or _garbled(seen))


def masked(seen: Observation) -> bool:
    """Whether something before the server writes over what it says, so that its STARTTLS cannot be seen."""
    greeting = seen.greeting is not None and _MASKED_GREETING.match(seen.greeting) is not None
    return seen.tls is None and _talked(seen) and (greeting or _garbled(seen))


def _garbled(seen: Observation) -> bool:
    return any(_GARBLED.fullmatch(line.strip()) for line in (*seen.capabilities, *seen.capabilities_clear))
