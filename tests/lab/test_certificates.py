"""Every certificate fault, by itself and in company."""

import ssl
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from pathlib import Path

import pytest

from . import dialogues
from .pki import Pki
from .runs import Run
from .scripted import Behaviour, Scripted, server_context
from .world import World

Runs = dict[str, "Future[Run]"]
_ISSUER_URL = "http://issuer.odd.test/intermediate.cer"

FAULTS: dict[str, set[str]] = {
    "expired": {"cert-expired"},
    "future": {"cert-not-yet-valid"},
    "other-name": {"cert-name-mismatch"},
    "self-signed": {"cert-self-signed"},
    "unknown-root": {"cert-untrusted"},
    "incomplete": {"cert-incomplete-chain"},
    "expired-other-name": {"cert-expired", "cert-name-mismatch"},
    "self-signed-other-name": {"cert-self-signed", "cert-name-mismatch"},
    "unknown-root-expired": {"cert-untrusted", "cert-expired"},
}


MAKERS: dict[str, Callable[[Pki, str], Path]] = {
    "expired": lambda pki, name: pki.leaf(name, days=(-90, -3)),
    "future": lambda pki, name: pki.leaf(name, days=(3, 90)),
    "other-name": lambda pki, _: pki.leaf("somewhere-else.test", "*.hosting.test"),
    "self-signed": lambda pki, name: pki.self_signed(name),
    "unknown-root": lambda pki, name: pki.leaf(name, issuer=pki.unknown),
    "incomplete": lambda pki, name: pki.leaf(name, send_chain=False, issuer_url=_ISSUER_URL),
    "expired-other-name": lambda pki, _: pki.leaf("somewhere-else.test", days=(-90, -3)),
    "self-signed-other-name": lambda pki, _: pki.self_signed("somewhere-else.test"),
    "unknown-root-expired": lambda pki, name: pki.leaf(name, issuer=pki.unknown, days=(-90, -3)),
}


@pytest.fixture(scope="module")
def runs(world: World) -> Iterator[Runs]:
    document = dialogues.web("/intermediate.cer", world.pki.intermediate.der(), "application/pkix-cert")
    world.scripted("issuer", {80: document})
    runs: Runs = {}
    for label in FAULTS:
        tls = server_context(MAKERS[label](world.pki, f"{label}.odd.test"))
        implicit: dict[int, Behaviour] = {
            465: dialogues.Smtp(tls, implicit=True),
            993: dialogues.Imap(tls, implicit=True),
        }
        site = world.scripted(label, implicit | {587: dialogues.Smtp(tls)})
        runs[f"{label} 465"] = world.start(f"{site.name}:465")
        if label in ("expired", "unknown-root"):
            runs[f"{label} 587"] = world.start(f"{site.name}:587")
            runs[f"{label} 993"] = world.start(f"{site.name}:993")
            runs[f"{label} server"] = world.start(site.name)
    ending = server_context(world.pki.leaf("soon.odd.test", days=(-87, 2.5)))
    soon = world.scripted("soon", {465: dialogues.Smtp(ending, implicit=True)})
    runs["soon"] = world.start(f"{soon.name}:465")
    by_number = world.scripted("by-number", {}, v6=True)
    assert by_number.host.v6
    tls = server_context(world.pki.leaf("by-number.odd.test", *by_number.host.addresses))
    by_number.servers[465] = Scripted(world.topology.other, by_number.host, 465, dialogues.Smtp(tls, implicit=True))
    runs["address named"] = world.start(f"{by_number.host.v4}:465")
    runs["address named v6"] = world.start(f"[{by_number.host.v6}]:465")
    real = world.real("by-name-only")
    runs["address not named"] = world.start(f"[{real.v6}]:993")
    other, named = server_context(world.pki.leaf("default.test")), server_context(world.odd_certificate)

    def choose(connection: ssl.SSLObject, name: str | None, _: ssl.SSLContext) -> None:
        if name == "by-sni.odd.test":
            connection.context = named

    other.sni_callback = choose
    by_sni = world.scripted("by-sni", {465: dialogues.Smtp(other, implicit=True)})
    runs["by sni"] = world.start(f"{by_sni.name}:465")
    runs["no sni"] = world.start(f"{by_sni.host.v4}:465")
    yield runs
    by_number.servers[465].close()


