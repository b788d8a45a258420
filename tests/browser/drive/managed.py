"""A machine of an organisation, for one browser: folders laid over this machine's in a mount namespace of its own, and
a server on loopback from which browsers are to take the extension.
"""

import base64
import http.server
import json
import os
import shutil
import subprocess
import threading
import zipfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from .process import temporary

# Overlays: what is not in the upper folder is this machine's own.
LAID_OVER = ("/etc", "/usr/lib/mozilla")
UPDATE = """<?xml version="1.0" encoding="UTF-8"?>
<gupdate xmlns="http://www.google.com/update2/response" protocol="2.0">
  <app appid="{id}"><updatecheck codebase="{url}" version="{version}"/></app>
</gupdate>
"""


class Desk:
    """`root` is what lies over this machine's own files, for the browser alone."""

    def __init__(self, directory: Path) -> None:
        self.root = directory / "over"
        self._work = directory / "work"
        for place in LAID_OVER:
            self.over(place).mkdir(parents=True)
            (self._work / place.lstrip("/")).mkdir(parents=True)

    def over(self, place: str) -> Path:
        return self.root / place.lstrip("/")

    def command(self, command: Sequence[str]) -> list[str]:
        """The command, with the folders laid over."""
        mounts = [
            f'mount -t overlay overlay -o "lowerdir={place},upperdir={self.over(place)},'
            f'workdir={self._work / place.lstrip("/")}" {place}'
            for place in LAID_OVER
            if Path(place).is_dir()
        ]
        return ["unshare", "--mount", "sh", "-c", " && ".join([*mounts, 'exec "$@"']), "sh", *command]


def can_lay_over(directory: Path) -> bool:
    """Whether this machine lets folders be laid over others, which needs root and a kernel with overlays."""
    desk = Desk(directory / "trial")
    return subprocess.run(desk.command(["true"]), capture_output=True, check=False).returncode == 0  # noqa: S603


def with_own_key(extension: Path, directory: Path) -> tuple[Path, Path]:
    """A copy of the extension that an organisation signs itself, and its key."""
    copy, key = directory / "extension", directory / "key.pem"
    shutil.copytree(extension, copy)
    private = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    encoding, kind = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
    key.write_bytes(private.private_bytes(encoding, kind, serialization.NoEncryption()))
    public = private.public_key().public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    manifest = json.loads((copy / "manifest.json").read_text())
    manifest["key"] = base64.b64encode(public).decode()
    (copy / "manifest.json").write_text(json.dumps(manifest))
    return copy, key


def pack_crx(executable: str, extension: Path, key: Path, directory: Path) -> Path:
    """As Chromium itself packs it."""
    subprocess.run(  # noqa: S603
        [
            executable,
            *("--headless", "--no-sandbox", f"--user-data-dir={directory / 'packing'}"),
            *(f"--pack-extension={extension}", f"--pack-extension-key={key}"),
        ],
        env={**os.environ, "TMPDIR": temporary(directory)},
        capture_output=True,
        check=False,
        timeout=120,
    )
    crx = extension.with_suffix(".crx")
    assert crx.exists(), "Chromium did not pack the extension"
    return crx


def pack_xpi(extension: Path, directory: Path) -> Path:
    """Unsigned: what an organisation's signature would be is not what is tested."""
    path = directory / "poterne.xpi"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for file in sorted(extension.rglob("*")):
            if file.is_file():
                archive.write(file, file.relative_to(extension))
    return path


@contextmanager
def serving(folder: Path) -> Iterator[str]:
    """The address on loopback at which the folder's files are had."""

    class Handler(http.server.SimpleHTTPRequestHandler):
        extensions_map = {  # noqa: RUF012 (as in the class itself)
            **http.server.SimpleHTTPRequestHandler.extensions_map,
            ".crx": "application/x-chrome-extension",
            ".xpi": "application/x-xpinstall",
            ".xml": "text/xml",
        }

        def __init__(self, *args: object, **kwargs: object) -> None:
            super().__init__(*args, directory=str(folder), **kwargs)  # type: ignore[arg-type]

        def log_message(self, format: str, *args: object) -> None:
            return

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()
