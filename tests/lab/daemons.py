"""Postfix and Dovecot as Debian ships them, each with its own configuration, data and process ids.

Nothing of the system's own instances is read or written: every path of both stands in the lab's folder.
"""

import shutil
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path

from .netns import Namespace

_STOP_SECONDS = 5.0
_START_SECONDS = 20.0

_POSTFIX_MAIN = """
compatibility_level = 3.6
queue_directory = {folder}/queue
data_directory = {folder}/data
maillog_file = {folder}/log/postfix.log
maillog_file_prefixes = {folder}/log
myhostname = {name}
mydestination =
local_recipient_maps =
mynetworks = 127.0.0.0/8
inet_interfaces = all
inet_protocols = all
alias_maps =
alias_database =
smtpd_peername_lookup = no
smtpd_client_connection_count_limit = 0
smtpd_banner = $myhostname ESMTP Postfix
smtpd_tls_chain_files = {certificate}
smtpd_tls_security_level = may
smtpd_sasl_type = dovecot
smtpd_sasl_path = {auth_socket}
smtpd_relay_restrictions = permit_sasl_authenticated, reject_unauth_destination
"""
_POSTFIX_MASTER = """
25       inet  n - n - - smtpd
587      inet  n - n - - smtpd
  -o smtpd_tls_security_level=encrypt
  -o smtpd_tls_auth_only=yes
  -o smtpd_sasl_auth_enable=yes
465      inet  n - n - - smtpd
  -o smtpd_tls_wrappermode=yes
  -o smtpd_sasl_auth_enable=yes
rewrite  unix  - - n - - trivial-rewrite
tlsmgr   unix  - - n 1000? 1 tlsmgr
anvil    unix  - - n - 1 anvil
cleanup  unix  n - n - 0 cleanup
qmgr     unix  n - n 300 1 qmgr
proxymap unix  - - n - - proxymap
postlog  unix-dgram n - n - 1 postlogd
"""
_DOVECOT = """
base_dir = {folder}/run
state_dir = {folder}/state
log_path = {folder}/dovecot.log
instance_name = {folder}
protocols = imap pop3 sieve
listen = *, ::
ssl = required
ssl_cert = <{certificate}
ssl_key = <{certificate}
disable_plaintext_auth = yes
auth_mechanisms = plain login
mail_location = maildir:{folder}/mail/%u
login_greeting = Dovecot ready.
passdb {{
  driver = static
  args = nopassword=y
}}
userdb {{
  driver = static
  args = uid=65534 gid=65534 home={folder}/mail/%u
}}
service auth {{
  unix_listener {auth_socket} {{
    mode = 0666
  }}
}}
service managesieve-login {{
  inet_listener sieve {{
    port = 4190
  }}
}}
"""


class MissingDaemonError(RuntimeError):
    """A server that these tests need is not installed: they fail rather than pass without it."""


def _find(program: str, package: str) -> str:
    path = shutil.which(program, path="/usr/sbin:/usr/bin:/sbin:/bin")
    if not path:
        raise MissingDaemonError(f"{program} is not installed (Debian package {package}): tests/lab needs real servers")
    return path


class Daemon:
    """A server in the foreground of its namespace."""

    def __init__(self, namespace: Namespace, argv: Sequence[str], log: Path) -> None:
        self._log = log
        self._output = log.with_suffix(".output").open("wb")
        self._process = namespace.popen(argv, stdout=self._output, stderr=self._output)

    def wait_for(self, namespace: Namespace, *ports: int) -> None:
        """Wait until it listens on all these ports; what it logged is in the error where it does not."""
        deadline = time.monotonic() + _START_SECONDS
        while time.monotonic() < deadline and self._process.poll() is None:
            listening = namespace.run("ss", "-H", "-l", "-n", "-t")
            if all(f":{port} " in listening for port in ports):
                return
            time.sleep(0.05)
        log = self._log.read_text(errors="replace") if self._log.exists() else ""
        output = self._log.with_suffix(".output").read_text(errors="replace")
        raise RuntimeError(f"{self._process.args!r}: status {self._process.poll()}\n{output}\n{log}")

    def stop(self) -> None:
        self._process.terminate()
        try:
            self._process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._output.close()


def start_postfix(namespace: Namespace, folder: Path, name: str, certificate: Path, auth_socket: Path) -> Daemon:
    """Postfix on 25 and 587 (STARTTLS) and 465 (implicit TLS); AUTH on the latter two, inside TLS only."""
    postfix = _find("postfix", "postfix")
    home = folder / "postfix"
    for directory in ("queue", "data", "log", "etc"):
        (home / directory).mkdir(parents=True)
    shutil.chown(home / "data", "postfix")
    main = _POSTFIX_MAIN.format(folder=home, name=name, certificate=certificate, auth_socket=auth_socket)
    (home / "etc/main.cf").write_text(main)
    (home / "etc/master.cf").write_text(_POSTFIX_MASTER)
    daemon = Daemon(namespace, [postfix, "-c", str(home / "etc"), "start-fg"], home / "log/postfix.log")
    daemon.wait_for(namespace, 25, 465, 587)
    return daemon


def start_dovecot(namespace: Namespace, folder: Path, certificate: Path, auth_socket: Path) -> Daemon:
    """Dovecot on 143, 110 and 4190 (STARTTLS), 993 and 995 (implicit TLS)."""
    dovecot = _find("dovecot", "dovecot-imapd, dovecot-pop3d, dovecot-managesieved")
    home = folder / "dovecot"
    for directory in ("run", "state", "mail"):
        (home / directory).mkdir(parents=True)
    config = home / "dovecot.conf"
    config.write_text(_DOVECOT.format(folder=home, certificate=certificate, auth_socket=auth_socket))
    daemon = Daemon(namespace, [dovecot, "-F", "-c", str(config)], home / "dovecot.log")
    daemon.wait_for(namespace, 143, 993, 110, 995, 4190)
    return daemon
