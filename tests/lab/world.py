"""The lab as the tests see it: hosts to make, firewalls to set, checks to run."""

import functools
import itertools
import os
import queue
import shutil
import tempfile
import threading
from collections.abc import Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

from . import daemons, dialogues
from .firewall import Firewall
from .netns import PREFIX, Namespace, Sweeper
from .operators import CANARY, OPERATORS, start_operators
from .pki import Authority, Pki
from .runs import Run, run_check
from .scripted import Behaviour, Scripted, server_context
from .topology import ISP_V4, ISP_V6, RESOLVER_V4, RESOLVER_V6, Host, Machine, Place, Topology
from .zone import Zone

REAL_DOMAIN = "real.test"
PORTAL = "http://portal.test/success"
_AT_ONCE = 6
# While a program starts it keeps a processor busy, which those that listen to a network then do without.
_STARTING_AT_ONCE = 2
_POLICY = """
[controls]
hosts = []
canary = []
portal = ""
[discovery]
ispdb = ""
[lab]
roots = "{roots}"
"""
_COMPARED = """
[controls]
hosts = {hosts}
canary = {canary}
portal = "{portal}"
{relay}
{resolver}
[trust]
public_roots = "{public}"
[discovery]
ispdb = ""
[lab]
roots = "{roots}"
"""


