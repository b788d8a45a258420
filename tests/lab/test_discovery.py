"""From an address to settings: a real name server, documents over HTTPS, and servers that are tried from the client."""

import base64
import hashlib
import json
import socket
from collections.abc import Iterator, Sequence
from concurrent.futures import Future
from contextlib import suppress

import pytest

from . import dialogues
from .nameserver import start_nsd
from .runs import Run
from .scripted import Behaviour, server_context
from .sites import Page, Site, answer, document, pour, redirect
from .topology import Host
from .world import World

Runs = dict[str, "Future[Run]"]

_POLICY = """
[controls]
hosts = []
canary = []
portal = ""
[discovery]
ispdb = "https://db.test/v1.1/"
[lab]
roots = "{roots}"
resolver = "{resolver}"
"""
_DATABASE = "db.test/v1.1"
_CONFIG = "mail/config-v1.1.xml"
_PACC = ".well-known/user-agent-configuration.json"


def _configuration(*servers: str) -> bytes:
    """Servers are `PROTOCOL HOST PORT SOCKET USER`."""
    entries = ""
    for server in servers:
        protocol, host, port, socket_type, user = server.split(" ")
        tag = "outgoingServer" if protocol == "smtp" else "incomingServer"
        entries += (
            f'<{tag} type="{protocol}"><hostname>{host}</hostname><port>{port}</port>'
            f"<socketType>{socket_type}</socketType><username>{user}</username>"
            f"<authentication>password-cleartext</authentication></{tag}>"
        )
    provider = f'<emailProvider id="x">{entries}</emailProvider>'
    return f'<?xml version="1.0"?><clientConfig version="1.1">{provider}</clientConfig>'.encode()


def _digest(body: bytes) -> str:
    return f'"v=UAAC1; a=sha256; d={base64.b64encode(hashlib.sha256(body).digest()).decode()}"'


class Offering:
    """Everything that stands in the zone and on the web, for all domains of these tests."""

    def __init__(self, world: World) -> None:
        self._world = world
        self.records: list[str] = []
        self.pages: dict[str, Page] = {}
        self._web_names: list[str] = []

    def address(self, name: str, host: Host) -> None:
        """A and AAAA of a name below `test.`."""
        label = name.removesuffix(".test")
        self.records += [f"{label} {'AAAA' if ':' in each else 'A'} {each}" for each in host.addresses]

    def mail(self, name: str, ports: Sequence[int]) -> Host:
        """A host with a mail server on these ports, whose certificate is good."""
        host = self._world.topology.host(name, "other", v6=False)
        tls = server_context(self._world.pki.leaf(name))
        behaviours: dict[int, Behaviour] = {
            25: dialogues.Smtp(tls, name=name, auth=None),
            587: dialogues.Smtp(tls, name=name),
            465: dialogues.Smtp(tls, implicit=True, name=name),
            143: dialogues.Imap(tls),
            993: dialogues.Imap(tls, implicit=True),
            2525: dialogues.Smtp(tls, name=name),
            443: dialogues.Imap(tls, implicit=True),
        }
        self._world.serve(host, {port: behaviours[port] for port in ports})
        self.address(name, host)
        return host

    def web(self, *names: str) -> None:
        """Names at which the web server answers."""
        self._web_names += names

    def start_web(self) -> Site:
        host = self._world.topology.host("web.test", "other", v6=False)
        for name in self._web_names:
            self.address(name, host)
        site = Site(server_context(self._world.pki.leaf(*self._web_names)), self.pages)
        self._world.serve(host, {443: site})
        return site


class Scene:
    """The runs, and what the web server was asked."""

    def __init__(self, runs: Runs, site: Site) -> None:
        self.runs = runs
        self.site = site

    def run(self, label: str) -> Run:
        return self.runs[label].result()


