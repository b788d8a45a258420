"""An organisation's own policies, in every form that Chromium reads, on a machine of the tests."""

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from poterne.install import policy_files
from poterne.install.deployment import Written
from poterne.install.machine import Machine
from poterne.policy import Policy
from poterne.policy.organisation import Deploy

ID = "ldljdgonginjcecciikejojdelbhpkli"
FIREFOX = "poterne@poterne.org"
CHROME, CHROMIUM, EDGE = (f"/etc/{name}/policies/managed" for name in ("opt/chrome", "chromium", "opt/edge"))
LEDGER = "/usr/local/lib/poterne/policies.json"
ALLOWED = '"NativeMessagingAllowlist": ["com.other"]'
OTHERS = '"ExtensionSettings": {"*": {"installation_mode": "blocked"}}'
URL = "https://intranet.example.org/update.xml"
Put = Callable[[Path], None]


def text(name: str, content: str, mode: int = 0o644) -> Put:
    def put(folder: Path) -> None:
        (folder / name).write_text(content, encoding="utf-8", newline="")
        (folder / name).chmod(mode)

    return put


def link(name: str, content: str) -> Put:
    def put(folder: Path) -> None:
        real = folder.parents[3] / "srv" / "policies" / "real.json"
        real.parent.mkdir(parents=True, exist_ok=True)
        real.write_text(content, encoding="utf-8")
        (folder / name).symlink_to(os.path.relpath(real, folder))

    return put


def group(name: str, content: str) -> Put:
    def put(folder: Path) -> None:
        text(name, content, 0o640)(folder)
        if os.geteuid() == 0:
            os.chown(folder / name, 0, 33)

    return put


def several(*puts: Put) -> Put:
    def put(folder: Path) -> None:
        for each in puts:
            each(folder)

    return put


FORMS: dict[str, Put] = {
    "commented": text("org.json", f"// ours\r\n{{ {ALLOWED}, /* all */ {OTHERS} // end\r\n}}"),
    "trailing comma": text("org.json", f"\ufeff{{{ALLOWED}, {OTHERS}, // end\n}}"),
    "no suffix": text("org", f"{{{ALLOWED}, {OTHERS}}}"),
    "backup file": several(text("org.json", f"{{{OTHERS}}}"), text("org.json~", f"{{{ALLOWED}}}")),
    "symlink": link("org.json", f"{{{ALLOWED}, {OTHERS}}}"),
    "0640": group("org.json", f"{{{ALLOWED}, {OTHERS}}}"),
    "one key twice": several(text("a.json", f"{{{ALLOWED}, {OTHERS}}}"), text("z.json", f"{{{ALLOWED}}}")),
    "hidden, and beside poterne.json": several(text(".org", f"{{{OTHERS}}}"), text("zz", f"{{{ALLOWED}}}")),
}


def asked(**deploy: Any) -> Policy:
    return Policy(deploy=Deploy(update_url=URL, **deploy))


def put(here: Machine, directory: str, form: Put) -> Path:
    folder = here.place(directory)
    folder.mkdir(parents=True)
    form(folder)
    return folder


def state(root: Path) -> dict[str, Any]:
    """Everything of a tree but times."""
    found: dict[str, Any] = {}
    for path in sorted(root.rglob("*")):
        status = path.lstat()
        data = path.read_bytes() if path.is_file() and not path.is_symlink() else None
        to = str(path.readlink()) if path.is_symlink() else None
        attributes = {} if to else {name: os.getxattr(path, name) for name in os.listxattr(path)}
        found[str(path)] = (status.st_mode, status.st_uid, status.st_gid, data, to, attributes)
    return found


def effective(folder: Path) -> dict[str, Any]:
    """As Chromium reads a folder."""
    said: dict[str, Any] = {}
    for path in policy_files.listing(folder):
        said |= policy_files.understand(path.read_bytes(), policy_files.chromium, path)
    return said


def notes(done: list[Written]) -> list[str]:
    return [f"{entry.path.name}: {line}" for entry in done for line in entry.kept]


def prepared(here: Machine) -> None:
    put(here, CHROME, FORMS["one key twice"])
    put(here, CHROMIUM, FORMS["symlink"])


def host(here: Machine, folder: Path, name: str) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{name}.json").write_text(json.dumps({"name": name}))
    return folder / f"{name}.json"
