"""Recorded observations: what a port would show, without a network."""

from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from typing import Any

from poterne.diagnosis import Conclusion, Evidence, EvidenceRequest, diagnose
from poterne.knowledge import ports
from poterne.report import (
    Disturbance,
    Endpoint,
    Family,
    Finding,
    Hop,
    Lookup,
    Machine,
    NameAnswer,
    NameServer,
    Observation,
    Offer,
    Options,
    Portal,
    ProxyState,
    Report,
    Stages,
    Target,
    Tls,
)
from poterne.target.parser import parse

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
HOST = "mail.example.org"

GOOD_TLS = Tls(
    version="TLSv1.3",
    cipher="TLS_AES_256_GCM_SHA384",
    trusted=True,
    public_trusted=True,
    name_ok=True,
    subject=HOST,
    issuer="An authority",
    names=(HOST,),
    not_before="2026-10-01T00:00:00Z",
    not_after="2027-03-01T00:00:00Z",
)

_GREETINGS = {
    "smtp": "220 mail ESMTP",
    "imap": "* OK",
    "pop3": "+OK",
    "sieve": "OK",
    "ftp": "220 FTP",
    "http": "HTTP/1.1 200",
}
_CAPABILITIES = {
    "smtp": (("AUTH PLAIN",), ("PLAIN",)),
    "imap": (("IMAP4rev1", "AUTH=PLAIN"), ("PLAIN",)),
    "pop3": (("SASL PLAIN",), ("PLAIN",)),
    "sieve": (("SASL PLAIN",), ("PLAIN",)),
}


def seen(port: int, *, host: str = HOST, family: Family = 4, source: str = "typed", **changed: Any) -> Observation:
    """A port on which all is well, but for what is changed. Ids follow from host, port and family."""
    row = ports.facts(port)
    assert row is not None
    capabilities, auth = _CAPABILITIES.get(row.dialogue, ((), ()))
    security = row.begins
    base: dict[str, Any] = {
        "id": f"{host}-{port}-{family}",
        "host": host,
        "address": "192.0.2.7" if family == 4 else "2001:db8::7",
        "family": family,
        "port": port,
        "service": row.service,
        "asked": row.begins,
        "source": source,
        "state": "open",
        "greeting": _GREETINGS[row.dialogue],
        "greeting_kind": "accepted",
        "spoke": row.dialogue,
        "capabilities": capabilities,
        "auth": auth,
        "security": security,
        "starttls": "accepted" if security == "starttls" else None,
        "tls": None if security == "none" else GOOD_TLS,
        "stages": Stages(connect_ms=10, greeting_ms=20),
    }
    return Observation(**{**base, **changed})


def unreached(port: int, state: str, **changed: Any) -> Observation:
    """A port without a connection."""
    nothing: dict[str, Any] = {
        "state": state,
        "greeting": None,
        "greeting_kind": None,
        "spoke": None,
        "capabilities": (),
        "auth": (),
        "security": None,
        "starttls": None,
        "tls": None,
        "stages": Stages(connect_ms=3300 if state == "no-answer" else 10),
        "attempts": 3 if state == "no-answer" else 1,
    }
    return seen(port, **{**nothing, **changed})


def plain(port: int, **changed: Any) -> Observation:
    """A mail port in clear text that offers no encryption."""
    row = ports.facts(port)
    assert row is not None
    capabilities, auth = _CAPABILITIES.get(row.dialogue, ((), ()))
    clear: dict[str, Any] = {
        "security": "none",
        "starttls": "absent",
        "tls": None,
        "capabilities_clear": capabilities,
        "auth_clear": auth,
    }
    return seen(port, **{**clear, **changed})


def answering(*offers: Offer) -> list[Observation]:
    """Every way that was offered, seen to work."""
    return [
        seen(
            each.port,
            host=each.host,
            source=each.source,
            id=f"o{number}",
            security=each.security,
            starttls={"tls": None, "starttls": "accepted", "none": "absent"}[each.security],
            **({"tls": None} if each.security == "none" else {"tls": GOOD_TLS}),
        )
        for number, each in enumerate(offers)
    ]


def broken_off(port: int, **changed: Any) -> Observation:
    """A port that greets well, in clear text, and then breaks off before it has said what it can."""
    unsaid: dict[str, Any] = {
        "capabilities": (),
        "capabilities_clear": (),
        "auth": (),
        "auth_clear": (),
        "starttls": None,
        "error": "ECONNRESET",
        "cut": True,
    }
    return plain(port, **{**unsaid, **changed})


