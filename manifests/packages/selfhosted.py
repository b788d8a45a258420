"""What an administrator serves from a web server of their own: two packages, and how browsers learn of newer ones."""

import hashlib
import ipaddress
import json
import re
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlsplit
from xml.sax.saxutils import quoteattr

from manifests.packages import archive, crx, extension, keys
from manifests.packages.place import PackageError, version
from poterne.policy.organisation import FIREFOX_ID


def make(
    base_url: str, key: Path, epoch: int, *, firefox_id: str | None = None, signed_xpi: Path | None = None
) -> dict[str, bytes]:
    """Every file by its name below `base_url`.

    The key is made where there is none. `signed_xpi` is the XPI as Mozilla gave it back, of which `updates.json` then
    tells. Raises PackageError.
    """
    base = _base(base_url)
    if firefox_id is not None and not re.fullmatch(FIREFOX_ID, firefox_id):
        raise PackageError(f"{firefox_id!r} cannot be an id in Firefox: name@example.org, or a GUID in braces")
    private = keys.load_or_make(key)
    ids = {
        "chromium": keys.chromium_id(keys.public(private)),
        "firefox": firefox_id or extension.source()["browser_specific_settings"]["gecko"]["id"],
    }
    name = f"poterne-{version()}"
    package = crx.pack(archive.pack(extension.files("chromium", update_url=f"{base}/update.xml"), epoch), private)
    # Firefox takes no extension whose updates would come otherwise.
    updates = f"{base}/updates.json" if base.startswith("https:") else None
    files = extension.files("firefox", update_url=updates, firefox_id=firefox_id)
    addon = archive.pack(files, epoch) if signed_xpi is None else _read(signed_xpi)
    return {
        f"{name}.crx": package,
        "update.xml": _update_xml(ids["chromium"], f"{base}/{name}.crx", package),
        f"{name}.xpi": addon,
        "updates.json": _updates_json(ids["firefox"], f"{base}/{name}.xpi", addon),
        "ids.json": _json(ids),
        "deploy.toml": _deploy(ids, base, f"{name}.xpi"),
    }


def _base(url: str) -> str:
    """For a try on this very machine, http: will do."""
    try:
        parts = urlsplit(url)
        plain = parts.scheme == "http" and _is_loopback(parts.hostname or "")
        _ = parts.port
    except ValueError as error:
        raise PackageError(f"{url!r} is not a URL") from error
    if not (parts.scheme == "https" or plain) or not parts.hostname or parts.username or parts.query or parts.fragment:
        raise PackageError(f"{url!r}: an https:// URL of a folder is needed, where the packages will be served")
    if not re.fullmatch(r"[!-~]+", url):
        raise PackageError(f"{url!r}: a URL has printable ASCII characters only")
    return url.rstrip("/")


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _update_xml(identity: str, url: str, package: bytes) -> bytes:
    """What Chromium asks for (the Omaha protocol's reply, version 2)."""
    attributes = {
        "codebase": url,
        "version": version(),
        "hash_sha256": hashlib.sha256(package).hexdigest(),
        "size": str(len(package)),
        "prodversionmin": extension.source()["minimum_chrome_version"],
    }
    told = " ".join(f"{name}={quoteattr(value)}" for name, value in attributes.items())
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        '<gupdate xmlns="http://www.google.com/update2/response" protocol="2.0">\n'
        f"  <app appid={quoteattr(identity)}>\n"
        f"    <updatecheck {told}/>\n"
        "  </app>\n"
        "</gupdate>\n"
    ).encode("ascii")


def _updates_json(identity: str, url: str, addon: bytes) -> bytes:
    """What Firefox asks for."""
    update = {
        "version": version(),
        "update_link": url,
        "update_hash": f"sha256:{hashlib.sha256(addon).hexdigest()}",
        "applications": {
            "gecko": {
                "strict_min_version": extension.source()["browser_specific_settings"]["gecko"]["strict_min_version"]
            }
        },
    }
    return _json({"addons": {identity: {"updates": [update]}}})


def _deploy(ids: Mapping[str, str], base: str, addon: str) -> bytes:
    """The table of the policy file from which `poterne policy generate` makes browsers' policies."""
    told = {
        "chromium_id": ids["chromium"],
        "firefox_id": ids["firefox"],
        "update_url": f"{base}/update.xml",
        "xpi_url": f"{base}/{addon}",
    }
    # A JSON text of ASCII is a basic string of TOML too.
    return "".join(["[deploy]\n", *(f"{key} = {json.dumps(value)}\n" for key, value in told.items())]).encode("ascii")


def _json(value: object) -> bytes:
    return (json.dumps(value, indent=2) + "\n").encode("utf-8")


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise PackageError(f"{path}: {error.strerror or error}") from error
