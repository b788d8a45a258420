"""Whole reports as a finished comparison would give them, for what is told of them."""

from typing import Any

from tests.unit.core_observations import GOOD_TLS, HOST, NOW, plain, seen, spoilt, stalled, unreached

from poterne.report import (
    Finding,
    Hint,
    Hop,
    Lookup,
    Machine,
    NameAnswer,
    Observation,
    Portal,
    Report,
    Setting,
    Settings,
    Target,
    Verdict,
    Way,
)

CONTROLS = ("mx.alpha.example", "mx.beta.example", "mx.gamma.example")
BOX = "192.168.1.1"
ROUTER = "198.51.100.1"

SENDING = (
    Setting(protocol="smtp", host=HOST, port=465, security="tls", auth=("password",), verified=True, source="typed"),
    Setting(
        protocol="smtp", host=HOST, port=587, security="starttls", auth=("password",), verified=True, source="typed"
    ),
)
MACHINE = Machine(addresses=("192.168.1.20",), networks=("192.168.1.0/24",), gateways=(BOX,))
FREE = Hint(
    network="free",
    name="Free",
    kind="self-service",
    where="Ma Freebox → Blocage SMTP sortant",
    source="YunoHost documentation",
    date="2020",
)
PASSED = (
    Hop(hop=1, address=BOX, answer="time-exceeded"),
    Hop(hop=2, address=ROUTER, name="bng1.isp.example", answer="time-exceeded"),
    Hop(hop=3, answer="silent"),
    Hop(hop=4, address="203.0.113.9", answer="time-exceeded"),
    Hop(hop=5, address="192.0.2.7", answer="open"),
)
STOPPED = (PASSED[0], *(Hop(hop=step, answer="silent") for step in range(2, 6)))


def controls(
    port: int, state: str | None = None, *, hosts: tuple[str, ...] = CONTROLS, **more: Any
) -> list[Observation]:
    """The servers of other operators on one port: well, or in a state without a connection."""
    make = seen if state is None else (lambda number, **rest: unreached(number, state, **rest))
    return [
        make(
            port,
            host=host,
            role="control",
            source="default",
            address=f"203.0.113.{place}",
            **{"id": f"c{port}-{place}-{more.get('family', 4)}", **more},
        )
        for place, host in enumerate(CONTROLS, 20)
        if host in hosts
    ]


def canaries(*open_ports: int) -> list[Observation]:
    """Nobody's address on 25 and 465."""
    rest: dict[str, Any] = {"host": "192.0.2.1", "address": "192.0.2.1", "role": "canary", "source": "canary"}
    return [
        seen(port, **rest, greeting_kind="silent", tls=None)
        if port in open_ports
        else unreached(port, "no-answer", **rest)
        for port in (25, 465)
    ]


def gateway(port: int, state: str) -> Observation:
    """The home box's own address."""
    return unreached(port, state, host=BOX, address=BOX, role="control", source="gateway")


def report(code: str, *observations: Observation, **changed: Any) -> Report:
    """A server's report whose verdict is this code, about port 25 unless `finding` says otherwise."""
    about: dict[str, Any] = {"severity": "warning", "confidence": "certain", "host": HOST, "port": 25}
    about |= changed.pop("finding", {})
    named = about.get("params", {}).get("ports", (about["port"],))
    compared = [o for o in observations if o.role in ("target", "control") and o.source != "gateway"]
    finding = Finding(code=code, **{"evidence": tuple(o.id for o in compared if o.port in named), **about})
    base: dict[str, Any] = {
        "version": "0",
        "target": Target(input=HOST, kind="server", host=HOST),
        "verdict": Verdict(code=code, severity=finding.severity, confidence=finding.confidence),
        "findings": (finding, *changed.pop("beside", ())),
        "settings": Settings(outgoing=SENDING),
        "observations": observations,
        "machine": MACHINE,
        "trace": "done",
        "started_at": NOW.isoformat().replace("+00:00", "Z"),
        "elapsed_ms": 3210,
    }
    return Report(**{**base, **changed})


def blocked() -> Report:
    """Port 25 stops between the box and the provider's first router."""
    return report(
        "port25-blocked",
        unreached(25, "no-answer", attempts=3, path=STOPPED),
        seen(465, path=PASSED),
        seen(587),
        *[unreached(port, "refused") for port in (110, 143, 993, 995)],
        *controls(25, "no-answer"),
        *controls(465),
        *controls(587),
        gateway(25, "refused"),
        *canaries(),
        way=Way(stops_from="box", stops_to="provider", stopped=(25,), passing=(465, 587), box=BOX, traced=True),
        hints=(FREE,),
        portal=Portal(url="http://portal.example/", state="clear", status=204),
    )