def spoilt(port: int, *faults: str, **changed: Any) -> Observation:
    """A port whose certificate or handshake has these faults, the weightiest first."""
    update: dict[str, Any] = {"fault": faults[0], "faults": faults}
    if {"cert-self-signed", "cert-untrusted", "cert-incomplete-chain", "roots-outdated"} & set(faults):
        update["trusted"] = False
    if "chain-expired" in faults:
        update |= {"expired_authority": "An old intermediate", "expired_at": "2026-11-19T00:00:00Z"}
    if "cert-weak" in faults:
        update |= {"alert": "EE certificate key too weak", "weak": "RSA 1024"}
    if "cert-no-san" in faults:
        update |= {"name_ok": False, "names": ()}
    if "client-certificate-wanted" in faults:
        update["alert"] = "TLSV13_ALERT_CERTIFICATE_REQUIRED"
        changed = {"error": update["alert"], "cut": True, "capabilities": (), "auth": (), **changed}
    if "cert-name-mismatch" in faults:
        update |= {"name_ok": False, "names": ("other.example",)}
    if "cert-expired" in faults:
        update["not_after"] = "2026-11-01T00:00:00Z"
    if "cert-not-yet-valid" in faults:
        update["not_before"] = "2026-12-24T00:00:00Z"
    if "tls-legacy-only" in faults:
        update["version"] = "TLSv1"
    if faults[0] in ("tls-failed", "tls-incompatible"):
        alert = "HANDSHAKE_FAILURE" if faults[0] == "tls-failed" else "DH_KEY_TOO_SMALL"
        failed = Tls(fault=faults[0], faults=faults, alert=alert)
        row = ports.facts(port)
        implicit = row is not None and row.begins == "tls"
        unsaid: dict[str, Any] = {"greeting": None, "greeting_kind": None, "capabilities": (), "auth": ()}
        return seen(
            port,
            **{
                **(unsaid if implicit else {"starttls": "failed"}),
                "tls": failed,
                "security": "none",
                "error": alert,
                **changed,
            },
        )
    return seen(port, **{"tls": GOOD_TLS.model_copy(update=update), **changed})


def mute(port: int, **changed: Any) -> Observation:
    """A port that opens, and says nothing for some seconds."""
    unsaid: dict[str, Any] = {
        "greeting": None, "greeting_kind": "silent", "spoke": None, "capabilities": (), "auth": (), "security": "none",
        "starttls": None, "tls": None, "error": "no greeting in 6.5 s",
        "stages": Stages(connect_ms=10, greeting_ms=6500),
    }  # fmt: skip
    return seen(port, **{**unsaid, **changed})


def stalled(port: int, **changed: Any) -> Observation:
    """A port whose handshake gets no answer for some seconds; before STARTTLS it talks."""
    row = ports.facts(port)
    assert row is not None
    stages = Stages(connect_ms=10, greeting_ms=20, capabilities_ms=20, starttls_ms=20, tls_ms=6500)
    words = "no answer to the TLS handshake in 6.5 s"
    if row.begins == "tls":
        return mute(port, **{"error": words, "stages": Stages(connect_ms=10, tls_ms=6500), **changed})
    failed = Tls(fault="tls-failed", faults=("tls-failed",), alert=words)
    return plain(port, **{"starttls": "failed", "tls": failed, "error": words, "stages": stages, **changed})


def resolved(name: str = HOST, source: str = "typed", **changed: Any) -> NameAnswer:
    """A name with an address, but for what is changed."""
    return NameAnswer(**{"name": name, "source": source, "state": "ok", "addresses": ("192.0.2.7",), **changed})


def random_label(*addresses: str, label: str = "q7x", zone: str = "com", state: Any = None) -> NameAnswer:
    """What the resolvers say of a name that must not exist."""
    found: dict[str, Any] = {"state": state or ("ok" if addresses else "nxdomain"), "addresses": addresses}
    return NameAnswer(name=f"{label}.{zone}", source="random", **found)


def server(name: str = HOST) -> Target:
    """A server, as a check understands a name without an MX."""
    return Target(input=name, kind="server", host=name)


