"""A host that was lied to, or lies: every text of a report is markup, and all of it stays text."""

from typing import Any

import pytest

from poterne.report import (
    Endpoint,
    Finding,
    Hint,
    Hop,
    Machine,
    NameAnswer,
    Observation,
    ParamValue,
    PlanEvent,
    Portal,
    Report,
    ReportEvent,
    Setting,
    Settings,
    Target,
    Tls,
    Verdict,
    Way,
)
from poterne.told import retold

from .conftest import Lab
from .drive.page import Browser, until
from .drive.popup import Popup

MARKUP = "<img src=x onerror=\"document.body.dataset.executed='yes'\"><b>bold</b>"
CONTROLS = "\x1b[31mred \u202egnp.exe\u2066 \x07\x00"
# What a stranger says; codes and addresses are the host's own words, and only markup is tried there.
EVIL = f"{MARKUP} {CONTROLS}"
DIRTY = r"""[...document.querySelectorAll("main *, title")].filter(element =>
    [...element.childNodes].some(node => node.nodeType === 3 && /[\x00\x07\x1b\u202e\u2066]/.test(node.data))
).map(element => element.parentElement.outerHTML.slice(0, 200))"""


def report() -> list[dict[str, Any]]:
    endpoint = Endpoint(
        id="o1", host=EVIL, address=MARKUP, family=4, port=587, service=EVIL, asked="starttls", source=EVIL
    )
    tls = Tls(version=EVIL, cipher=EVIL, alert=EVIL, subject=EVIL, issuer=EVIL, names=(EVIL,), not_after=EVIL)
    observation = Observation(
        **endpoint.model_dump(),
        state="open",
        reporter=EVIL,
        greeting=EVIL,
        spoke=EVIL,
        capabilities=(EVIL,),
        auth=(EVIL,),
        security="starttls",
        tls=tls,
        error=EVIL,
    )
    others = [
        observation.model_copy(
            update={"id": role, "role": role, "port": 25, "state": "no-answer", "tls": None, "path": path}
        )
        for role, path in (("control", (Hop(hop=1, address=EVIL, name=EVIL, answer="prohibited"),)), ("canary", ()))
    ]
    parameters: dict[str, ParamValue] = dict.fromkeys(("greeting", "issuer", "date", "spoke"), EVIL)
    parameters |= {"names": (EVIL, EVIL), "ports": (587,)}
    codes = (
        "server-down",
        "greeting-refused",
        "cert-expired",
        "cert-untrusted",
        "wrong-host-name",
        "wrong-protocol",
        MARKUP,
    )
    findings = tuple(
        Finding(code=code, severity="blocker", confidence="certain", host=EVIL, port=587, params=parameters)
        for code in codes
    )
    setting = Setting(
        protocol="smtp", host=EVIL, port=587, security="starttls", auth=(EVIL,), verified=True, source=EVIL
    )
    whole = Report(
        version=EVIL,
        target=Target(input=EVIL, kind="account", domain=EVIL),
        verdict=Verdict(code=codes[0], severity="blocker", confidence="certain"),
        findings=findings,
        settings=Settings(outgoing=(setting,), incoming=(setting.model_copy(update={"protocol": "imap"}),)),
        names=(NameAnswer(name=EVIL, source=EVIL, state="ok", addresses=(MARKUP,), mail_exchangers=(EVIL,)),),
        observations=(observation, *others),
        machine=Machine(addresses=(EVIL,), networks=(EVIL,), gateways=(EVIL,)),
        portal=Portal(url=EVIL, state="altered", location=EVIL),
        way=Way(stops_from="box", stops_to="provider", stopped=(25,), box=EVIL, provider=EVIL),
        hints=(Hint(network=EVIL, name=EVIL, kind="relay", where=EVIL, relay=EVIL, source=EVIL, date=EVIL),),
        started_at=EVIL,
        elapsed_ms=1,
    )
    events = (PlanEvent(endpoints=(endpoint,)), ReportEvent(report=retold(whole)))
    return [event.model_dump(mode="json", exclude={"id"}) for event in events]


@pytest.mark.parametrize("path", ["popup/popup.html", "report/report.html"])
def test_nothing_of_it_runs_or_turns_the_page_around(browser: Browser, lab: Lab, path: str) -> None:
    lab.scripted_host(browser, answers=report())
    asking = Popup(browser.open(browser.url("popup/popup.html")))
    asking.ask("jane@provider.example")
    asking.until_run("done")
    popup = Popup(browser.open(browser.url(path)))
    popup.unfold()
    text = popup.page.evaluate("document.body.textContent")
    assert "<b>bold</b>" in text
    assert popup.page.evaluate(DIRTY) == []
    for element in ("img", "b", "script", "iframe", "object", "style"):
        assert popup.page.elements(f"main {element}") == []
    assert popup.page.evaluate("document.body.dataset.executed ?? null") is None


def test_an_error_of_the_host_stays_text(browser: Browser, lab: Lab) -> None:
    lab.scripted_host(browser, answers=[{"type": "error", "code": "internal", "message": EVIL}])
    popup = Popup(browser.open(browser.url("popup/popup.html")))
    popup.ask("provider.example")
    popup.until_run("failed")
    assert "<b>bold</b>" in popup.page.evaluate("document.body.textContent")
    assert popup.page.elements("main b, main img") == []


def test_a_refusal_of_the_host_stays_text(browser: Browser, lab: Lab) -> None:
    host = lab.scripted_host(browser, answers=[{"type": "error", "code": "invalid-target", "message": EVIL}])
    popup = Popup(browser.open(browser.url("popup/popup.html")))
    popup.ask("provider.example")
    until(lambda: popup.refusals, "a refusal")
    assert popup.run == "idle"
    assert popup.page.elements("main b, main img") == []
    [check] = host.received()
    assert check["type"] == "check"
    assert check["target"] == "provider.example"
