"""How far a connection came: the stage at which it ended, and whether by silence."""

from typing import Literal

from poterne.report import Observation

Stage = Literal["connection", "greeting", "dialogue", "handshake", "through"]
"""`dialogue`: the capabilities, and the question for encryption. `through`: everything that was asked was answered, be
it with a refusal.
"""

# How the errors of a dialogue begin that ended by silence.
_SILENCE = ("no answer", "no greeting", "the budget ended", "ETIMEDOUT")


def stage(seen: Observation) -> Stage:
    """The stage at which a connection ended. What is reset before a byte was said ended at the first stage after the
    connection.
    """
    if seen.state == "reset":
        return "handshake" if seen.asked == "tls" else "greeting"
    if seen.state != "open":
        return "connection"
    if seen.tls is not None and seen.tls.version is None and seen.tls.fault == "tls-failed":
        return "handshake"
    if seen.greeting_kind in ("silent", "closed"):
        return "handshake" if seen.stages.tls_ms is not None and seen.stages.greeting_ms is None else "greeting"
    if seen.cut or seen.starttls in ("failed", "silent"):
        return "handshake" if seen.starttls == "failed" and seen.stages.tls_ms is not None else "dialogue"
    return "through"


def through(seen: Observation) -> bool:
    """Whether everything that was asked was answered: nothing fell silent or broke off."""
    return stage(seen) == "through"


def fell_silent(seen: Observation) -> bool:
    """Whether an open connection ended by silence: nothing was refused, closed or reset."""
    if seen.state != "open" or through(seen):
        return False
    words = (seen.tls.alert if seen.tls is not None else None) or seen.error or ""
    return seen.greeting_kind == "silent" or words.startswith(_SILENCE)


def stalled(seen: Observation) -> bool:
    """Whether the handshake of TLS got no answer."""
    return stage(seen) == "handshake" and fell_silent(seen)


def shook_hands(seen: Observation) -> bool:
    """Whether the handshake of TLS got an answer, be it an alert."""
    return seen.tls is not None and not stalled(seen)


def wordless(seen: Observation) -> bool:
    """Whether a port opened and not a byte came, where the server speaks first."""
    return stage(seen) == "greeting" and fell_silent(seen) and seen.greeting is None