def evidence(
    target: Target | str,
    *observations: Observation,
    names: Iterable[NameAnswer] = (),
    online: bool = True,
    machine: Machine | None = None,
    portal: Portal | None = None,
    offers: Iterable[Offer] = (),
    lookups: Iterable[Lookup] = (),
    fetched: Iterable[EvidenceRequest] = (),
    complete: bool = False,
    disturbed: Disturbance | None = None,
    proxy: ProxyState | None = None,
    name_servers: Iterable[NameServer] = (),
    **options: Any,
) -> Evidence:
    """All that is known of one check."""
    known: dict[str, Any] = {
        "fetched": frozenset(fetched),
        "complete": complete,
        "portal": portal,
        "disturbed": disturbed,
        "proxy": proxy,
        "name_servers": tuple(name_servers),
    }
    if machine is not None:
        known["machine"] = machine
    return Evidence(
        target=parse(target) if isinstance(target, str) else target,
        options=Options(**options),
        names=tuple(names),
        observations=observations,
        online=online,
        now=NOW,
        offers=tuple(offers),
        lookups=tuple(lookups),
        **known,
    )


def concluded(target: Target | str, *observations: Observation, **more: Any) -> Conclusion:
    """What is concluded from them."""
    return diagnose(evidence(target, *observations, **more))


def found(conclusion: Conclusion, code: str) -> Finding:
    """The one finding of that code."""
    (finding,) = [finding for finding in conclusion.findings if finding.code == code]
    return finding


def codes(conclusion: Conclusion) -> set[str]:
    """The codes of all findings."""
    return {finding.code for finding in conclusion.findings}


def blockers(conclusion: Conclusion) -> set[str]:
    """The codes of the findings that keep the target from being used as asked."""
    return {finding.code for finding in conclusion.findings if finding.severity == "blocker"}


def report_of(known: Evidence) -> Report:
    """The report that a check would end with."""
    conclusion = diagnose(known)
    return Report(
        version="0",
        target=known.target,
        options=known.options,
        verdict=conclusion.verdict,
        findings=conclusion.findings,
        settings=conclusion.settings,
        names=known.names,
        observations=known.observations,
        online=known.online,
        machine=known.machine,
        portal=known.portal,
        proxy=known.proxy,
        name_servers=known.name_servers,
        trace=known.trace,
        way=conclusion.way,
        started_at=known.now.isoformat().replace("+00:00", "Z"),
        elapsed_ms=1,
    )


def planned(observation: Observation) -> Endpoint:
    """The endpoint of an observation."""
    return Endpoint(**{name: getattr(observation, name) for name in Endpoint.model_fields})


# ---- a little world ------------------------------------------------------------------------------------------------

CONTROLS = ("mx.alpha.example", "mx.beta.example", "mx.gamma.example")
OWN = {4: "10.77.0.2", 6: "fd77::2"}
BOX = {4: "10.77.0.1", 6: "fd77::1"}
ISP = {4: "203.0.113.1", 6: "2001:db8:1::1"}
FURTHER = {4: "203.0.113.9", 6: "2001:db8:1::9"}
MACHINE = Machine(
    addresses=(OWN[4], OWN[6], "fe80::2"), networks=("10.77.0.0/24", "fd77::/64"), gateways=(BOX[4], BOX[6])
)
CANARY = {4: "192.0.2.1", 6: "2001:db8::1"}
RELAY = "smtp.isp.example"
USUAL = (25, 465, 587, 993)


