"""A saved report, diagnosed and told again, without a network."""

from typing import Any

from poterne.diagnosis import Conclusion, Evidence, diagnose
from poterne.diagnosis.expected import compare
from poterne.report import ExpectedSettings, Report
from poterne.report.display import display
from poterne.told import retold

_MAX_TEXT = 1024


def read(raw: Any) -> Report:
    """A report from JSON that may come from anybody: its texts are made fit to be shown. Raises ValidationError,
    TypeError.
    """
    return Report.model_validate(_shown(raw))


def explain(saved: Report) -> Report:
    """The report as this version concludes and tells it. Raises ValueError, TypeError or KeyError for one that no check
    can have made.
    """
    conclusion = diagnose(Evidence.of(saved))
    return retold(
        saved.model_copy(
            update={
                "findings": conclusion.findings,
                "verdict": conclusion.verdict,
                "settings": conclusion.settings,
                "way": conclusion.way,
                "expected": _compared(saved, conclusion),
            }
        )
    )


def _compared(saved: Report, conclusion: Conclusion) -> ExpectedSettings | None:
    stated = saved.expected
    if stated is None:
        return None
    return compare(stated.organisation, stated.servers, conclusion.settings, saved.observations, saved.names)


def _shown(value: Any) -> Any:
    if isinstance(value, str):
        return display(value, _MAX_TEXT)
    if isinstance(value, list):
        return [_shown(item) for item in value]
    if isinstance(value, dict):
        return {display(key, _MAX_TEXT): _shown(item) for key, item in value.items()}
    return value