def _publish(offering: Offering) -> None:
    """The domains, each with its own way of saying where its servers are."""
    everything, submission, reading = (25, 465, 587, 143, 993), (25, 465, 587), (143, 993)
    say, pages = offering.records.append, offering.pages

    # SRV, beside a decoy at a conventional name.
    offering.mail("out.srv.test", submission)
    offering.mail("in.srv.test", reading)
    offering.mail("mail.srv.test", everything)
    say("_submissions._tcp.srv SRV 10 0 465 gone.srv\n_submissions._tcp.srv SRV 0 5 465 out.srv")
    say("_submission._tcp.srv SRV 0 1 587 out.srv")
    say("_imaps._tcp.srv SRV 0 1 993 in.srv\n_pop3s._tcp.srv SRV 0 0 0 .\nsrv MX 10 mail.srv")

    # The domain's own document: only STARTTLS, and the local part.
    offering.mail("imap.hoster.test", reading)
    offering.mail("relay.hoster.test", (25, 587))
    offering.web("autoconfig.auto.test")
    pages[f"autoconfig.auto.test/{_CONFIG}"] = document(
        _configuration(
            "imap imap.hoster.test 993 SSL %EMAILLOCALPART%", "smtp relay.hoster.test 587 STARTTLS %EMAILADDRESS%"
        )
    )
    say("auto MX 10 mx.elsewhere")

    # The document of the draft, vouched for by DNS.
    body = json.dumps(
        {"protocols": {"imap": {"host": "imap.hoster.test"}, "submit": {"host": "out.pacc.test"}}}
    ).encode()
    offering.mail("out.pacc.test", submission)
    offering.web("ua-auto-config.pacc.test")
    pages[f"ua-auto-config.pacc.test/{_PACC}"] = document(body)
    say(f"_ua-auto-config.pacc TXT {_digest(body)}\npacc MX 10 mx.elsewhere")

    # Known to the database by its exchanger only, whose entry names a port without encryption.
    offering.web("db.test")
    pages[f"{_DATABASE}/hoster.test"] = document(
        _configuration(
            "imap imap.hoster.test 143 plain %EMAILADDRESS%", "smtp relay.hoster.test 25 plain %EMAILADDRESS%"
        )
    )
    say("hosted MX 10 mx1.hoster")

    # Sources that disagree: the domain's own records name a server that is no more.
    offering.mail("old.disagree.test", (25,))
    say("_submissions._tcp.disagree SRV 0 1 465 old.disagree\n_imaps._tcp.disagree SRV 0 1 993 old.disagree")
    pages[f"{_DATABASE}/disagree.test"] = document(
        _configuration("imap in.srv.test 993 SSL %EMAILADDRESS%", "smtp out.srv.test 465 SSL %EMAILADDRESS%")
    )

    # Nothing but lies, and a conventional name that serves.
    offering.mail("mail.lies.test", everything)
    offering.web("autoconfig.lies.test", "lies.test", "ua-auto-config.lies.test")
    bomb = '<!DOCTYPE x [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;">]><clientConfig>&b;</clientConfig>'
    pages[f"autoconfig.lies.test/{_CONFIG}"] = document(bomb.encode())
    pages[f"lies.test/.well-known/autoconfig/{_CONFIG}"] = document(b"<!DOCTYPE html><html><body>Hello</body></html>")
    pages[f"ua-auto-config.lies.test/{_PACC}"] = document(body)
    pages[f"{_DATABASE}/lies.test"] = redirect(f"https://{_DATABASE}/lies.test")
    say(f"_ua-auto-config.lies TXT {_digest(b'another document')}\nlies MX 10 mail.lies")
    say("_imaps._tcp.lies SRV 0 1 993 a\\027[31m\\010b.lies")

    # Documents that lead into this machine and into this network.
    offering.mail("mail.traps.test", everything)
    offering.web("autoconfig.traps.test", "traps.test", "ua-auto-config.traps.test")
    pages[f"autoconfig.traps.test/{_CONFIG}"] = document(
        _configuration(
            *(
                f"{protocol} {host} {port} {way} %EMAILADDRESS%"
                for host in ("127.0.0.1", "loop.traps.test", "inside.traps.test", "meta.traps.test", "localhost")
                for protocol, port, way in (("imap", 993, "SSL"), ("smtp", 587, "STARTTLS"))
            )
        )
    )
    pages[f"traps.test/.well-known/autoconfig/{_CONFIG}"] = redirect("https://loop.traps.test/x")
    pages[f"ua-auto-config.traps.test/{_PACC}"] = redirect("https://127.0.0.1/x")
    pages[f"{_DATABASE}/traps.test"] = redirect("https://169.254.169.254/latest/meta-data")
    say("loop.traps A 127.0.0.1\ninside.traps A 10.78.0.99\nmeta.traps A 169.254.169.254\ntraps MX 10 mail.traps")

    # Too much of everything.
    offering.mail("mail.flood.test", everything)
    offering.web("autoconfig.flood.test", "flood.test")
    pages[f"autoconfig.flood.test/{_CONFIG}"] = pour
    pages[f"flood.test/.well-known/autoconfig/{_CONFIG}"] = answer("200 OK", _configuration() + b" " * 70000)
    pages[f"{_DATABASE}/flood.test"] = document(
        _configuration(
            "imap imap.hoster.test 99999 SSL u", "smtp relay.hoster.test 587 QUIC u", "imap in.srv.test 993 SSL u"
        )
    )