class World:
    """A target and controls on which all is well, but for what is changed.

    `who` is `everybody`, `target`, `controls`, or a host. A changed observation is the last word on its place.
    """

    def __init__(
        self,
        *,
        target: Target | str | None = None,
        controls: Iterable[str] = CONTROLS,
        source: str = "policy",
        families: Iterable[Family] = (4,),
        ports: Iterable[int] = USUAL,
        control_ports: Iterable[int] = (25, 587),
    ) -> None:
        self.target = server() if target is None else target
        self.controls = tuple(controls)
        self.families = tuple(families)
        self.seen: dict[str, Observation] = {}
        self.known: dict[str, Any] = {"machine": MACHINE}
        for family in self.families:
            for port in ports:
                self.add(seen(port, family=family))
            for host in self.controls:
                for port in control_ports:
                    self.add(self.control(host, port, family, source=source))

    @staticmethod
    def control(host: str, port: int, family: Family = 4, *, source: str = "policy", **changed: Any) -> Observation:
        """A control on which all is well."""
        number = sum(host.encode()) % 200
        base: dict[str, Any] = {
            "role": "control",
            "address": f"198.51.100.{number}" if family == 4 else f"2001:db8:51::{number}",
            "source": source,
            "tls": GOOD_TLS.model_copy(update={"subject": host, "names": (host,)}),
        }
        observation = seen(port, host=host, family=family, **{**base, **changed})
        if observation.greeting is not None and observation.greeting.startswith("220"):
            observation = observation.model_copy(update={"greeting": f"220 {host} ESMTP"})
        return observation

    def add(self, *observations: Observation) -> "World":
        """Further observations."""
        for observation in observations:
            self.seen[observation.id] = observation
        return self

    def change(
        self,
        new: Callable[..., Observation] | dict[str, Any] | None,
        *ports_: int,
        who: str = "everybody",
        family: Family | None = None,
        **changed: Any,
    ) -> "World":
        """Changes observations: to what a maker of observations says of that place, by fields, or (None) to nothing."""
        for id_, old in list(self.seen.items()):
            if (ports_ and old.port not in ports_) or family not in (None, old.family) or not self._is(old, who):
                continue
            if new is None:
                del self.seen[id_]
            elif isinstance(new, dict):
                self.seen[id_] = old.model_copy(update={**new, **changed})
            else:
                place = {name: getattr(old, name) for name in ("id", "role", "host", "address", "family", "source")}
                self.seen[id_] = new(old.port, **{**place, **changed})
        return self

    def fail(
        self, state: str, *ports_: int, who: str = "everybody", family: Family | None = None, **changed: Any
    ) -> "World":
        """Lets connections fail."""
        return self.change(
            lambda port, **place: unreached(port, state, **place), *ports_, who=who, family=family, **changed
        )

    def silent(self, *ports_: int, who: str = "everybody", family: Family | None = None, **changed: Any) -> "World":
        """Drops connections."""
        return self.fail("no-answer", *ports_, who=who, family=family, **changed)

    def refused(self, *ports_: int, who: str = "everybody", family: Family | None = None, **changed: Any) -> "World":
        """Resets connections."""
        return self.fail("refused", *ports_, who=who, family=family, **changed)

    def rejected(
        self, *ports_: int, by: dict[int, str], who: str = "everybody", family: Family | None = None, **changed: Any
    ) -> "World":
        """Rejects connections by an ICMP error of somebody in each family."""
        errors = {4: "EHOSTUNREACH (ICMP 3/13)", 6: "EACCES (ICMPv6 1/1)"}
        for each in self.families:
            if family in (None, each):
                said = {"reporter": by[each], "error": errors[each], **changed}
                self.fail("prohibited", *ports_, who=who, family=each, **said)
        return self

    def canary(self, port: int, state: str = "no-answer", **changed: Any) -> "World":
        """What a connection to an address does at which nobody is."""
        for family in self.families:
            place: dict[str, Any] = {
                "role": "canary", "host": CANARY[family], "address": CANARY[family], "family": family,
                "source": "canary",
            }  # fmt: skip
            if state == "open":
                mute: dict[str, Any] = {
                    "greeting": None, "greeting_kind": "silent", "capabilities": (), "auth": (), "security": "none",
                    "starttls": None, "tls": None,
                }  # fmt: skip
                self.add(seen(port, **{**place, **mute, **changed}))
            else:
                self.add(unreached(port, state, **{**place, **changed}))
        return self

    def relay(self, **changed: Any) -> "World":
        """The provider's relay greets on 25."""
        for family in self.families:
            self.add(
                seen(
                    25,
                    host=RELAY,
                    family=family,
                    source="policy",
                    **{"role": "relay", "address": ISP[family], **changed},
                )
            )
        return self

    def gateway(self, port: int, state: str = "no-answer", family: Family = 4, **changed: Any) -> "World":
        """What the home box itself does on a port."""
        place: dict[str, Any] = {"role": "control", "source": "gateway", "host": BOX[family], "address": BOX[family]}
        patience = {"attempts": 2, "stages": Stages(connect_ms=1500)} if state == "no-answer" else {}
        return self.add(unreached(port, state, family=family, **{**place, **patience, **changed}))

    def path(self, port: int, *answers: str, host: str = HOST, family: Family = 4, start: int = 1) -> "World":
        """The path to a port, each hop as `silent`, `refused`, `open`, or the address of the router that answered."""
        hops = tuple(
            Hop(hop=number, answer=answer)  # type: ignore[arg-type]
            if answer in ("silent", "refused", "open", "prohibited")
            else Hop(hop=number, address=answer, answer="time-exceeded")
            for number, answer in enumerate(answers, start=start)
        )
        id_ = f"{host}-{port}-{family}"
        self.seen[id_] = self.seen[id_].model_copy(update={"path": hops})
        return self

    def twice(self, *ports_: int, who: str = "everybody") -> "World":
        """Everything there was looked at again, with the same result."""
        again = [
            o.model_copy(update={"id": f"{o.id}-again"})
            for o in list(self.seen.values())
            if o.port in ports_ and self._is(o, who) and not o.id.endswith("-again")
        ]
        return self.add(*again)

    def with_(self, **known: Any) -> "World":
        """What else is known: names, portal, machine, options."""
        self.known |= known
        return self

    @property
    def evidence(self) -> Evidence:
        """All of it."""
        return evidence(self.target, *self.seen.values(), **self.known)

    @property
    def conclusion(self) -> Conclusion:
        """What is concluded from it."""
        return diagnose(self.evidence)

    @property
    def codes(self) -> set[str]:
        """The codes that are found."""
        return codes(self.conclusion)

    @property
    def wanted(self) -> set[EvidenceRequest]:
        """What is wanted."""
        return set(self.conclusion.wanted)

    def confidence(self, code: str) -> str:
        """How sure a finding is."""
        return found(self.conclusion, code).confidence

    @staticmethod
    def _is(observation: Observation, who: str) -> bool:
        kinds = {"everybody": ("target", "control"), "target": ("target",), "controls": ("control",)}
        return observation.role in kinds[who] if who in kinds else observation.host == who


