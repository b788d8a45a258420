"""NSD as Debian ships it: an authoritative server for `test.`, with every kind of record that a zone file can hold."""

from pathlib import Path

from . import daemons
from .netns import Namespace

_CONFIG = """
server:
    ip-address: {address}
    username: ""
    chroot: ""
    zonesdir: "{folder}"
    database: ""
    pidfile: "{folder}/nsd.pid"
    xfrdfile: "{folder}/xfrd.state"
    zonelistfile: "{folder}/zone.list"
    xfrdir: "{folder}"
    logfile: "{folder}/nsd.log"
    server-count: 1
    hide-version: yes
remote-control:
    control-enable: no
zone:
    name: "test"
    zonefile: "test.zone"
"""
_HEAD = "$ORIGIN test.\n$TTL 60\n@ SOA ns hostmaster 1 60 60 60 60\n@ NS ns\n"


def start_nsd(namespace: Namespace, folder: Path, address: str, records: str) -> daemons.Daemon:
    """Answers at an address of the namespace. `records` are lines of the zone file `test.`: names without a last dot
    stand below `test.`.
    """
    nsd = daemons._find("nsd", "nsd")
    home = folder / "nsd"
    home.mkdir()
    (home / "test.zone").write_text(f"{_HEAD}ns A {address}\n{records}\n")
    config = home / "nsd.conf"
    config.write_text(_CONFIG.format(address=address, folder=home))
    daemon = daemons.Daemon(namespace, [nsd, "-d", "-c", str(config)], home / "nsd.log")
    try:
        daemon.wait_for(namespace, 53)
    except BaseException:
        daemon.stop()
        raise
    return daemon
