"""What is handed out, on a desk: the files of the Debian package, the self-hosted packages by policy, users' hosts
forbidden.
"""

import base64
import json
import re
import shutil
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest
from tests.packages.making import EPOCH, call, make, only

from manifests.packages import extension, keys, selfhosted

from .conftest import Lab
from .drive.hosts import HELLO, ScriptedHost
from .drive.managed import Desk, can_lay_over, serving
from .drive.page import Browser, until
from .drive.popup import Popup
from .drive.process import is_root

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not is_root(), reason="only root can lay folders over those of the machine"),
]
FIREFOX_ID = "poterne@it.example.org"
POLICY = "/etc/poterne/policy.toml"
# Nobody outside is asked for comparison.
RULES = {
    "hosts": "hosts = []",
    "portal": 'portal = ""',
    "ports": "ports = [587]",
}


class Installed(Desk):
    """A machine with the files of a package laid over its own."""

    places = ("/etc", "/usr/bin", "/usr/lib", "/usr/share")

    def __init__(self, directory: Path, tree: Path) -> None:
        super().__init__(directory)
        shutil.copytree(tree, self.root, symlinks=True, dirs_exist_ok=True)

    def command(self, command: Sequence[str]) -> list[str]:
        mounts = [f'mount -t overlay overlay -o "lowerdir={self.over(place)}:{place}" {place}' for place in self.places]
        return ["unshare", "--mount", "sh", "-c", " && ".join([*mounts, 'exec "$@"']), "sh", *command]


@dataclass(frozen=True)
class Organisation:
    """Its key, and the package that was made for the ids of that key."""

    key: Path
    tree: Path
    ids: Mapping[str, str]


@pytest.fixture(scope="module")
def organisation(tmp_path_factory: pytest.TempPathFactory) -> Organisation:
    folder = tmp_path_factory.mktemp("organisation")
    key = folder / "extension.pem"
    ids = {"chromium": keys.chromium_id(keys.public(keys.load_or_make(key))), "firefox": FIREFOX_ID}
    (folder / "ids.json").write_text(json.dumps(ids))
    make("deb", folder, folder / "work", "--ids", folder / "ids.json")
    call("dpkg-deb", "--extract", only(folder, "*.deb"), folder / "tree")
    return Organisation(key, folder / "tree", ids)


@pytest.fixture
def desk(lab: Lab, organisation: Organisation) -> Desk:
    folder = lab.directory()
    if not can_lay_over(folder):
        pytest.skip("no overlays can be mounted here")
    return Installed(folder / "desk", organisation.tree)


@pytest.fixture
def browser(lab: Lab, family: str, organisation: Organisation, desk: Desk) -> Iterator[Browser]:
    folder = lab.directory()
    with serving(folder) as address:
        made = selfhosted.make(address, organisation.key, EPOCH, firefox_id=FIREFOX_ID)
        for name, data in made.items():
            (folder / name).write_bytes(data)
        assert json.loads(made["ids.json"]) == organisation.ids
        policy = desk.over(POLICY)
        text = policy.read_text()
        for name, line in RULES.items():
            text = re.sub(rf"^#{name} = .*$", line, text, count=1, flags=re.M)
        policy.write_text(text.replace("[deploy]\n", made["deploy.toml"].decode()))
        told = folder / "told"
        call(*desk.command(["poterne", "policy", "generate", "--output", str(told)]))
        shutil.copytree(told / "linux", desk.root, dirs_exist_ok=True)
        # Else what is installed by policy may not be looked into, by this test either.
        (desk.over("/etc/chromium/policies/managed") / "test.json").write_text('{"DeveloperToolsAvailability": 1}')
        yield lab.browser(family, extension=unpacked(folder / "unpacked", organisation), desk=desk)


def unpacked(folder: Path, organisation: Organisation) -> Path:
    """What the drivers learn the ids from."""
    folder.mkdir()
    manifest = extension.manifest("firefox", firefox_id=FIREFOX_ID)
    manifest["key"] = base64.b64encode(keys.public(keys.load_or_make(organisation.key))).decode()
    (folder / "manifest.json").write_text(json.dumps(manifest))
    return folder


def test_a_desk_with_the_package(browser: Browser, desk: Desk, lab: Lab) -> None:
    intruder = ScriptedHost(lab.directory(), {"hello": HELLO})
    if browser.family == "chromium":
        intruder.register(browser)
    popup = Popup(browser.open_popup())

    popup.check("127.0.0.1:587")

    assert popup.problem is None
    assert popup.verdict is not None
    assert [(row["host"], row["port"]) for row in popup.endpoints()] == [("127.0.0.1", "587")]
    assert intruder.pids() == []

    popup.ask("127.0.0.1:25")
    until(lambda: popup.refusals, "a refusal")
    assert "allow.ports" in popup.refusals[0]

    examined = subprocess.run(  # noqa: S603
        desk.command(["poterne", "doctor", "--browser", browser.family]), capture_output=True, text=True, check=False
    )
    assert examined.returncode == 0, examined.stdout
    assert "/usr/lib/poterne/poterne-host" in examined.stdout