def _reasons() -> dict[str, Report]:
    """Servers that say why they cannot be used, and handshakes that do."""
    faults: dict[str, dict[str, Any]] = {
        "chain-expired": {"name": "An old intermediate", "date": "2026-11-19T00:00:00Z"},
        "cert-weak": {"reason": "EE certificate key too weak / RSA 1024"},
        "cert-no-san": {"name": HOST},
        "tls-incompatible": {"reason": "DH_KEY_TOO_SMALL"},
        "client-certificate-wanted": {"reason": "TLSV13_ALERT_CERTIFICATE_REQUIRED"},
        "roots-outdated": {"issuer": "A new authority"},
    }
    busy = "* BYE Maximum number of connections from user+IP exceeded"
    return {
        **{
            code: report(
                code,
                spoilt(465, code),
                finding={"port": 465, "severity": "blocker", "params": params},
                settings=Settings(),
            )
            for code, params in faults.items()
        },
        "words": report(
            "tls-failed",
            plain(587, starttls="refused", error="454 4.7.0 TLS not available"),
            plain(25, starttls="refused", error="454 4.7.0 TLS not available"),
            *[seen(port, greeting=busy, greeting_kind="busy", tls=None) for port in (143, 993)],
            spoilt(465, "tls-failed"),
            finding={
                "port": 587,
                "severity": "blocker",
                "params": {"alert": "454 4.7.0 TLS not available", "refused": True},
            },
            settings=Settings(),
        ),
    }