class World:
    """One lab: Postfix and Dovecot answer at every address of the farm, scripted servers where a test puts them."""

    def __init__(self) -> None:
        # Short, for Unix sockets stand below it; open to all, for Postfix and Dovecot give up root.
        self.folder = Path(tempfile.mkdtemp(prefix=f"{PREFIX}-{os.getpid()}-"))
        self.folder.chmod(0o755)
        self._daemons: list[daemons.Daemon] = []
        self._scripted: list[Scripted] = []
        self._pool = ThreadPoolExecutor(_AT_ONCE)
        self._starting = threading.Semaphore(_STARTING_AT_ONCE)
        self._serial = itertools.count()
        self._runs: queue.SimpleQueue[Run] = queue.SimpleQueue()
        self.zone = Zone()
        self.pki = Pki(self.folder)
        self._sweeper = Sweeper()
        self.topology = Topology()
        try:
            self._start()
        except BaseException:
            self.close()
            raise

    def _start(self) -> None:
        self.client = self.topology.client
        self.at_client = Firewall(self.topology.client)
        self.at_home = Firewall(self.topology.home)
        self.at_isp = Firewall(self.topology.isp)
        self.at_backbone = Firewall(self.topology.backbone)
        self.at_farm = Firewall(self.topology.farm)
        self.at_abroad = Firewall(self.topology.abroad)
        self.zone.serve(self.topology.other, RESOLVER_V4, RESOLVER_V6)
        certificate = self.pki.leaf(
            f"mail.{REAL_DOMAIN}",
            f"*.{REAL_DOMAIN}",
            "*.account.test",
            "*.mixed.test",
            "*.wild.test",
            "*.inside.test",
            "xn--bcher-kva.test",
        )
        auth = self.folder / "auth"
        self._daemons.append(daemons.start_dovecot(self.topology.farm, self.folder, certificate, auth))
        self._daemons.append(
            daemons.start_postfix(self.topology.farm, self.folder, f"mail.{REAL_DOMAIN}", certificate, auth)
        )
        self.policy = self.write_policy("policy.toml")
        self.operators = start_operators(self)
        self.serve(self.host("portal.test", "abroad"), {80: dialogues.web("", b"success\n", "text/plain")})
        self.relay = self.host("smtp.isp.test", "provider")
        tls = server_context(self.pki.leaf(self.relay.name))
        self.serve(self.relay, {25: dialogues.Smtp(tls, name=self.relay.name)})

    def write_policy(self, name: str, more: str = "") -> Path:
        """A policy file with the lab's root; `more` is further TOML in front."""
        path = self.folder / name
        path.write_text(more + _POLICY.format(roots=self.pki.roots_file))
        return path

    def compared(
        self,
        *,
        controls: Sequence[str] = OPERATORS,
        canary: Sequence[str] = CANARY,
        portal: str = PORTAL,
        relay: str | None = None,
        resolver: str | None = None,
        further_root: Authority | None = None,
        more: str = "",
    ) -> Path:
        """A policy file that names whom a failure is compared with. `further_root` is trusted by the machine and is
        not public; `more` is further TOML in front.
        """
        roots = self.pki.roots_file
        if further_root:
            roots = self.folder / f"roots-{next(self._serial)}.pem"
            roots.write_bytes(self.pki.root.pem() + further_root.pem())
        path = self.folder / f"compared-{next(self._serial)}.toml"
        path.write_text(
            more
            + _COMPARED.format(
                hosts=list(controls),
                canary=list(canary),
                portal=portal,
                relay=f'relay = "{relay}"' if relay else "",
                resolver=f'resolver = "{resolver}"' if resolver else "",
                public=self.pki.roots_file,
                roots=roots,
            )
        )
        return path

    # ---- hosts

    def host(self, name: str, place: Place = "farm", *, v4: bool = True, v6: bool = True, absent: bool = False) -> Host:
        """A host with addresses of its own, and its A and AAAA records."""
        host = self.topology.host(name, place, v4=v4, v6=v6, absent=absent)
        self.name(name, host)
        return host

    def name(self, name: str, host: Host) -> None:
        """A further name for a host."""
        self.zone.add(name, a=[host.v4] if host.v4 else (), aaaa=[host.v6] if host.v6 else ())

    def real(self, label: str, *, v4: bool = True, v6: bool = True) -> Host:
        """A host below real.test at which Postfix and Dovecot answer on every mail port."""
        return self.host(f"{label}.{REAL_DOMAIN}", v4=v4, v6=v6)

    def scripted(
        self, label: str, behaviours: Mapping[int, Behaviour], *, v4: bool = True, v6: bool = False
    ) -> "ScriptedHost":
        """A host below odd.test with a scripted server on each of the ports."""
        host = self.host(f"{label}.odd.test", "other", v4=v4, v6=v6)
        return ScriptedHost(host, self.serve(host, behaviours))

    def serve(self, host: Host, behaviours: Mapping[int, Behaviour]) -> dict[int, Scripted]:
        """Scripted servers at a host, wherever it stands."""
        return self.serve_in(self.topology.namespace_of(host.place), host, behaviours)

    def serve_in(self, namespace: Namespace, host: Host, behaviours: Mapping[int, Behaviour]) -> dict[int, Scripted]:
        """As `serve`, in any namespace that has the host's addresses."""
        servers = {port: Scripted(namespace, host, port, behave) for port, behave in behaviours.items()}
        self._scripted += servers.values()
        return servers

    def in_router(self, port: int, behave: Behaviour) -> Scripted:
        """A scripted server in the provider's router, for connections that are diverted to it."""
        return self.serve(Host("router.isp.test", "provider", ISP_V4, ISP_V6), {port: behave})[port]

    def machine(
        self, *, v4: bool = True, v6: bool = True, resolver: str = RESOLVER_V4, gateway: bool = True
    ) -> Machine:
        """A client whose network can ail without ailing others'."""
        return self.topology.machine(v4=v4, v6=v6, resolver=resolver, gateway=gateway)

    def at(self, machine: Machine) -> Firewall:
        """A machine's own firewall."""
        return Firewall(machine.namespace)

    @functools.cached_property
    def odd_certificate(self) -> Path:
        """A faultless certificate for every scripted host."""
        return self.pki.leaf("*.odd.test")

    # ---- checks

    def start(
        self,
        target: str,
        *flags: str,
        policy: Path | None = None,
        namespace: Namespace | None = None,
        env: Mapping[str, str] | None = None,
    ) -> "Future[Run]":
        """Run a check, beside others; `result()` waits for it."""
        arguments = [target, "--jsonl", "--policy", str(policy or self.policy), *flags]
        return self._pool.submit(self._run, namespace or self.client, arguments, env)

    def _run(self, namespace: Namespace, arguments: Sequence[str], env: Mapping[str, str] | None = None) -> Run:
        run = run_check(namespace, arguments, self._starting, env)
        self._runs.put(run)
        return run

    def check(self, target: str, *flags: str, policy: Path | None = None, namespace: Namespace | None = None) -> Run:
        """Run a check to its end."""
        return self.start(target, *flags, policy=policy, namespace=namespace).result()

    def new_codes(self) -> set[str]:
        """What the checks have found that ended since this was asked before."""
        codes: set[str] = set()
        while not self._runs.empty():
            run = self._runs.get()
            codes |= run.codes if run.events else set()
        return codes

    def close(self) -> None:
        self._pool.shutdown(wait=False, cancel_futures=True)
        for machine in self.topology.machines:
            with suppress(RuntimeError):
                machine.end_processes()
        self._pool.shutdown()
        for scripted in self._scripted:
            scripted.close()
        for daemon in reversed(self._daemons):
            daemon.stop()
        self.zone.close()
        self.topology.close()
        shutil.rmtree(self.folder, ignore_errors=True)
        self._sweeper.end()


class ScriptedHost:
    """A scripted host: its name for targets, and its servers by port."""

    def __init__(self, host: Host, servers: dict[int, Scripted]) -> None:
        self.host = host
        self.name = host.name
        self.servers = servers
