"""“How to add …” of docs/ARCHITECTURE.md, followed word by word in a copy of the program."""

import json
import shutil
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from tests.browser.drive.chromium import Chromium
from tests.browser.drive.page import until
from tests.golden.corpus import FOLDER
from tests.unit.core_certificates import HOST, pki
from tests.unit.core_dns import NameServer
from tests.unit.core_scripts import imap, smtp
from tests.unit.core_servers import Peer, Server
from tests.unit.core_world import mapped, policy_file, roots_file
from tests.unit.guide_copy import ROOT, Copy, paragraphs

Follow = Callable[..., Copy]


def recorded(name: str) -> dict[str, Any]:
    report: dict[str, Any] = json.loads((FOLDER / "reports" / f"{name}.json").read_text(encoding="utf-8"))
    return report


@pytest.fixture
def follow(tmp_path: Path) -> Iterator[Follow]:
    """Makes the copy in which a paragraph is followed, and removes it."""
    yield lambda title, name="NAME": Copy(tmp_path, title, name)
    shutil.rmtree(tmp_path / "copy")


def test_every_kind_of_thing_is_tried_here() -> None:
    tests = {f"test_{title.lower().replace(' ', '_')}" for title in paragraphs()}
    assert len(tests) >= 11
    assert tests <= set(globals())


RULE = '''

@compares(
    FindingKind(
        code="full-moon", party="provider", depth=97, severity="note", network=True, stops=("provider", "internet")
    ),
)
def full_moon(case: Case) -> Yields:
    """A greeting says so. Confounder: a greeting of another network, which is no target's."""
    there = tuple(o for o in case.target.tried if o.greeting and "full moon" in o.greeting)
    if there:
        explained = frozenset(o.id for o in there)
        yield Symptom("full-moon", "certain", params={"nights": 14}, seen=there, explains=explained)
'''


def test_a_finding(follow: Follow) -> None:
    copy = follow("A finding")
    copy.add("host/poterne/diagnosis/rules/clock.py", RULE)
    copy.say(
        {
            "full_moon": "The moon is full over $HOST$.",
            "full_moon_advice": "Wait $NIGHTS$ nights.",
            "tell_full_moon": "Your moon is full.",
        }
    )
    report = recorded("told-ok-server-certain")
    assert "The moon is full" not in copy.explained(report)
    served = [each for each in report["observations"] if each.get("greeting")]
    for each in served:
        each["greeting"] += " (full moon)"
    assert served
    host = report["target"]["host"]
    told = copy.explained(report, LANGUAGE="fr")
    for sentence in (f"The moon is full over {host}.", "Wait 14 nights.", "Your moon is full."):
        assert f"fr: {sentence}" in told
    anew = json.loads(copy.poterne("explain", copy.root / "report.json", "--json"))
    assert anew["verdict"]["code"] == "full-moon", "what a network does is the verdict even where settings work"
    assert (anew["told"]["party"], anew["told"]["message"]["for"]) == ("provider", "provider")
    assert (anew["way"]["stops_from"], anew["way"]["stops_to"]) == ("provider", "internet")


def test_a_port(follow: Follow, tmp_path: Path) -> None:
    copy = follow("A port")
    copy.add(
        "host/poterne/knowledge/ports.toml",
        """
[[port]]
number = 2626
service = "moonmail"
dialogue = "smtp"
begins = "tls"
direction = "outgoing"
rank = 9
usual = true
schemes = ["moonmail"]
""",
    )
    copy.say({"service_moonmail": "moon mail", "ui_purpose_moonmail": "for the moon"})
    assert [row["service"] for row in copy.generated("ports")["port"] if row["number"] == 2626] == ["moonmail"]
    with Server(smtp(pki().good, implicit=True)) as server:
        rules = policy_file(tmp_path, roots=roots_file(), connect_to=mapped(HOST, p2626=server))
        report = copy.report(f"moonmail://{HOST}", "--policy", rules)
    assert report["target"]["port"] == 2626
    assert [(each["port"], each["security"], each["verified"]) for each in report["settings"]["outgoing"]] == [
        (2626, "tls", True)
    ]


