"""Boxes on the way that answer, alter or open what was meant for others; and servers that merely look like it."""

from collections.abc import Iterator
from concurrent.futures import Future

import pytest

from . import dialogues
from .operators import CANARY, mail_service
from .pki import Authority
from .proxies import TlsProxy, stripper
from .runs import Run
from .scenes import SENDS, Expected, Scenes, Stage
from .scripted import server_context
from .topology import ISP_V4, ISP_V6
from .world import World

Runs = dict[str, "Future[Run]"]
scenes = Scenes("intercepted")
ROUTER = (ISP_V4, ISP_V6)
_GATE = "mailgate.isp.test"
# What an interceptor's answers would be blamed on, were they taken for the server's.
_MISTAKEN = (
    "plaintext-only", "auth-before-tls", "wrong-security", "cert-name-mismatch", "cert-untrusted", "cert-self-signed",
    "cert-incomplete-chain", "greeting-refused", "no-greeting", "tls-failed", "unproven",
)  # fmt: skip


@pytest.fixture(scope="module")
def runs(world: World) -> Iterator[Runs]:
    world.in_router(8025, dialogues.Smtp(name=_GATE))
    world.in_router(8026, dialogues.Smtp(server_context(world.pki.leaf(_GATE)), name=_GATE))
    world.in_router(8027, dialogues.mute)
    world.in_router(8028, dialogues.Smtp(name=_GATE, greeting=(f"554 {_GATE} use our relay",)))
    world.in_router(8125, stripper(world.topology.isp))
    yield from scenes.play(world)


# ---- mail is led to another server

_CAUGHT = Expected("smtp-intercepted", "certain", outgoing=((465, "tls"),), never=_MISTAKEN)


def _diverted(name: str, port: int, expected: Expected, *flags: str) -> None:
    def play(stage: Stage) -> "Future[Run]":
        stage.rule(stage.world.at_isp.divert(stage.machine, 25, to=ROUTER, port=port))
        return stage.check(None, *flags)

    scenes.add(name, play, expected)


_diverted("diverted", 8025, _CAUGHT)
_diverted("diverted-with-tls", 8026, _CAUGHT)
_diverted("diverted-and-turned-away", 8028, _CAUGHT)
_diverted(
    "tarpit", 8027, Expected("smtp-intercepted", "likely", outgoing=SENDS, never=("no-greeting",)), "--budget", "20"
)


@scenes.scene(Expected("smtp-intercepted", "certain", status=1, outgoing=((465, "tls"),)))
def diverted_endpoint(stage: Stage) -> "Future[Run]":
    stage.rule(stage.world.at_isp.divert(stage.machine, 25, to=ROUTER, port=8025))
    return stage.check(port=25)


@scenes.scene(_CAUGHT)
def diverted_but_the_canary(stage: Stage) -> "Future[Run]":
    """Operators and target greet with one name."""
    stage.rule(stage.world.at_isp.divert(stage.machine, 25, to=ROUTER, port=8025, excepting=CANARY))
    return stage.check()


@scenes.scene(_CAUGHT)
def diverted_without_a_canary(stage: Stage) -> "Future[Run]":
    stage.rule(stage.world.at_isp.divert(stage.machine, 25, to=ROUTER, port=8025))
    return stage.check(canary=[])


@scenes.scene(Expected("smtp-intercepted", "certain", outgoing=((465, "tls"),)))
def diverted_in_the_box(stage: Stage) -> "Future[Run]":
    stage.rule(stage.world.at_home.divert(stage.machine, 25, to=ROUTER, port=8025))
    return stage.check()


@scenes.scene(Expected("ok", outgoing=((465, "tls"),)))
def another_greeting_at_one_server(stage: Stage) -> "Future[Run]":
    """A server whose 25 is answered by another machine than its 587, which is its own affair."""
    name = f"mail.{stage.label}.test"
    service = mail_service(stage.world, name)
    service[25] = dialogues.Smtp(server_context(stage.world.pki.leaf(name)), name="filter.elsewhere.test")
    stage.world.serve(stage.world.host(name, "other"), service)
    return stage.check(name)


# ---- STARTTLS is crossed out


@scenes.scene(Expected("starttls-stripped", "certain", outgoing=((465, "tls"),), never=_MISTAKEN))
def stripped(stage: Stage) -> "Future[Run]":
    stage.rule(stage.world.at_isp.divert(stage.machine, 25, 587, to=ROUTER, port=8125, excepting=CANARY))
    return stage.check()


@scenes.scene(
    Expected("starttls-stripped", "certain", outgoing=((465, "tls"),), incoming=((993, "tls"),), never=_MISTAKEN)
)
def stripped_on_every_port(stage: Stage) -> "Future[Run]":
    ports = (25, 587, 143, 110)
    stage.rule(stage.world.at_isp.divert(stage.machine, *ports, to=ROUTER, port=8125, excepting=CANARY))
    return stage.check()


@scenes.scene(Expected("starttls-stripped", "certain", status=1, outgoing=((465, "tls"),)))
def stripped_endpoint(stage: Stage) -> "Future[Run]":
    stage.rule(stage.world.at_isp.divert(stage.machine, 587, to=ROUTER, port=8125, excepting=CANARY))
    return stage.check(port=587)