def _publish_more(offering: Offering) -> None:
    """Domains whose servers are to be found by other names, or on other ports, than usual."""
    everything = (25, 465, 587, 143, 993)
    say, pages = offering.records.append, offering.pages

    # A customer's exchanger at a provider that the database knows by the name of its service.
    pages[f"{_DATABASE}/mail.protection.hoster.test"] = document(
        _configuration("imap in.srv.test 993 SSL %EMAILADDRESS%", "smtp out.srv.test 465 SSL %EMAILADDRESS%")
    )
    say("tenant MX 0 tenant-test.mail.protection.hoster")

    # A customer's name for a host whose certificate names the host alone.
    shared = offering.mail("srv12.shared.test", (465, 993))
    offering.address("mail.customer.test", shared)
    say("_submissions._tcp.customer SRV 0 1 465 mail.customer\n_imaps._tcp.customer SRV 0 1 993 mail.customer")

    # Published on ports of other services, and on one where nobody may look.
    offering.mail("odd.ports.test", (2525, 443))
    say("_submission._tcp.ports SRV 0 1 2525 odd.ports\n_imaps._tcp.ports SRV 0 1 443 odd.ports")
    offering.mail("in.closed.test", (993,))
    say("_submission._tcp.closed SRV 0 1 26 in.closed\n_imaps._tcp.closed SRV 0 1 993 in.closed")

    # Nothing but a document that is none.
    offering.web("autoconfig.broken.test")
    pages[f"autoconfig.broken.test/{_CONFIG}"] = document(b"<clientConfig><emailProvider></clientConfig>")

    # What is not offered is served under a conventional name all the same.
    offering.mail("mail.nothere.test", everything)
    say("_imaps._tcp.nothere SRV 0 0 0 .\n_imap._tcp.nothere SRV 0 0 0 .\n_submissions._tcp.nothere SRV 0 0 0 .")
    say("_submission._tcp.nothere SRV 0 1 587 mail.nothere")

    # Without any exchanger: only SRV records make it a mail domain.
    offering.web("bare.test")
    say("_submissions._tcp.bare SRV 0 1 465 out.srv\n_imaps._tcp.bare SRV 0 1 993 in.srv")


@pytest.fixture(scope="module")
def traps(world: World) -> Iterator[list[socket.socket]]:
    """Listeners on the client's own loopback, and inside its network: whoever is led there is caught."""
    world.client.ip("addr add 169.254.169.254/32 dev lo", "addr add 10.78.0.99/32 dev lo")
    listeners = [
        world.client.listen(address, port)
        for address in ("127.0.0.1", "169.254.169.254", "10.78.0.99")
        for port in (25, 465, 587, 143, 993, 443)
    ]
    for listener in listeners:
        listener.setblocking(False)
    yield listeners
    for listener in listeners:
        listener.close()
    world.client.ip("addr del 169.254.169.254/32 dev lo", "addr del 10.78.0.99/32 dev lo")


@pytest.fixture(scope="module")
def scene(world: World, traps: list[socket.socket]) -> Iterator[Scene]:
    offering = Offering(world)
    _publish(offering)
    _publish_more(offering)
    site = offering.start_web()
    place = world.topology.host("ns.offers.test", "abroad", v6=False)
    assert place.v4 is not None
    folder = world.folder / "discovery"
    folder.mkdir(mode=0o755)
    daemon = start_nsd(world.topology.namespace_of("abroad"), folder, place.v4, "\n".join(offering.records))
    policy = folder / "policy.toml"
    policy.write_text(_POLICY.format(roots=world.pki.roots_file, resolver=place.v4))
    off = folder / "off.toml"
    off.write_text(policy.read_text().replace("[discovery]", "[discovery]\nsources = []"))
    usual = ("srv", "auto", "pacc", "hosted", "disagree", "lies", "traps", "flood")
    labels = (*usual, "tenant", "customer", "ports", "closed", "broken", "nothere")
    runs: Runs = {label: world.start(f"secret.person@{label}.test", policy=policy) for label in labels}
    runs["bare"] = world.start("bare.test", policy=policy)
    runs["bare, in capitals"] = world.start("SECRET.Person@BARE.test", policy=policy)
    runs["off"] = world.start("secret.person@srv.test", policy=off)
    try:
        yield Scene(runs, site)
    finally:
        for run in runs.values():
            with suppress(Exception):
                run.result()
        daemon.stop()


def _first(run: Run, direction: str) -> tuple[object, ...]:
    row = run.report["settings"][direction][0]
    return tuple(row[key] for key in ("host", "port", "security", "username", "verified", "source"))


