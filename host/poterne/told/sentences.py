"""The sentences of findings."""

import re

from poterne.diagnosis.registry import kind
from poterne.report import Finding, ParamValue, Party, Report, locales
from poterne.report.statement import NAMED, DateValue, NumberValue, Statement, TextValue, Value, refusal, say, word

# As OpenSSL names failures; the names of the system's errors, such as ECONNRESET, have no underscore.
_NAME = re.compile(r"[A-Z0-9]+(_[A-Z0-9]+)+")

# Parameters whose values are words of the model, and the kind of word.
_WORDS = {
    "asked": "security",
    "works": "security",
    "expected": "service",
    "spoke": "service",
    "state": "state",
    "who": "way_name",
}


def told(finding: Finding, subject: str) -> Finding:
    """The finding with its sentence and its advice. `subject` stands for the host where it names none."""
    key = finding.code.replace("-", "_")
    stem = _stem(key, finding)
    advice = f"{stem}_advice" if locales.exists(f"{stem}_advice") else f"{key}_advice"
    return finding.model_copy(
        update={
            "says": _about(finding, stem, subject),
            "advice": _about(finding, advice, subject) if locales.exists(advice) else None,
            "party": _party(finding),
        }
    )


def subject_of(report: Report) -> str:
    """What a report is about."""
    return report.target.host or report.target.domain or report.target.input


def ports_of(finding: Finding) -> tuple[int, ...]:
    """The ports that a finding speaks of, in its own order."""
    numbers = finding.params.get("ports")
    if isinstance(numbers, tuple) and numbers:
        return tuple(number for number in numbers if isinstance(number, int))
    return () if finding.port is None else (finding.port,)


def values_of(finding: Finding) -> dict[str, Value]:
    """What its parameters are in a sentence."""
    return {name: _value(name, value) for name, value in finding.params.items()}


def is_named(alert: ParamValue) -> bool:
    """Whether a failure of TLS has a name, of an alert or of the library, beyond that the connection ended."""
    return isinstance(alert, str) and _NAME.fullmatch(alert) is not None and "EOF" not in alert


def _party(finding: Finding) -> Party | None:
    """Who can remove the cause: the provider itself where it is proved that the cause is there; whoever may type a port
    that nobody else may name.
    """
    if finding.params.get("reason") == "port-unusual":
        return "you"
    sort = kind(finding.code)
    party = (sort.unsure_party if finding.confidence != "certain" else None) or sort.party
    return "provider" if party == "network" and finding.params.get("where") == "provider" else party


def _stem(key: str, finding: Finding) -> str:
    """Where more is proved than the code says, a sentence of its own may say so: that nothing for sending is left,
    where a name leads to instead, who is behind it, that nobody vouches for a certificate, that only a part is
    concerned, who reported it, how soon, that something is masked, in which family, in which words the server refused,
    or by which name the TLS library calls the failure. Such a sentence may have an advice of its own too.
    """
    proved = {
        f"{key}_all": finding.params.get("all") is True,
        f"{key}_hosts": finding.params.get("hosts") is True,
        f"{key}_elsewhere": bool(finding.params.get("elsewhere")),
        f"{key}_provider": finding.params.get("where") == "provider",
        f"{key}_untrusted": finding.params.get("trusted") is False,
        f"{key}_part": finding.params.get("part") is True,
        f"{key}_reported": finding.params.get("reporter") is not None,
        f"{key}_unusual": finding.params.get("reason") == "port-unusual",
        f"{key}_refused": finding.params.get("refused") is True,
        f"{key}_named": is_named(finding.params.get("alert")),
        f"{key}_at_once": finding.params.get("at_once") is True,
        f"{key}_masked": finding.params.get("masked") is True,
        f"{key}_tripped": finding.params.get("tripped") is True,
        f"{key}_family": finding.family is not None,
    }
    return next((variant for variant, is_proved in proved.items() if is_proved and locales.exists(variant)), key)


def _about(finding: Finding, key: str, subject: str) -> Statement:
    numbers = ports_of(finding)
    values = values_of(finding)
    if (reason := finding.params.get("reason")) is not None:
        about = finding.params.get("value")
        values["why"] = refusal(str(reason), None if about is None else str(about))
    port = finding.port or next(iter(numbers), None)
    values |= {
        "host": finding.host or subject,
        "port": _value("port", port),
        "ports": tuple(sorted(numbers)),
        "family": f"IPv{finding.family}" if finding.family else ("IPv4", "IPv6"),
    }
    needed = locales.placeholders(key)
    return say(key, len(numbers), **{name: value for name, value in values.items() if name.lower() in needed})


def _value(name: str, value: ParamValue) -> Value:
    if value is None:
        return say("ui_unknown_value")
    if isinstance(value, tuple):
        return _listed(value)
    if name in _WORDS:
        return word(_WORDS[name], str(value))
    if name == "date":
        return DateValue(date=str(value))
    if isinstance(value, bool | str):
        return TextValue(text=str(value))
    return value if name == "port" and isinstance(value, int) else NumberValue(number=value)


def _listed(values: tuple[int, ...] | tuple[str, ...]) -> Value:
    """Numbers as they are; of texts no more than the formatters write, and one to show that there are more."""
    numbers = tuple(item for item in values if isinstance(item, int))
    return numbers if len(numbers) == len(values) else tuple(TextValue(text=str(item)) for item in values[: NAMED + 1])