@pytest.mark.parametrize("label", FAULTS)
def test_each_fault_is_named(runs: Runs, label: str) -> None:
    run = runs[f"{label} 465"].result()
    assert run.status == 1
    assert run.telling_codes == FAULTS[label]
    assert run.verdict in FAULTS[label]
    seen = run.observation(465)
    assert seen["state"] == "open"
    assert seen["tls"]["fault"] in FAULTS[label]
    assert set(seen["tls"]["faults"]) == FAULTS[label]
    assert run.settings("outgoing") == []


@pytest.mark.parametrize("label", FAULTS)
def test_what_is_right_beside_a_fault(runs: Runs, label: str) -> None:
    tls = runs[f"{label} 465"].result().observation(465)["tls"]
    assert tls["name_ok"] is ("cert-name-mismatch" not in FAULTS[label])
    assert tls["trusted"] is (not FAULTS[label] & {"cert-self-signed", "cert-untrusted", "cert-incomplete-chain"})
    assert tls["not_after"]


@pytest.mark.parametrize("label", ["expired", "unknown-root"])
@pytest.mark.parametrize(("port", "security"), [(587, "starttls"), (993, "tls")])
def test_faults_are_seen_through_every_door(runs: Runs, label: str, port: int, security: str) -> None:
    run = runs[f"{label} {port}"].result()
    assert run.status == 1
    assert run.telling_codes == FAULTS[label]
    assert run.finding(run.verdict, port)["severity"] == "blocker"
    assert run.observation(port)["security"] == security


@pytest.mark.parametrize("label", ["expired", "unknown-root"])
def test_a_server_with_a_fault_on_every_port_is_unusable(runs: Runs, label: str) -> None:
    run = runs[f"{label} server"].result()
    assert run.status == 1
    assert run.telling_codes == FAULTS[label]
    assert run.settings("outgoing") == run.settings("incoming") == []


def test_a_mismatch_tells_the_names(runs: Runs) -> None:
    finding = runs["other-name 465"].result().finding("cert-name-mismatch", 465)
    assert set(finding["params"]["names"]) == {"somewhere-else.test", "*.hosting.test"}


def test_an_untrusted_chain_tells_its_issuer(runs: Runs) -> None:
    finding = runs["unknown-root 465"].result().finding("cert-untrusted", 465)
    assert "A Root That Nobody Knows" in finding["params"]["issuer"]


def test_a_certificate_that_ends_soon_is_no_blocker(runs: Runs) -> None:
    run = runs["soon"].result()
    assert run.status == 0
    assert run.verdict == "ok"
    assert run.telling_codes == {"ok", "cert-expiring"}
    assert run.finding("cert-expiring")["params"]["days"] in (2, 3)


@pytest.mark.parametrize("name", ["address named", "address named v6"])
def test_an_address_that_the_certificate_names(runs: Runs, name: str) -> None:
    run = runs[name].result()
    assert run.status == 0
    assert run.telling_codes == {"ok"}


def test_the_server_is_told_which_name_is_wanted(runs: Runs) -> None:
    run = runs["by sni"].result()
    assert run.status == 0
    assert run.telling_codes == {"ok"}


def test_an_address_is_no_server_name(runs: Runs) -> None:
    """RFC 6066 section 3 has no address literals: the server chooses its default certificate."""
    run = runs["no sni"].result()
    assert run.status == 1
    assert run.finding("cert-name-mismatch", 465)["params"]["names"] == ["default.test"]


def test_an_address_that_the_certificate_does_not_name(runs: Runs) -> None:
    run = runs["address not named"].result()
    assert run.status == 1
    assert run.telling_codes == {"cert-name-mismatch"}
    assert "*.real.test" in run.finding("cert-name-mismatch", 993)["params"]["names"]