def _lookups(run: Run, source: str) -> dict[str, tuple[str, str | None]]:
    return {row["place"]: (row["state"], row["problem"]) for row in run.report["lookups"] if row["source"] == source}


def _dialled(run: Run) -> set[str]:
    return {seen["host"] for seen in run.observations}


@pytest.mark.parametrize(
    ("label", "outgoing", "incoming"),
    [
        (
            "srv",
            ("out.srv.test", 465, "tls", "unknown", True, "srv"),
            ("in.srv.test", 993, "tls", "unknown", True, "srv"),
        ),
        (
            "auto",
            ("relay.hoster.test", 587, "starttls", "address", True, "autoconfig"),
            ("imap.hoster.test", 993, "tls", "local-part", True, "autoconfig"),
        ),
        (
            "pacc",
            ("out.pacc.test", 465, "tls", "address", True, "pacc"),
            ("imap.hoster.test", 993, "tls", "address", True, "pacc"),
        ),
        (
            "hosted",
            ("relay.hoster.test", 587, "starttls", "address", True, "ispdb"),
            ("imap.hoster.test", 993, "tls", "address", True, "ispdb"),
        ),
        (
            "disagree",
            ("out.srv.test", 465, "tls", "address", True, "ispdb"),
            ("in.srv.test", 993, "tls", "address", True, "ispdb"),
        ),
        (
            "lies",
            ("mail.lies.test", 465, "tls", "unknown", True, "guess"),
            ("mail.lies.test", 993, "tls", "unknown", True, "guess"),
        ),
        (
            "tenant",
            ("out.srv.test", 465, "tls", "address", True, "ispdb"),
            ("in.srv.test", 993, "tls", "address", True, "ispdb"),
        ),
        (
            "customer",
            ("srv12.shared.test", 465, "tls", "unknown", True, "certificate"),
            ("srv12.shared.test", 993, "tls", "unknown", True, "certificate"),
        ),
        (
            "ports",
            ("odd.ports.test", 2525, "starttls", "unknown", True, "srv"),
            ("odd.ports.test", 443, "tls", "unknown", True, "srv"),
        ),
        (
            "bare",
            ("out.srv.test", 465, "tls", "unknown", True, "srv"),
            ("in.srv.test", 993, "tls", "unknown", True, "srv"),
        ),
    ],
)
def test_the_right_settings_come_first(
    scene: Scene, label: str, outgoing: tuple[object, ...], incoming: tuple[object, ...]
) -> None:
    run = scene.run(label)
    assert run.status == 0
    assert _first(run, "outgoing") == outgoing
    assert _first(run, "incoming") == incoming


def test_what_dns_says_is_told(scene: Scene) -> None:
    run = scene.run("srv")
    told = _lookups(run, "srv")
    assert told["_submissions._tcp.srv.test"][0] == "found"
    assert told["_pop3s._tcp.srv.test"][0] == "not-offered"
    assert told["_sieve._tcp.srv.test"][0] == "absent"
    ranks = {row["host"]: row["rank"] for row in run.report["offers"] if row["port"] == 465}
    assert ranks == {"out.srv.test": 0, "gone.srv.test": 1}
    assert all(row["trusted"] for row in run.report["offers"])


def test_a_server_outside_the_domain_is_not_trusted_by_dns_alone(scene: Scene) -> None:
    assert {row["trusted"] for row in scene.run("bare").report["offers"]} == {False}


def test_and_the_user_is_told_so(scene: Scene) -> None:
    for rows in scene.run("bare").report["settings"].values():
        assert {tuple(row["remarks"]) for row in rows} == {("unvouched",)}
    for rows in scene.run("srv").report["settings"].values():
        assert {tuple(row["remarks"]) for row in rows} == {()}


def test_the_name_that_the_certificate_holds_is_told(scene: Scene) -> None:
    run = scene.run("customer")
    (finding,) = (row for row in run.report["findings"] if row["code"] == "wrong-host-name")
    assert (finding["host"], finding["params"]["names"]) == ("mail.customer.test", ["srv12.shared.test"])
    assert run.report["verdict"]["code"] == "ok"
    assert run.report["settings"]["outgoing"][0]["remarks"] == ["certificate"]


def test_a_port_where_nobody_may_look_is_told(scene: Scene) -> None:
    run = scene.run("closed")
    assert run.report["verdict"]["code"] == "offer-untested"
    (finding,) = (row for row in run.report["findings"] if row["code"] == "offer-untested")
    assert (finding["params"]["place"], finding["params"]["value"]) == ("in.closed.test:26", "26")
    assert run.status == 1
    assert not [seen for seen in run.observations if seen["port"] == 26]


