"""Names that lead astray: resolvers that invent answers, and names that are not the server's."""

from collections.abc import Iterator
from concurrent.futures import Future

import pytest

from . import dialogues
from .operators import mail_service
from .runs import Run
from .scenes import SENDS, Expected, Scenes, Stage
from .scripted import server_context
from .topology import FAILING_V4, HIJACKER_V4, RESOLVER_V4, Host
from .world import World
from .zone import Zone

Runs = dict[str, "Future[Run]"]
scenes = Scenes("astray")


@pytest.fixture(scope="module")
def adverts(world: World) -> Host:
    """Where the hijacking resolver leads: a web server."""
    host = world.host("adverts.test", "other")
    world.serve(host, {80: dialogues.web("", b"buy", "text/html")})
    return host


@pytest.fixture(scope="module")
def runs(world: World, adverts: Host) -> Iterator[Runs]:
    inventing, failing = Zone(world.zone, adverts.addresses), Zone(world.zone)
    failing.fail("astray-second-resolver-knows-better.test")
    inventing.serve(world.topology.other, HIJACKER_V4)
    failing.serve(world.topology.other, FAILING_V4)
    try:
        yield from scenes.play(world)
    finally:
        inventing.close()
        failing.close()


def _misled(stage: Stage) -> None:
    stage.use(stage.world.machine(resolver=HIJACKER_V4))


@scenes.scene(Expected("dns-hijacked", "certain", status=1, codes=("dns-nxdomain",)))
def invented_server(stage: Stage) -> "Future[Run]":
    _misled(stage)
    return stage.check("mail.does-not-exist.test")


@scenes.scene(Expected("dns-hijacked", "certain", status=1))
def invented_endpoint(stage: Stage) -> "Future[Run]":
    _misled(stage)
    return stage.check("mail.does-not-exist.test:587")


@scenes.scene(Expected("ok", outgoing=SENDS, never=("dns-hijacked",)))
def real_server_by_a_resolver_that_invents(stage: Stage) -> "Future[Run]":
    """Where all goes well, nobody asks whether the resolver invents names."""
    _misled(stage)
    return stage.check()


@scenes.scene(Expected("ok", outgoing=SENDS))
def wildcard_of_one_domain(stage: Stage) -> "Future[Run]":
    """Every name below the target's own domain exists: its owner wanted that."""
    domain = f"{stage.label}.test"
    name = f"mail.{domain}"
    host = stage.world.host(name, "other")
    stage.world.serve(host, mail_service(stage.world, name))
    stage.world.zone.add_wildcard(domain, a=[host.v4 or ""], aaaa=[host.v6 or ""])
    return stage.check(name)


@scenes.scene(Expected("dns-nxdomain", status=1, never=("dns-hijacked",)))
def nobody(stage: Stage) -> "Future[Run]":
    return stage.check("mail.nobody-at-all.test")


@scenes.scene(Expected("dns-servfail", status=1))
def second_resolver_knows_better(stage: Stage) -> "Future[Run]":
    """The system's resolver fails for the target's domain; the policy's second one does not."""
    domain = f"{stage.label}.test"
    name = f"mail.{domain}"
    stage.world.serve(stage.world.host(name, "other"), mail_service(stage.world, name))
    stage.use(stage.world.machine(resolver=FAILING_V4))
    return stage.check(name, resolver=RESOLVER_V4)


# ---- another name of the target is the right one


@scenes.scene(Expected("wrong-host-name", "likely", status=1, maybe=("no-mail-service",)))
def web_name_instead_of_mail_name(stage: Stage) -> "Future[Run]":
    domain = f"{stage.label}.test"
    name = f"mail.{domain}"
    stage.world.serve(stage.world.host(name, "other"), mail_service(stage.world, name))
    www = stage.world.host(f"www.{domain}", "other")
    tls = server_context(stage.world.pki.leaf(www.name))
    stage.world.serve(www, {80: dialogues.http, 443: dialogues.secure_web(tls)})
    stage.world.zone.add(domain, mx=[f"10 {name}."])
    return stage.check(www.name)


@scenes.scene(Expected("wrong-host-name", "likely", status=1))
def own_name_of_a_hosted_domain(stage: Stage) -> "Future[Run]":
    """The certificate names the host that the customer's name stands for."""
    name = f"mail.{stage.label}-hosting.test"
    host = stage.world.host(name, "other")
    stage.world.serve(host, mail_service(stage.world, name))
    own = f"smtp.{stage.label}.test"
    stage.world.name(own, host)
    return stage.check(own)


@scenes.scene(Expected("wrong-host-name", "likely", status=1))
def own_name_of_a_hosted_domain_endpoint(stage: Stage) -> "Future[Run]":
    name = f"mail.{stage.label}-hosting.test"
    host = stage.world.host(name, "other")
    stage.world.serve(host, mail_service(stage.world, name))
    own = f"smtp.{stage.label}.test"
    stage.world.name(own, host)
    return stage.check(f"{own}:465")


@scenes.scene(Expected("cert-name-mismatch", status=1, never=("wrong-host-name",)))
def certificate_that_names_nobody(stage: Stage) -> "Future[Run]":
    """The certificate names a host that does not exist."""
    name = f"mail.{stage.label}.test"
    stage.world.serve(
        stage.world.host(name, "other"), mail_service(stage.world, f"nobody.{stage.label}-elsewhere.test")
    )
    return stage.check(name)


@scenes.scene(Expected("no-mail-service", status=1, never=("wrong-host-name",)))
def web_name_and_no_mail_name(stage: Stage) -> "Future[Run]":
    www = stage.world.host(f"www.{stage.label}.test", "other")
    tls = server_context(stage.world.pki.leaf(www.name))
    stage.world.serve(www, {80: dialogues.http, 443: dialogues.secure_web(tls)})
    return stage.check(www.name)


@pytest.mark.parametrize("name", scenes.names)
def test_scene(runs: Runs, name: str) -> None:
    scenes.expected[name].check(runs[name].result())


@pytest.mark.parametrize(
    ("name", "better"),
    [
        ("web-name-instead-of-mail-name", "mail.astray-web-name-instead-of-mail-name.test"),
        ("own-name-of-a-hosted-domain", "mail.astray-own-name-of-a-hosted-domain-hosting.test"),
    ],
)
def test_the_better_name_is_told(runs: Runs, name: str, better: str) -> None:
    run = runs[name].result()
    assert better in run.finding("wrong-host-name")["params"]["names"]
    assert run.settings("outgoing")[0][:2] == (better, 465)


def test_an_invented_name_is_blamed_on_the_resolver_first(runs: Runs) -> None:
    run = runs["invented-server"].result()
    assert run.finding("dns-nxdomain")["confidence"] == "likely"
    assert run.finding("dns-hijacked")["severity"] == "blocker"


def test_the_second_resolver_is_heard(runs: Runs) -> None:
    names = runs["second-resolver-knows-better"].result().report["names"]
    assert "ok" in {answer["state"] for answer in names if answer["source"] == "second"}
