"""What is told of a report, in words: for tests that read sentences."""

from poterne.report import Finding, Hint, Report, Way
from poterne.report.catalogue import Catalogue
from poterne.told import advice as advised
from poterne.told import reasons, sentences, verdict_finding
from poterne.told.report import way as way_told


def sentence(finding: Finding, catalogue: Catalogue) -> str:
    says = sentences.told(finding, finding.host or "").says
    assert says is not None
    return catalogue.said(says)


def advice(finding: Finding, catalogue: Catalogue) -> str:
    says = sentences.told(finding, finding.host or "").advice
    return "" if says is None else catalogue.said(says)


def reasons_in_words(report: Report, catalogue: Catalogue) -> list[str]:
    return [catalogue.paragraph(reason) for reason in reasons.reasons(report)]


def remedy_in_words(report: Report, catalogue: Catalogue) -> str | None:
    setting = advised.remedy(report, verdict_finding(report))
    return None if setting is None else catalogue.said(advised.use(setting))


def message_in_words(report: Report, catalogue: Catalogue) -> str | None:
    message = advised.message(report, verdict_finding(report))
    return None if message is None else catalogue.paragraph(message.says)


def hint_in_words(hint: Hint, catalogue: Catalogue) -> str:
    return catalogue.said(advised.hint(hint))


def way_in_words(way: Way, code: str, catalogue: Catalogue) -> str:
    return catalogue.paragraph(way_told(way, code))
