"""What one endpoint did, in one or two words."""

from poterne.report.statement import Statement

_GREETINGS = {
    "busy": "ui_outcome_busy",
    "refused": "ui_outcome_turned_away",
    "silent": "ui_outcome_no_greeting",
    "closed": "ui_outcome_hung_up",
    "foreign": "ui_outcome_foreign",
}
# Beside those whose names begin so.
_OF_CERTIFICATES = ("chain-expired", "roots-outdated")


def door(state: str, *, security: str | None, greeting: str | None, fault: str | None) -> Statement:
    """What the fields of the same names of an Observation say; `fault` is that of its handshake."""
    if state != "open":
        return Statement(key=f"state_{state.replace('-', '_')}")
    if fault is not None:
        of_certificate = fault.startswith("cert-") or fault in _OF_CERTIFICATES
        return Statement(key="ui_outcome_certificate" if of_certificate else "ui_outcome_tls")
    if greeting in _GREETINGS:
        return Statement(key=_GREETINGS[greeting])
    if security == "none":
        return Statement(key="ui_outcome_clear")
    return Statement(key="ui_outcome_encrypted" if security else "state_open")
