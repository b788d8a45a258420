"""Servers that are neither Postfix nor Dovecot, with manners that are odd and legal."""

from collections.abc import Iterator
from concurrent.futures import Future

import pytest

from . import dialogues
from .dialogues import Manners
from .runs import Run
from .scripted import server_context
from .world import World

Runs = dict[str, "Future[Run]"]

MANNERS = {
    "plain-spoken": Manners(),
    "lower-case": Manners(case=str.lower),
    "bare-line-feeds": Manners(eol="\n"),
    "byte-by-byte": Manners(chunk=1, pause=0.002),
    "mixed-case-in-sevens": Manners(case=str.title, chunk=7, pause=0.001),
}


@pytest.fixture(scope="module")
def runs(world: World) -> Iterator[Runs]:
    tls = server_context(world.odd_certificate)
    sites = {}
    for label, manners in MANNERS.items():
        greeting = ("220-scripted", "220-speaks", "220 ESMTP") if label != "plain-spoken" else ("220 ready",)
        sites[label] = world.scripted(
            label,
            {
                25: dialogues.Smtp(tls, auth=None, greeting=greeting, manners=manners),
                587: dialogues.Smtp(tls, greeting=greeting, manners=manners),
                465: dialogues.Smtp(tls, implicit=True, greeting=greeting, manners=manners),
                143: dialogues.Imap(tls, manners=manners),
                993: dialogues.Imap(tls, implicit=True, greeting_capabilities=True, manners=manners),
                110: dialogues.Pop3(tls, manners=manners),
                995: dialogues.Pop3(tls, implicit=True, manners=manners),
                4190: dialogues.Sieve(tls, manners=manners),
            },
            v6=True,
        )
    no_capa = world.scripted(
        "no-capa", {110: dialogues.Pop3(tls, capa=False), 995: dialogues.Pop3(tls, implicit=True, capa=False)}
    )
    yield {
        **{label: world.start(site.name) for label, site in sites.items()},
        "no capa": world.start(f"{no_capa.name}:995"),
        "no capa 110": world.start(f"{no_capa.name}:110"),
    }


@pytest.mark.parametrize("label", MANNERS)
def test_odd_manners_are_understood(runs: Runs, label: str) -> None:
    run = runs[label].result()
    assert run.status == 0
    assert run.verdict == "ok"
    assert run.telling_codes == {"ok"}
    host = run.report["target"]["host"]
    assert run.settings("outgoing")[:2] == [(host, 465, "tls"), (host, 587, "starttls")]
    assert {row[1:] for row in run.settings("incoming")} == {
        (993, "tls"),
        (143, "starttls"),
        (995, "tls"),
        (110, "starttls"),
    }
    rows = run.report["settings"]["outgoing"] + run.report["settings"]["incoming"]
    assert {row["port"] for row in rows} - {25} == {465, 587, 993, 143, 995, 110}
    assert {tuple(row["auth"]) for row in rows if row["port"] != 25} == {("password",)}


@pytest.mark.parametrize("label", MANNERS)
@pytest.mark.parametrize("family", [4, 6])
def test_manage_sieve_with_odd_manners(runs: Runs, label: str, family: int) -> None:
    seen = runs[label].result().observation(4190, family)
    assert (seen["state"], seen["security"], seen["starttls"]) == ("open", "starttls", "accepted")


@pytest.mark.parametrize(("name", "port", "security"), [("no capa", 995, "tls"), ("no capa 110", 110, "starttls")])
def test_pop3_without_capa(runs: Runs, name: str, port: int, security: str) -> None:
    """CAPA is optional (RFC 2449 section 5): its absence is no fault."""
    run = runs[name].result()
    assert run.status == 0
    assert run.verdict == "ok"
    assert (run.report["target"]["host"], port, security) in run.settings("incoming")