def test_a_dialogue(follow: Follow, tmp_path: Path) -> None:
    copy = follow("A dialogue")
    copy.insert(
        "host/poterne/knowledge/dialogues.toml",
        "[dialogue.imap]",
        """[dialogue.moon]
framing = "numeric"
greets = true
accepted = "^200"
positive = "^215"
ask = "PHASE"
again = "ask"
goodbye = "SET"

""",
    )
    row = 'number = 2626\nservice = "moon"\ndialogue = "moon"\nbegins = "none"\ndirection = "other"\nrank = 9\n'
    copy.add("host/poterne/knowledge/ports.toml", f"\n[[port]]\n{row}")

    def moon(peer: Peer) -> None:
        peer.send(b"200 the moon is up\r\n")
        while (line := peer.line()) != b"SET":
            peer.send(b"215-phases\r\n215-FULL\r\n215 NEW\r\n" if line == b"PHASE" else b"500 what?\r\n")

    with Server(moon) as server:
        report = copy.report(
            f"{HOST}:2626", "--policy", policy_file(tmp_path, connect_to=mapped(HOST, p2626=server)), "--family", "4"
        )
        assert server.said[0] == b"PHASE\r\nSET\r\n"
    (seen,) = (each for each in report["observations"] if each["port"] == 2626)
    assert (seen["state"], seen["service"], seen["greeting"]) == ("open", "moon", "200 the moon is up")
    assert {"FULL", "NEW"} <= set(seen["capabilities"])


def test_a_provider(follow: Follow) -> None:
    copy = follow("A provider")
    copy.add(
        "host/poterne/knowledge/networks.toml",
        """
[[network]]
id = "moon"
name = "Moon Telecom"
suffixes = ["moon.example"]
kind = "self-service"
where = "Lunar portal"
source = "moon.example, help page"
date = "2026"
""",
    )
    hint = copy.python(
        "from poterne.check.networks import recognise\n"
        "print(recognise(['router.lan', 'core7.crater.moon.example', 'a.proxad.net']).model_dump_json())"
    )
    report = recorded("told-port25-blocked-server-certain") | {"hints": [json.loads(hint)]}
    told = copy.explained(report)
    assert all(words in told for words in ("Moon Telecom", "Lunar portal"))


def test_a_control(follow: Follow) -> None:
    copy = follow("A control")
    copy.add(
        "host/poterne/knowledge/controls.toml",
        """
[[control]]
host = "smtp.moon.example"
network = "Moon Telecom"
ports = [25, 465, 4190]
source = "moon.example, help page"
read = "2026-11-30"
""",
    )
    drawn = copy.python(
        "import json, random\n"
        "from poterne.check.control_pool import draw\n"
        "from poterne.policy import Policy\n"
        "pools = [draw(Policy(), chooser=random.Random(number)) for number in range(60)]\n"
        "print(json.dumps([[each.host for each in (*pool.drawn, *pool.vouching(4190))] for pool in pools]))"
    )
    pools = json.loads(drawn)
    assert all("smtp.moon.example" in pool for pool in pools), "nobody else answers on 4190"
    assert any("smtp.moon.example" in pool[:3] for pool in pools), "it is one of those who may be asked first"


def test_a_browser(follow: Follow) -> None:
    copy = follow("A browser")
    copy.add(
        "host/poterne/install/browsers.toml",
        """
[[browser]]
name = "moonbrowser"
title = "Moon Browser"
family = "chromium"
user.linux = ["{config}/moonbrowser/NativeMessagingHosts"]
user.darwin = ["{support}/Moon/NativeMessagingHosts"]
user.win32 = ['Software\\Moon\\NativeMessagingHosts']
found.linux = ["moonbrowser"]
found.darwin = ["Moon.app"]
profile.linux = ["{config}/moonbrowser"]
""",
    )
    manifest = copy.root / ".config" / "moonbrowser" / "NativeMessagingHosts" / "org.poterne.host.json"
    (copy.root / ".config" / "moonbrowser" / "Default").mkdir(parents=True)
    copy.poterne("install")
    assert json.loads(manifest.read_text(encoding="utf-8"))["name"] == "org.poterne.host"
    assert "Moon Browser" in copy.poterne("doctor", "--browser", "moonbrowser")
    copy.poterne("uninstall", "--browser", "moonbrowser")
    assert not manifest.exists()