def by_dns(*addresses: str, hosts: str | None = None) -> list[NameAnswer]:
    """What DNS says of the target's name, and what the hosts file has."""
    listed = [resolved(source="hosts", addresses=(hosts,))] if hosts else []
    return [resolved(source="dns", addresses=addresses), *listed]


def led_elsewhere() -> World:
    """The system leads to an address without mail, DNS to one with a mail server."""
    world = World(ports=(25, 465, 587, 993, 443)).refused(25, 465, 587, 993, who="target")
    return world.add(seen(465, id="c-dns", role="control", source="dns", address="192.0.2.9"))


def compared() -> list[Conclusion]:
    """What comparisons can say: between them, every code of the rules that compare."""
    web = (25, 465, 587, 993, 443, 80)
    private = GOOD_TLS.model_copy(update={"issuer": "Antivirus root", "public_trusted": False})
    answered: dict[str, Any] = {"greeting": "220 box", "greeting_kind": "accepted"}
    resolving = [resolved(), random_label("192.0.2.7"), random_label("192.0.2.7", zone="org")]
    portal = Portal(url="http://portal.example/", state="altered")
    other = seen(465, host="smtp.example.org", source="guess", address="192.0.2.9")
    worlds = [
        World().silent(25),
        World().silent(25).with_(disturbed="moved"),
        World().silent(25).relay(),
        World(control_ports=(25, 465, 587)).silent(465),
        World().rejected(25, 587, by=BOX, who="target"),
        World().rejected(25, by=OWN),
        World().rejected(25, by=BOX),
        World().canary(25, "open", **answered),
        World().change(plain, 25, 587),
        World().change(stalled),
        World(families=(4, 6)).change(stalled, family=6),
        World().fail("reset", 587, who="target"),
        World().change({"tls": private}),
        World(ports=web).silent().with_(portal=portal),
        World(ports=web).silent().with_(portal=portal.model_copy(update={"state": "failed"})),
        World(families=(4, 6)).silent(family=6),
        World(families=(4, 6)).silent(family=4),
        World(ports=web).silent(who="target"),
        World(ports=web).silent(25, 465, 587, 993, who="target"),
        World(ports=(*web, 110)).silent(25, 465, 587, 993, who="target").refused(110, who="target"),
        World(ports=web).silent(who="target").change({"address": "192.168.9.7"}, who="target"),
        World().refused(who="target").change({"address": BOX[4]}, who="target"),
        World().silent().with_(proxy="works"),
        led_elsewhere().with_(names=[resolved(), *by_dns("192.0.2.9", hosts="192.0.2.7")]),
        World().silent(25, who="target"),
        World(ports=web).silent(25, 465, 587, 993, who="target").with_(names=resolving),
        World(ports=web).refused(25, 465, 587, 993, who="target").add(other),
        World().change(lambda port, **place: spoilt(port, "cert-not-yet-valid", **place)),
    ]
    return [world.conclusion for world in worlds]