def test_a_document_that_is_none_is_the_reason_where_nothing_else_is_there(scene: Scene) -> None:
    run = scene.run("broken")
    assert run.report["verdict"] == {"code": "offer-refused", "severity": "blocker", "confidence": "certain"}
    (finding,) = (row for row in run.report["findings"] if row["code"] == "offer-refused")
    assert finding["params"]["reason"] == "unreadable"


def test_what_is_not_offered_is_neither_guessed_at_nor_advised(scene: Scene) -> None:
    run = scene.run("nothere")
    assert {row["port"] for row in run.report["settings"]["outgoing"] if row["security"] != "none"} <= {587, 25}
    assert run.report["settings"]["incoming"] == []
    assert not [seen for seen in run.observations if seen["port"] in (143, 993)]


def test_a_bare_name_with_srv_records_is_a_domain(scene: Scene) -> None:
    assert scene.run("bare").report["target"]["kind"] == "domain"
    assert scene.run("bare, in capitals").report["target"]["domain"] == "bare.test"


def test_the_database_is_asked_by_domain_then_by_exchanger(scene: Scene) -> None:
    assert _lookups(scene.run("hosted"), "ispdb") == {
        f"https://{_DATABASE}/hosted.test": ("absent", None),
        f"https://{_DATABASE}/hoster.test": ("found", None),
    }


def test_a_port_without_encryption_is_no_advice(scene: Scene) -> None:
    """The entry says 25 and 143 in the clear; the wire offers better, and 25 stands behind."""
    rows = scene.run("hosted").report["settings"]
    assert all(row["security"] != "none" for direction in rows for row in rows[direction] if row["verified"])
    assert {row["port"] for row in scene.run("hosted").report["offers"]} == {25, 143}


def test_lies_are_refused_each_with_its_reason(scene: Scene) -> None:
    run = scene.run("lies")
    states = {**_lookups(run, "autoconfig"), **_lookups(run, "pacc"), **_lookups(run, "ispdb"), **_lookups(run, "srv")}
    for place, reason in (
        (f"https://autoconfig.lies.test/{_CONFIG}", "entities"),
        (f"https://lies.test/.well-known/autoconfig/{_CONFIG}", "web page"),
        (f"https://ua-auto-config.lies.test/{_PACC}", "digest"),
        (f"https://{_DATABASE}/lies.test", "redirects"),
        ("_imaps._tcp.lies.test", "host name"),
    ):
        state, problem = states[place]
        assert state == "refused", place
        assert problem is not None
        assert reason in problem
        assert problem.isprintable()
    assert run.report["offers"] == []


def test_too_much_is_refused_and_the_good_part_is_kept(scene: Scene) -> None:
    run = scene.run("flood")
    assert run.status == 0
    first, second = _lookups(run, "autoconfig").values()
    assert {first[0], second[0]} == {"refused"}
    ((state, problem),) = _lookups(run, "ispdb").values()
    assert state == "found"
    assert problem is not None
    assert "99999" in problem
    assert [(row["host"], row["port"]) for row in run.report["offers"]] == [("in.srv.test", 993)]
    assert run.peak_kib < 200_000


def test_no_document_leads_into_this_machine_or_network(scene: Scene, traps: list[socket.socket]) -> None:
    run = scene.run("traps")
    for label in scene.runs:
        scene.run(label)
    caught = []
    for trap in traps:
        with suppress(BlockingIOError):
            caught.append(trap.accept())
    for connection, _ in caught:
        connection.close()
    assert not caught
    assert _dialled(run) == {"mail.traps.test"}
    assert run.status == 0
    refused = {row["place"] for row in run.report["lookups"] if row["state"] == "refused"}
    assert {"127.0.0.1", "loop.traps.test", "inside.traps.test", "meta.traps.test"} <= refused


def test_the_users_name_goes_nowhere(scene: Scene) -> None:
    for label in scene.runs:
        scene.run(label)
    assert scene.site.asked
    assert not [place for place in scene.site.asked if "secret" in place.lower()]
    for label in scene.runs:
        told = json.dumps([scene.run(label).report["lookups"], scene.run(label).report["offers"]]).lower()
        assert "secret" not in told


def test_policy_switches_every_source_off(scene: Scene) -> None:
    run = scene.run("off")
    assert {row["state"] for row in run.report["lookups"]} == {"off"}
    assert run.report["offers"] == []
    assert _dialled(run) == {"mail.srv.test"}, "the exchanger is left"