def test_a_language(follow: Follow) -> None:
    copy = follow("A language", "nl")
    copy.insert("host/poterne/report/locales.py", "]\nLANGUAGES", ', "nl"')
    english = (ROOT / "extension/_locales/en/messages.json").read_text(encoding="utf-8")
    copy.add("extension/_locales/nl/messages.json", english.replace("It works from here", "Het werkt vanaf hier"))
    copy.add("extension/help/nl/port25.html", "<!doctype html><html lang='nl'><title>Poort 25</title></html>")
    copy.say({"ui_language_nl": "Nederlands"})
    report = recorded("told-ok-server-certain")
    assert "Het werkt vanaf hier" in copy.explained(report, LANGUAGE="nl")
    assert copy.generated("languages")[-1] == "nl"
    chosen = copy.node(
        'import { LANGUAGES, languageFor } from "./extension/core/catalogue.js";'
        'console.log(LANGUAGES.length, languageFor("auto", "nl-BE"), languageFor("nl", "fr"));'
    )
    assert chosen.split() == ["6", "nl", "nl"]


SOURCE = '''"""Servers that a TXT record at `_moon` names, for what is sent."""

from collections.abc import AsyncGenerator

from poterne.discovery.source import Asking, Found, bounded, lookup, offer, offered_host


async def find(asking: Asking) -> AsyncGenerator[Found, None]:
    """What the domain says."""
    yield await bounded(_ask(asking), "moon", f"_moon.{asking.domain}", asking)


async def _ask(asking: Asking) -> Found:
    place = f"_moon.{asking.domain}"
    state, texts = await asking.resolver.texts(place)
    offers = tuple(
        offer("moon", asking.domain, protocol="smtp", host=offered_host(text.decode()), port=587,
              security="starttls", rank=rank)
        for rank, text in enumerate(texts)
    )
    return Found(lookup("moon", place, "found" if offers else "absent"), offers)
'''


def test_a_discovery_source(follow: Follow, tmp_path: Path) -> None:
    copy = follow("A discovery source", "moon")
    row = '[[source]]\nname = "moon"\nown = true\ntrust = "named"\nasked = true\n\n'
    copy.insert("host/poterne/knowledge/discovery.toml", '[[source]]\nname = "autoconfig"', row)
    copy.add("host/poterne/discovery/moon.py", SOURCE)
    copy.say({"source_moon": "the moon"})
    records = {("_moon.example.org", "TXT"): [f'"{HOST}"'], (HOST, "A"): ["127.0.0.1"]}
    tables = '[discovery]\nsources = ["moon", "srv"]'
    with Server(smtp(pki().good)) as server, Server(imap(pki().good)) as other, NameServer(records) as names:
        ports = mapped(HOST, p587=server, p143=other)

        def checked(tables: str) -> dict[str, Any]:
            rules = policy_file(tmp_path, tables=tables, resolver=names.place, roots=roots_file(), connect_to=ports)
            return copy.report("me@example.org", "--policy", rules, "--family", "4", "--ports", "587")

        found, without = checked(tables), checked(tables.replace('"moon", ', ""))
    assert ("moon", "found") in {(each["source"], each["state"]) for each in found["lookups"]}
    assert [(each["host"], each["port"], each["source"]) for each in found["settings"]["outgoing"]] == [
        (HOST, 587, "moon")
    ]
    assert ("moon", "off") in {(each["source"], each["state"]) for each in without["lookups"]}
    assert without["settings"]["outgoing"] == []
    believed = copy.python(
        "from poterne.diagnosis.offers import is_own, position\nfrom poterne.policy import Policy\n"
        "print(is_own('moon'), position('moon') - position('srv'), *Policy().discovery.sources)"
    )
    assert believed.split() == ["True", "1", "srv", "moon", "autoconfig", "pacc", "ispdb", "guess"]


