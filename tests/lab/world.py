"""The lab as the tests see it: hosts to make, firewalls to set, checks to run."""

import functools
import os
import shutil
import tempfile
from collections.abc import Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

from . import daemons
from .firewall import Firewall
from .netns import PREFIX, Namespace
from .pki import Pki
from .runs import Run, run_check
from .scripted import Behaviour, Scripted
from .topology import RESOLVER_V4, RESOLVER_V6, Host, Place, Topology
from .zone import Zone

REAL_DOMAIN = "real.test"
_AT_ONCE = 6
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


class World:
    """One lab: Postfix and Dovecot answer at every address of the farm, scripted servers where a test puts them."""

    def __init__(self) -> None:
        # Short, for Unix sockets stand below it; open to all, for Postfix and Dovecot give up root.
        self.folder = Path(tempfile.mkdtemp(prefix=f"{PREFIX}-{os.getpid()}-"))
        self.folder.chmod(0o755)
        self._daemons: list[daemons.Daemon] = []
        self._scripted: list[Scripted] = []
        self._pool = ThreadPoolExecutor(_AT_ONCE)
        self.zone = Zone()
        self.pki = Pki(self.folder)
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
        self.at_farm = Firewall(self.topology.farm)
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

    def write_policy(self, name: str, more: str = "") -> Path:
        """A policy file with the lab's root; `more` is further TOML in front."""
        path = self.folder / name
        path.write_text(more + _POLICY.format(roots=self.pki.roots_file))
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
        servers = {port: Scripted(self.topology.other, host, port, behave) for port, behave in behaviours.items()}
        self._scripted += servers.values()
        return ScriptedHost(host, servers)

    @functools.cached_property
    def odd_certificate(self) -> Path:
        """A faultless certificate for every scripted host."""
        return self.pki.leaf("*.odd.test")

    # ---- checks

    def start(
        self, target: str, *flags: str, policy: Path | None = None, namespace: Namespace | None = None
    ) -> "Future[Run]":
        """Run a check, beside others; `result()` waits for it."""
        arguments = [target, "--jsonl", "--policy", str(policy or self.policy), *flags]
        return self._pool.submit(run_check, namespace or self.client, arguments)

    def check(self, target: str, *flags: str, policy: Path | None = None, namespace: Namespace | None = None) -> Run:
        """Run a check to its end."""
        return self.start(target, *flags, policy=policy, namespace=namespace).result()

    def close(self) -> None:
        self._pool.shutdown(wait=False, cancel_futures=True)
        for machine in (self.topology.client, self.topology.client_v4_only, self.topology.client_offline):
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


class ScriptedHost:
    """A scripted host: its name for targets, and its servers by port."""

    def __init__(self, host: Host, servers: dict[int, Scripted]) -> None:
        self.host = host
        self.name = host.name
        self.servers = servers