@scenes.scene(
    Expected(("starttls-stripped", "smtp-intercepted"), "certain", codes=("starttls-stripped",),
             outgoing=((465, "tls"),))
)  # fmt: skip
def stripped_by_a_proxy_for_everybody(stage: Stage) -> "Future[Run]":
    """The proxy opens for the canary too, which shows that it stands there."""
    stage.rule(stage.world.at_isp.divert(stage.machine, 25, 587, to=ROUTER, port=8125))
    return stage.check()


@scenes.scene(Expected("ok", outgoing=((465, "tls"),)))
def no_starttls_at_one_server(stage: Stage) -> "Future[Run]":
    name = f"mail.{stage.label}.test"
    service = mail_service(stage.world, name)
    service[25] = service[587] = dialogues.Smtp(name=name)
    stage.world.serve(stage.world.host(name, "other"), service)
    return stage.check(name)


@scenes.scene(Expected("ok", outgoing=((465, "tls"),)))
def stripped_before_one_server(stage: Stage) -> "Future[Run]":
    """The server's own firewall crosses it out."""
    stage.rule(
        stage.world.at_isp.divert(
            stage.machine, 25, 587, to=ROUTER, port=8125,
            excepting=[*CANARY, *(operator.host for operator in stage.world.operators.values())],
        )
    )  # fmt: skip
    return stage.check()


# ---- TLS is opened


def _opened(stage: Stage, port: int) -> Authority:
    authority = Authority.make(f"Corporate Authority {stage.label}")
    world = stage.world
    world.in_router(port, TlsProxy(world.topology.isp, world.pki, authority))
    stage.rule(world.at_isp.divert(stage.machine, 465, 993, 995, to=ROUTER, port=port, excepting=CANARY))
    return authority


@scenes.scene(Expected("tls-intercepted", "certain", never=_MISTAKEN))
def opened_by_a_trusted_authority(stage: Stage) -> "Future[Run]":
    return stage.check(further_root=_opened(stage, 8465))


@scenes.scene(Expected("tls-intercepted", "certain", outgoing=((587, "starttls"),), never=_MISTAKEN))
def opened_by_an_unknown_authority(stage: Stage) -> "Future[Run]":
    _opened(stage, 8466)
    return stage.check()


@scenes.scene(Expected("tls-intercepted", "certain", status=1, outgoing=((587, "starttls"),), never=_MISTAKEN))
def opened_endpoint(stage: Stage) -> "Future[Run]":
    _opened(stage, 8467)
    return stage.check(port=465)


def _private(stage: Stage, authority: Authority) -> str:
    name = f"mail.{stage.label}.test"
    tls = server_context(stage.world.pki.leaf(name, issuer=authority))
    stage.world.serve(
        stage.world.host(name, "other"),
        {
            465: dialogues.Smtp(tls, implicit=True, name=name),
            587: dialogues.Smtp(tls, name=name),
            993: dialogues.Imap(tls, implicit=True),
        },
    )
    return name


@scenes.scene(Expected("ok", outgoing=SENDS))
def private_authority_of_one_server(stage: Stage) -> "Future[Run]":
    """A company's own server, which its machines trust."""
    authority = Authority.make("A Company's Own")
    return stage.check(_private(stage, authority), further_root=authority)


@scenes.scene(Expected("cert-untrusted", status=1))
def unknown_authority_of_one_server(stage: Stage) -> "Future[Run]":
    return stage.check(_private(stage, Authority.make("Nobody's Own")))


@scenes.scene(Expected(("cert-untrusted", "tls-intercepted"), "likely", status=1, maybe=("tls-intercepted",)))
def unknown_authority_of_one_server_and_one_operator(stage: Stage) -> "Future[Run]":
    """Two servers of unrelated owners share an authority that nobody knows; two other operators do not."""
    authority = Authority.make("Shared By Two")
    stage.world.in_router(8468, TlsProxy(stage.world.topology.isp, stage.world.pki, authority))
    others = [stage.world.operators[f"mx.{name}.test"].host for name in ("beta", "gamma")]
    stage.rule(
        stage.world.at_isp.divert(stage.machine, 465, 993, 995, to=ROUTER, port=8468, excepting=[*CANARY, *others])
    )
    return stage.check(_private(stage, authority))


@pytest.mark.parametrize("name", scenes.names)
def test_scene(runs: Runs, name: str) -> None:
    scenes.expected[name].check(runs[name].result())


@pytest.mark.parametrize(("name", "ports"), [("diverted", {25}), ("diverted-but-the-canary", {25}), ("tarpit", {25})])
def test_intercepted_ports_are_named(runs: Runs, name: str, ports: set[int]) -> None:
    findings = runs[name].result().findings("smtp-intercepted")
    assert {port for finding in findings for port in finding["params"]["ports"]} == ports


def test_what_is_intercepted_is_not_advised_first(runs: Runs) -> None:
    for name in ("diverted", "diverted-with-tls", "stripped", "tarpit"):
        report = runs[name].result().report
        verified = [row["port"] for row in report["settings"]["outgoing"] if row["verified"]]
        assert verified[0] != 25


@pytest.mark.parametrize(
    ("name", "trusted"), [("opened-by-a-trusted-authority", True), ("opened-by-an-unknown-authority", False)]
)
def test_the_authority_that_opens_is_named(runs: Runs, name: str, trusted: bool) -> None:
    finding = runs[name].result().findings("tls-intercepted")[0]
    assert "Corporate Authority" in finding["params"]["issuer"]
    assert finding["params"]["trusted"] is trusted
