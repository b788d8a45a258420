import json
import os
import re
import shutil
import struct
import subprocess
from pathlib import Path

import pytest

from manifests.packages import dpkg, place
from manifests.packages.place import ROOT

from .making import call, make, only
from .rootfs import USER, Root, mirror

pytestmark = pytest.mark.slow
HOME = "/home/somebody"
POLICY = "/etc/poterne/policy.toml"


@pytest.fixture(scope="module")
def minimal(tmp_path_factory: pytest.TempPathFactory) -> Root:
    if os.geteuid() != 0:
        pytest.skip("debootstrap and chroot take root")
    for tool in ("debootstrap", "unshare", "ip"):
        if shutil.which(tool) is None:
            pytest.skip(f"no {tool} here: `make packagers` installs it")
    found = mirror()
    if found is None:
        pytest.skip("apt knows no Debian mirror here")
    made = Root.bootstrap(tmp_path_factory.mktemp("debian") / "root", *found)
    home = made.folder / HOME.lstrip("/")
    home.mkdir()
    os.chown(home, USER, USER)
    return made


@pytest.fixture
def debian(minimal: Root, tmp_path: Path) -> Root:
    return minimal.copy(tmp_path / "root")


def user(debian: Root, *command: str, given: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    return debian.run(*command, user=USER, home=HOME, given=given)


def older(deb: Path, folder: Path) -> Path:
    """The package as an earlier version, with a file that has gone since."""
    tree = folder / "older"
    call("dpkg-deb", "--raw-extract", deb, tree)
    control = tree / "DEBIAN" / "control"
    control.write_text(control.read_text().replace(f"Version: {place.version()}", "Version: 0.0.1"))
    (tree / "usr" / "lib" / "poterne" / "_internal" / "gone.pyc").write_bytes(b"")
    made = folder / "poterne_0.0.1.deb"
    call("dpkg-deb", "--root-owner-group", "-Znone", "--build", tree, made)
    shutil.rmtree(tree)
    return made


def test_the_machine_has_no_python(minimal: Root) -> None:
    assert not [path for path in minimal.contents() if re.search(r"bin/python|libpython", path)]


def test_it_installs_answers_and_goes_without_a_trace(debian: Root, deb: Path) -> None:
    before = debian.contents()

    package = debian.take(deb)
    debian.must("dpkg", "--install", package)
    debian.leave(package)
    installed = debian.contents()
    asked = user(debian, "poterne", "--version")
    shown = user(debian, "poterne", "demo")
    examined = user(debian, "poterne", "doctor", "--browser", "chromium", "--browser", "firefox")
    assert (asked.returncode, asked.stdout.decode()) == (0, f"poterne {place.version()}\n")
    assert shown.returncode == 0, shown.stderr
    assert b"port 25" in shown.stdout
    assert examined.returncode == 0, examined.stdout
    assert examined.stdout.count(b": ok: ") == 2
    assert debian.must("dpkg", "--verify", "poterne") == ""
    assert debian.contents() == installed, "running it wrote something"

    debian.must("dpkg", "--remove", "poterne")
    assert debian.named("poterne") == {"etc/poterne", "etc/poterne/policy.toml"}
    debian.must("dpkg", "--purge", "poterne")
    assert debian.contents() == before
    assert debian.run("dpkg-query", "--show", "poterne").returncode != 0


def test_every_browser_of_the_table_finds_a_host_that_says_hello(debian: Root, deb: Path) -> None:
    debian.must("dpkg", "--install", debian.take(deb))

    assert {f"/{path}" for path in dpkg.registrations()} >= {
        "/etc/chromium/native-messaging-hosts/org.poterne.host.json",
        "/etc/opt/chrome/native-messaging-hosts/org.poterne.host.json",
        "/usr/lib/mozilla/native-messaging-hosts/org.poterne.host.json",
    }
    ids = json.loads((ROOT / "manifests" / "ids.json").read_text())
    for path, family in dpkg.registrations().items():
        manifest = json.loads(user(debian, "cat", f"/{path}").stdout)
        listed = manifest["allowed_origins"] if family == "chromium" else manifest["allowed_extensions"]
        assert listed == [f"chrome-extension://{ids['chromium']}/" if family == "chromium" else ids["firefox"]]
        said = user(debian, manifest["path"], listed[0])
        (length,) = struct.unpack("=I", said.stdout[:4])
        assert json.loads(said.stdout[4 : 4 + length]) == {
            "type": "hello",
            "protocol": 1,
            "version": place.version(),
        }


def test_the_policy_file_binds_and_outlives_an_upgrade(debian: Root, deb: Path, tmp_path: Path) -> None:
    debian.must("dpkg", "--install", debian.take(older(deb, tmp_path)))
    file = debian.folder / POLICY.lstrip("/")
    assert user(debian, "poterne", "check", "127.0.0.1:25", "--no-trace").returncode in (0, 1)
    changed = re.sub(r"^#ports = .*$", "ports = [587]", file.read_text(), flags=re.M)
    assert changed != file.read_text()
    file.write_text(changed)

    debian.must("dpkg", "--install", debian.take(deb))

    assert file.read_text() == changed
    assert debian.must("dpkg-query", "--show", "--showformat", "${Version}", "poterne") == place.version()
    assert not (debian.folder / "usr/lib/poterne/_internal/gone.pyc").exists()
    refused = user(debian, "poterne", "check", "127.0.0.1:25")
    assert refused.returncode == 3
    assert b"25" in refused.stderr
    debian.must("dpkg", "--purge", "poterne")
    assert debian.named("poterne") == set()


def test_what_an_administrator_had_it_write_goes_with_it(debian: Root, deb: Path) -> None:
    org = debian.folder / "etc/chromium/policies/managed/org"
    org.parent.mkdir(parents=True)
    org.write_text('{ "NativeMessagingAllowlist": ["com.other"], // ours\n}')
    org.chmod(0o640)
    before = debian.contents()
    package = debian.take(deb)
    debian.must("dpkg", "--install", package)
    debian.leave(package)
    installed = debian.contents()
    browsers = ("--browser", "chromium", "--browser", "firefox")
    debian.must("poterne", "install", "--system", *browsers)
    debian.must("poterne", "policy", "generate", "--write", *browsers)
    written = debian.contents()
    assert any("policies" in path for path in written.keys() - installed.keys())
    assert "org.poterne.host" in org.read_text()

    debian.must("dpkg", "--purge", "poterne")

    assert debian.contents() == before


def test_a_user_cannot_change_what_the_administrator_decided(debian: Root, deb: Path) -> None:
    debian.must("dpkg", "--install", debian.take(deb))

    for path in (POLICY, "/usr/lib/poterne/poterne", *(f"/{path}" for path in dpkg.registrations())):
        assert user(debian, "test", "-w", path).returncode == 1, path
        assert user(debian, "test", "-r", path).returncode == 0, path
    for path in ("/usr/lib/poterne", "/etc/poterne"):
        assert user(debian, "test", "-w", path).returncode == 1, path


def test_it_depends_on_what_every_debian_has(deb: Path) -> None:
    told = call("dpkg-deb", "--field", deb, "Depends")
    assert {re.sub(r" .*", "", name.strip()) for name in told.split(",")} == {"ca-certificates", "libc6", "zlib1g"}


def test_lintian_finds_nothing_and_every_override_says_why(deb: Path) -> None:
    if shutil.which("lintian") is None:
        pytest.skip("no lintian here: `make packagers` installs it")
    assert call("lintian", "--allow-root", "--display-info", "--fail-on", "error,warning,info", deb) == ""
    for chapter in (dpkg.DATA / "lintian-overrides").read_text().strip().split("\n\n"):
        lines = chapter.splitlines()
        assert lines[0].startswith("# "), chapter
        assert lines[-1].startswith("poterne: "), chapter


def test_the_same_source_gives_the_same_bytes(deb: Path, tmp_path: Path) -> None:
    elsewhere = tmp_path / "quite" / "another" / "place"
    make("deb", tmp_path / "dist", elsewhere, TZ="Pacific/Auckland", LC_ALL="C", HOME=str(tmp_path))

    assert only(tmp_path / "dist", "*.deb").read_bytes() == deb.read_bytes()


def test_the_ids_of_an_administrators_key_are_those_that_may_call(deb: Path, tmp_path: Path, work: Path) -> None:
    ids = {"chromium": "abcdefghijklmnop" * 2, "firefox": "poterne@it.example.org"}
    (tmp_path / "ids.json").write_text(json.dumps(ids))
    make("deb", tmp_path / "dist", tmp_path / "work", "--ids", tmp_path / "ids.json")

    tree = tmp_path / "tree"
    call("dpkg-deb", "--extract", only(tmp_path / "dist", "*.deb"), tree)
    shown = tree / "usr/share/poterne/native-messaging-hosts"
    chromium, firefox = (json.loads((shown / f"{family}.json").read_text()) for family in ("chromium", "firefox"))
    assert chromium["allowed_origins"] == [f"chrome-extension://{ids['chromium']}/"]
    assert firefox["allowed_extensions"] == [ids["firefox"]]
    assert json.loads((tree / "usr/lib/poterne/_internal/poterne/install/ids.json").read_text()) == ids


def test_nobody_but_root_owns_or_changes_anything_in_it(deb: Path) -> None:
    listed = call("dpkg-deb", "--contents", deb).splitlines()
    assert listed
    for line in listed:
        mode, owner = line.split()[:2]
        assert owner == "root/root", line
        assert mode in ("drwxr-xr-x", "-rwxr-xr-x", "-rw-r--r--", "lrwxrwxrwx"), line