def test_an_export_format(follow: Follow, tmp_path: Path) -> None:
    copy = follow("An export format", "moon")
    row = 'file = "{name}.moon"\nmime = "text/x-moon"\nwriter = "plain:moon"\nboth = true\n\n'
    copy.insert("host/poterne/knowledge/formats.toml", "[format.json]", f"[format.moon]\n{row}")
    writer = 'return f"moon of {account.title}: {account.outgoing[0].host}\\n".encode()'
    copy.add(
        "host/poterne/export/plain.py",
        f'\n\ndef moon(account: Account, catalogue: Catalogue) -> bytes:\n    """One line."""\n    {writer}\n',
    )
    copy.say({"ui_export_moon": "Moon", "ui_export_hint_moon": "It is for the moon."})
    helped = " ".join(copy.poterne("check", "--help", COLUMNS="200").split())
    assert "mobileconfig, autoconfig, text, moon, json" in helped
    with Server(smtp(pki().good)) as out, Server(imap(pki().good)) as into:
        rules = policy_file(tmp_path, roots=roots_file(), connect_to=mapped(HOST, p587=out, p143=into))
        file = tmp_path / "settings.moon"
        copy.poterne(
            "check", HOST, "--policy", rules, "--no-trace", "--export", "moon", "--output", file,
            "--ports", "587,143", "--family", "4",
        )  # fmt: skip
    assert file.read_text(encoding="utf-8") == f"moon of {HOST}: {HOST}\n"
    assert list(copy.generated("formats")["format"]) == ["mobileconfig", "autoconfig", "text", "moon", "json"]
    setting: Mapping[str, Any] = {"host": HOST, "port": 587, "security": "tls", "verified": True, "auth": []}
    both = {"outgoing": [{**setting, "protocol": "smtp"}], "incoming": [{**setting, "protocol": "imap"}]}
    offered = copy.node(
        'import { exportFormats } from "./extension/core/export-formats.js";'
        f"const settings = {json.dumps(both)}; const target = {{ domain: null }};"
        "console.log(exportFormats({ settings, target }).join(), exportFormats("
        "{ settings: { ...settings, incoming: [] }, target }).join());"
    )
    assert offered.split() == ["mobileconfig,text,moon,json", "text,json"]


@pytest.mark.skipif(shutil.which("chromium") is None, reason="no Chromium: a screen cannot be looked at")
def test_a_screen_of_the_extension(follow: Follow) -> None:
    copy = follow("A screen of the extension", "moon")
    document = (ROOT / "extension/history/history.html").read_text(encoding="utf-8")
    copy.add("extension/moon/moon.html", document.replace("history", "moon"))
    copy.add(
        "extension/moon/moon.js",
        'import { showMoonPage } from "../ui/screens/moon-page.js";\n\nawait showMoonPage();\n',
    )
    copy.add(
        "extension/ui/screens/moon-page.js",
        """import { h } from "../components/dom.js";
import { showStoredPage } from "./stored-page.js";

/** Shows the moon. */
export const showMoonPage = () =>
  showStoredPage("moon_title", {}, ({ t, preferences }) => [
    h("p", { "data-language": preferences.language.value }, t.text("moon_phase")),
  ]);
""",
    )
    copy.say({"moon_title": "The moon", "moon_phase": "It is full."})
    copy.node_tests("tests/extension/imports.test.mjs", "tests/extension/package.test.mjs")
    # Chromium's socket has no place in a longer path.
    with TemporaryDirectory(prefix="guide-") as folder:
        chromium = Chromium("chromium", copy.root / "extension", Path(folder))
        try:
            page = chromium.open(chromium.url("moon/moon.html"))
            until(lambda: page.evaluate("document.title").startswith("en: The moon"), "the new screen")
            assert page.evaluate("document.querySelector('main p').textContent") == "en: It is full."
            page.evaluate("chrome.storage.local.set({language: 'fr'})")
            until(lambda: page.evaluate("document.title").startswith("fr: The moon"), "the screen in French")
        finally:
            chromium.close()


def test_a_table(follow: Follow) -> None:
    copy = follow("A table", "moons")
    copy.add(
        "host/poterne/knowledge/moons.py",
        '''"""Moons: `moons.toml`."""

from dataclasses import dataclass
from functools import cache

from poterne.knowledge.kinds import Count, Text
from poterne.knowledge.reading import read


@dataclass(frozen=True, slots=True)
class Moon:
    """`nights`: how long a phase lasts."""

    name: Text
    nights: Count


@dataclass(frozen=True, slots=True)
class Moons:
    moon: tuple[Moon, ...]


@cache
def table() -> Moons:
    """The whole table."""
    return read("moons", Moons)
''',
    )
    copy.add("host/poterne/knowledge/moons.toml", '[[moon]]\nname = "Luna"\nnights = 14\n')
    shown = "from poterne.knowledge import moons\nprint(moons.table())"
    assert copy.python(shown) == "Moons(moon=(Moon(name='Luna', nights=14),))\n"
    copy.add("host/poterne/knowledge/moons.toml", '\n[[moon]]\nname = "Io"\nnights = "two"\n')
    refused = copy.python(
        "from poterne.errors import TableError\nfrom poterne.knowledge import moons\n"
        "try:\n    moons.table()\nexcept TableError as error:\n    print(error)"
    )
    assert all(part in refused for part in ("moons.toml", "moon 2", "nights", "a whole number")), refused
