"""The real Roundcube of Debian's packages, under PHP's own web server: unpacked into a folder, installed nowhere."""

import os
import re
import shutil
import sqlite3
import subprocess
import urllib.request
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path

from .page import until
from .process import Process

PACKAGES = ("roundcube-core", "roundcube-sqlite3", "php-cli", "php-sqlite3")
MODULES = (
    *("pdo", "mbstring", "intl", "sqlite3", "pdo_sqlite", "iconv", "ctype", "dom", "xml", "simplexml", "tokenizer"),
    *("fileinfo", "phar", "exif"),
)
# Its own folders, which Debian's files name from the root.
_PLACES = re.compile(rb"""(?<=['"])/(?:var/lib|etc|usr/share|var/log)/roundcube""")


class UnavailableError(Exception):
    """The packages cannot be had here."""


def _run(*command: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=240)  # noqa: S603
    if done.returncode:
        raise UnavailableError(f"{' '.join(command[:3])} …: {(done.stderr or done.stdout).strip()[-300:]}")


def _unpack(folder: Path) -> Path:
    if shutil.which("apt-get") is None or shutil.which("dpkg") is None:
        raise UnavailableError("no apt-get here")
    archives, root = folder / "archives", folder / "root"
    (archives / "partial").mkdir(parents=True)
    root.mkdir()
    # Nothing is installed, so nobody's lock is taken.
    options = ("-o", f"Dir::Cache::archives={archives}", "-o", "Debug::NoLocking=1", "-o", "APT::Sandbox::User=root")
    _run("apt-get", "install", *options, "--yes", "--no-install-recommends", "--download-only", *PACKAGES)
    for archive in archives.glob("*.deb"):
        _run("dpkg", "--extract", str(archive), str(root))
    return root


def _settle(root: Path) -> None:
    """Leads what points to the root of the machine into the folder."""
    for link in [path for path in root.rglob("*") if path.is_symlink()]:
        target = str(link.readlink())
        if target.startswith(("/etc/roundcube", "/usr/share/", "/var/")):
            link.unlink()
            link.symlink_to(f"{root}{target}")
    for top in ("usr/share/roundcube", "etc/roundcube"):
        for file in (root / top).rglob("*.php"):
            if not file.is_symlink():
                code = file.read_bytes()
                file.write_bytes(_PLACES.sub(lambda match: str(root).encode() + match[0], code))


@contextmanager
def roundcube(folder: Path, *, smtp_host: str) -> Iterator[str]:
    """The address of its web site, without a slash at the end. Raises UnavailableError."""
    root = _unpack(folder)
    _settle(root)
    public = root / "var/lib/roundcube/public_html"
    (public / "installer").symlink_to(root / "usr/share/roundcube/installer")
    logs, temporary, database = root / "var/log/roundcube", folder / "tmp", folder / "roundcube.db"
    logs.mkdir(parents=True, exist_ok=True)
    temporary.mkdir()
    with closing(sqlite3.connect(database)) as connection:
        connection.executescript((root / "usr/share/roundcube/SQL/sqlite.initial.sql").read_text())
    (root / "etc/roundcube/config.inc.php").write_text(f"""<?php
$config['db_dsnw'] = 'sqlite:///{database}?mode=0600';
$config['imap_host'] = '';
$config['smtp_host'] = '{smtp_host}';
$config['enable_installer'] = true;
$config['des_key'] = 'of-no-use-of-no-use-of-n';
$config['log_dir'] = '{logs}/';
$config['temp_dir'] = '{temporary}/';
""")
    [modules] = (root / "usr/lib/php").glob("20*")
    wanted = [f"extension={name}" for name in MODULES if (modules / f"{name}.so").exists()]
    settings = folder / "php.ini"
    lines = [f"extension_dir={modules}", f"include_path=.:{root}/usr/share/php", f"session.save_path={temporary}"]
    settings.write_text("\n".join([*lines, "date.timezone=UTC", *wanted, ""]))
    [php] = (root / "usr/bin").glob("php[0-9]*")
    log = folder / "php.log"
    [libraries] = (root / "usr/lib").glob("*-linux-gnu*")
    environment = {**os.environ, "LD_LIBRARY_PATH": str(libraries), "PHP_INI_SCAN_DIR": ""}
    server = Process(
        [str(php), "-c", str(settings), "-S", "127.0.0.1:0", "-t", str(public)], log=log, environment=environment
    )
    try:

        def address() -> str | None:
            match = re.search(r"\((http://127\.0\.0\.1:\d+)\) started", log.read_text())
            return match[1] if match else None

        site = until(address, f"PHP to serve: {server.last_words()}", within=20)
        assert site is not None

        def answers() -> bool:
            with suppress(OSError):
                return b"roundcube" in urllib.request.urlopen(site, timeout=20).read().lower()  # noqa: S310
            return False

        until(answers, "Roundcube to answer", within=30)
        yield site
    finally:
        server.end()