def reports() -> dict[str, Report]:
    """One report for each kind of thing that is told."""
    reject: dict[str, Any] = {"reporter": BOX, "error": "EHOSTUNREACH (ICMP 3/13)"}
    bad = GOOD_TLS.model_copy(update={"public_trusted": False, "issuer": "Example Shield CA"})
    down: dict[str, Any] = {"severity": "blocker", "port": None, "params": {}}
    here = (Hop(hop=0, address="192.168.1.20", answer="refused"),)
    return {
        "blocked": blocked(),
        "blocked by the provider": report(
            "port25-blocked",
            unreached(25, "no-answer", path=(*PASSED[:2], *STOPPED[2:])),
            seen(587),
            *controls(25, "no-answer"),
            *controls(587),
            finding={"params": {"where": "provider"}},
            way=Way(
                stops_from="provider",
                stops_to="provider",
                stopped=(25,),
                passing=(587,),
                box=BOX,
                provider=ROUTER,
                traced=True,
            ),
            hints=(
                FREE.model_copy(update={"kind": "relay", "where": None, "relay": "smtp.isp.example", "date": None}),
            ),
        ),
        "relay only": report(
            "port25-relay-only",
            unreached(25, "no-answer"),
            *controls(25, "no-answer"),
            seen(25, host="smtp.isp.example", role="relay", source="option"),
            way=Way(stops_from="box", stops_to="server", stopped=(25,)),
            trace="impossible",
        ),
        "ports": report(
            "port-blocked",
            *[unreached(port, "reset") for port in (465, 587)],
            *controls(465, "no-answer"),
            *controls(587, "no-answer", hosts=CONTROLS[:2]),
            *controls(587, hosts=CONTROLS[2:]),
            finding={"port": 465, "params": {"ports": (587, 465)}, "severity": "blocker"},
            settings=Settings(),
            way=Way(stops_from="provider", stops_to="server", stopped=(465, 587), passing=(25, 993)),
            trace="off",
        ),
        "box": report(
            "gateway-firewall",
            unreached(25, "prohibited", **reject),
            seen(587),
            *controls(25, "prohibited", **reject),
            finding={"params": {"where": "box"}},
            way=Way(stops_from="box", stops_to="box", stopped=(25,), passing=(587,), box=BOX),
        ),
        "this computer": report(
            "local-firewall",
            unreached(25, "refused", path=here, reporter="192.168.1.20"),
            seen(587),
            gateway(25, "no-answer"),
            finding={"confidence": "possible"},
            way=Way(stops_from="you", stops_to="you", stopped=(25,), passing=(587,)),
        ),
        "the server": report(
            "client-rejected",
            *[unreached(port, "refused", reporter="192.0.2.7") for port in (465, 587)],
            finding={"severity": "blocker", "port": 465, "params": {"ports": (465, 587)}},
            settings=Settings(),
            way=Way(stops_from="server", stops_to="server", stopped=(465, 587), passing=(443,)),
        ),
        "down": report(
            "server-down",
            unreached(465, "no-answer", path=STOPPED[1:]),
            unreached(587, "refused", path=(Hop(hop=3, answer="refused"),)),
            finding=down,
            settings=Settings(),
        ),
        "a private network": report(
            "private-address",
            unreached(465, "no-answer", address="10.9.0.7"),
            finding={**down, "params": {"addresses": ("10.9.0.7",)}},
            settings=Settings(),
        ),
        "a proxy alone": report("proxy-only", unreached(465, "no-answer"), finding=down, settings=Settings()),
        "silent": report(
            "port-silent",
            unreached(465, "no-answer", path=(*PASSED[:2], Hop(hop=3, address="203.0.113.3", answer="prohibited"))),
            seen(587, path=PASSED[:2]),
            *controls(465, hosts=CONTROLS[:1]),
            finding={"port": 465},
        ),
        "a port that was typed": report(
            "port-closed",
            unreached(587, "refused").model_copy(update={"port": 26, "service": "unknown"}),
            seen(587),
            target=Target(input=f"{HOST}:26", kind="endpoint", host=HOST, port=26),
            finding={"severity": "blocker", "port": 26},
        ),
        "a web address": report(
            "ok",
            seen(587),
            target=Target(input=f"https://{HOST}", kind="server", host=HOST),
            finding={"severity": "good", "port": None},
        ),
        "stalled": report(
            "tls-stalled",
            stalled(465),
            stalled(587),
            seen(25, greeting="554 go away", greeting_kind="refused"),
            *[stalled(587, host=host, role="control", source="default", id=host) for host in CONTROLS],
            finding={"port": 465, "params": {"ports": (465, 587)}, "severity": "blocker"},
            settings=Settings(),
            way=Way(stops_from="you", stops_to="internet", stopped=(465, 587), refused=(25,)),
        ),
        "cut at once": report(
            "connection-cut",
            unreached(587, "reset"),
            *controls(587),
            finding={"port": 587, "params": {"ports": (587,), "at_once": True}, "severity": "blocker"},
        ),
        "intercepted": report(
            "smtp-intercepted",
            unreached(25, "error", path=(Hop(hop=1, address=BOX, answer="open"),)),
            *canaries(25, 465),
            finding={"params": {"ports": (25, 465)}},
            way=Way(stops_from="box", stops_to="provider", stopped=(25, 465)),
        ),
        "stripped": report(
            "starttls-stripped",
            plain(587, greeting="220 ****"),
            *[
                plain(587, host=host, role="control", source="default", id=host, starttls=state)
                for host, state in zip(CONTROLS, ("absent", "refused", None), strict=True)
            ],
            finding={"port": 587},
        ),
        "opened on the way": report(
            "tls-intercepted",
            seen(465, tls=bad),
            *controls(465, tls=bad),
            finding={"port": 465, "params": {"trusted": False, "issuer": "Example Shield CA"}},
        ),
        "allow-list": report(
            "mail-allowlist",
            unreached(587, "no-answer"),
            *controls(587),
            unreached(25, "no-answer", host="smtp.isp.example", role="relay", source="network"),
            finding={"port": 587},
        ),
        "IPv6": report(
            "ipv6-broken",
            *[unreached(port, "no-answer", family=6) for port in (465, 587)],
            *[seen(port) for port in (465, 587)],
            *controls(587),
            *controls(587, "no-answer", family=6),
            finding={"port": None, "family": 6},
        ),
        "names": report(
            "dns-hijacked",
            names=(
                NameAnswer(name="qx7.example", source="random", state="ok", addresses=("198.51.100.80",)),
                NameAnswer(
                    name="zk2.example", source="random", state="ok", addresses=("198.51.100.80", "2001:db8::80")
                ),
            ),
            portal=Portal(url="http://portal.example/", state="altered", status=302),
        ),
        "offline": report(
            "offline",
            finding={"severity": "blocker", "confidence": "likely", "port": None, "host": None},
            portal=Portal(url="http://portal.example/", state="failed", error="timeout"),
            settings=Settings(),
        ),
        "receiving": report(
            "port-silent",
            unreached(993, "unreachable"),
            finding={"port": 993, "severity": "blocker"},
            settings=Settings(
                outgoing=SENDING,
                incoming=(
                    Setting(protocol="pop3", host=HOST, port=995, security="tls", verified=True, source="typed"),
                ),
            ),
        ),
        "both families": report(
            "port-silent",
            *[unreached(25, "no-answer", family=family, path=STOPPED[1:]) for family in (4, 6)],
            unreached(25, "no-answer", family=6, path=STOPPED[1:], id="o6", address="2001:db8::8"),
            seen(587, path=(Hop(hop=3, answer="open"),)),
        ),
        "a source that is silent": report(
            "port-closed",
            unreached(587, "refused"),
            lookups=(
                Lookup(
                    source="autoconfig",
                    place="https://autoconfig.example.org/mail/config-v1.1.xml",
                    state="failed",
                    problem="no answer in time",
                    reason="timeout",
                ),
            ),
        ),
        **_reasons(),
        "ok": report("ok", seen(465), seen(587), finding={"severity": "good", "port": None}, trace="off"),
    }
