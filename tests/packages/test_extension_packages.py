import hashlib
import io
import json
import os
import stat
import subprocess
import sys
import time
import zipfile
from collections.abc import Mapping
from pathlib import Path
from xml.etree import ElementTree

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
)

from manifests.packages import archive, crx, extension, keys, place, selfhosted
from manifests.packages.extension import FAMILIES, Family
from manifests.packages.place import EXTENSION, ROOT, PackageError
from poterne import policy

EPOCH = 1_700_000_000
BASE = "https://it.example.org/poterne"
CHROMIUM_ONLY = {"minimum_chrome_version", "service_worker"}
FIREFOX_ONLY = {"browser_specific_settings", "scripts"}


def run(*arguments: object, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(  # noqa: S603
        [sys.executable, "-m", "manifests.packages", *map(str, arguments)],
        cwd=ROOT,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
    )


def unpacked(data: bytes) -> zipfile.ZipFile:
    return zipfile.ZipFile(io.BytesIO(data))


def manifest_of(data: bytes) -> dict[str, object]:
    made: dict[str, object] = json.loads(unpacked(data).read("manifest.json"))
    return made


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, bytes]:
    return selfhosted.make(BASE, tmp_path_factory.mktemp("keys") / "extension.pem", EPOCH)


@pytest.fixture
def package(served: Mapping[str, bytes]) -> bytes:
    return served[f"poterne-{place.version()}.crx"]


@pytest.fixture
def addon(served: Mapping[str, bytes]) -> bytes:
    return served[f"poterne-{place.version()}.xpi"]


class TestZips:
    @pytest.mark.parametrize("family", FAMILIES)
    def test_what_the_stores_refuse_or_never_need_is_left_out(self, family: Family) -> None:
        files = extension.files(family)

        assert "key" not in json.loads(files["manifest.json"])
        assert "key" in extension.source()
        suffixes = {Path(name).suffix for name in files}
        assert suffixes <= {".js", ".json", ".css", ".html", ".png"}
        assert not any(part.startswith(".") for name in files for part in Path(name).parts)

    @pytest.mark.parametrize("family", FAMILIES)
    def test_every_file_but_those_is_there_unchanged(self, family: Family) -> None:
        files = extension.files(family)

        shipped = {path.relative_to(EXTENSION).as_posix() for path in EXTENSION.rglob("*") if path.is_file()}
        left_out = {name for name in shipped if name.endswith(".d.ts")} | {"icons/poterne.svg"}
        assert set(files) == shipped - left_out
        assert "types/messages.d.ts" in left_out
        for name, data in files.items():
            assert name == "manifest.json" or data == (EXTENSION / name).read_bytes()

    @pytest.mark.parametrize(("family", "foreign"), [("chromium", FIREFOX_ONLY), ("firefox", CHROMIUM_ONLY)])
    def test_a_manifest_holds_nothing_of_the_other_family(self, family: Family, foreign: set[str]) -> None:
        made = extension.manifest(family)

        assert not foreign & {*made, *made["background"]}
        rest = {*extension.source(), *extension.source()["background"]} - foreign - {"key"}
        assert rest == {*made, *made["background"]}

    def test_the_same_files_give_the_same_bytes_at_any_time_in_any_folder(self, tmp_path: Path) -> None:
        for name, zone in (("one", "Pacific/Auckland"), ("two", "America/Bogota")):
            made = run("zips", "--dist", tmp_path / name, SOURCE_DATE_EPOCH=str(EPOCH), TZ=zone)
            assert made.returncode == 0, made.stderr

        one, two = ({path.name: path.read_bytes() for path in (tmp_path / name).iterdir()} for name in ("one", "two"))
        assert one == two
        version = place.version()
        assert set(one) == {f"poterne-{version}-chromium.zip", f"poterne-{version}-firefox.zip"}

    def test_another_date_is_seen_in_every_entry_and_nowhere_else(self) -> None:
        files = {"b": b"b", "a/a": b"a"}
        first, second = (unpacked(archive.pack(files, epoch)) for epoch in (EPOCH, EPOCH + 86400))

        assert first.namelist() == ["a/a", "b"]
        assert [entry.date_time for entry in first.infolist()] == [time.gmtime(EPOCH)[:6]] * 2
        assert [entry.date_time for entry in second.infolist()] == [time.gmtime(EPOCH + 86400)[:6]] * 2
        assert {entry.external_attr >> 16 for entry in first.infolist()} == {stat.S_IFREG | 0o644}

    def test_a_date_before_zips_is_the_first_that_a_zip_can_say(self) -> None:
        assert unpacked(archive.pack({"a": b""}, 0)).infolist()[0].date_time == (1980, 1, 1, 0, 0, 0)

    @pytest.mark.parametrize("family", FAMILIES)
    def test_no_package_is_made_of_two_versions(self, family: Family, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(extension, "version", lambda: "9.9")
        with pytest.raises(PackageError, match=r"the program 9\.9"):
            extension.manifest(family)

    def test_a_wrong_date_is_refused(self, tmp_path: Path) -> None:
        made = run("zips", "--dist", tmp_path / "dist", SOURCE_DATE_EPOCH="yesterday")
        assert (made.returncode, made.stderr) == (1, "packages: SOURCE_DATE_EPOCH must be a whole number of seconds\n")


class TestCrx:
    def test_the_signature_is_good_and_the_id_is_the_keys(self, served: Mapping[str, bytes], package: bytes) -> None:
        identity, zipped = crx.unpack(package)

        assert identity == json.loads(served["ids.json"])["chromium"]
        assert json.loads(unpacked(zipped).read("manifest.json"))["update_url"] == f"{BASE}/update.xml"

    def test_the_id_follows_from_the_key_as_for_the_extension_itself(self) -> None:
        import base64

        public_key = base64.b64decode(extension.source()["key"])
        assert keys.chromium_id(public_key) == json.loads((ROOT / "manifests" / "ids.json").read_text())["chromium"]

    def test_a_changed_byte_is_noticed_wherever_it_is(self, package: bytes) -> None:
        _, zipped = crx.unpack(package)
        header = len(package) - len(zipped)
        for position in (0, 4, 8, 40, header - 8, header, len(package) - 1):
            changed = bytearray(package)
            changed[position] ^= 1
            with pytest.raises(PackageError):
                crx.unpack(bytes(changed))

    def test_the_same_key_gives_the_same_bytes_and_another_key_another_id(self, tmp_path: Path) -> None:
        key = tmp_path / "one.pem"
        assert selfhosted.make(BASE, key, EPOCH) == selfhosted.make(BASE, key, EPOCH)

        other = selfhosted.make(BASE, tmp_path / "two.pem", EPOCH)
        assert other["ids.json"] != selfhosted.make(BASE, key, EPOCH)["ids.json"]

    def test_chromium_is_told_where_it_is_and_what_it_hashes_to(
        self, served: Mapping[str, bytes], package: bytes
    ) -> None:
        space = {"u": "http://www.google.com/update2/response"}
        told = ElementTree.fromstring(served["update.xml"])  # noqa: S314

        assert told.tag == f"{{{space['u']}}}gupdate"
        assert told.get("protocol") == "2.0"
        (app,) = told.findall("u:app", space)
        (update,) = app.findall("u:updatecheck", space)
        assert app.get("appid") == json.loads(served["ids.json"])["chromium"]
        assert update.get("hash_sha256") == hashlib.sha256(package).hexdigest()
        assert update.get("size") == str(len(package))
        assert update.get("codebase") == f"{BASE}/poterne-{place.version()}.crx"
        assert update.get("version") == place.version()


class TestXpi:
    def test_it_is_the_firefox_package_with_its_update_url(self, addon: bytes) -> None:
        assert unpacked(addon).testzip() is None
        gecko = manifest_of(addon)["browser_specific_settings"]["gecko"]  # type: ignore[index]
        assert gecko["update_url"] == f"{BASE}/updates.json"
        assert gecko["id"] == json.loads((ROOT / "manifests" / "ids.json").read_text())["firefox"]

    def test_firefox_is_told_where_it_is_and_what_it_hashes_to(self, served: Mapping[str, bytes], addon: bytes) -> None:
        told = json.loads(served["updates.json"])

        (update,) = told["addons"][json.loads(served["ids.json"])["firefox"]]["updates"]
        assert update["update_hash"] == f"sha256:{hashlib.sha256(addon).hexdigest()}"
        assert update["update_link"] == f"{BASE}/poterne-{place.version()}.xpi"
        assert update["version"] == place.version()

    def test_an_id_of_ones_own_is_in_the_package_the_update_and_the_ids(self, tmp_path: Path) -> None:
        made = selfhosted.make(BASE, tmp_path / "key.pem", EPOCH, firefox_id="poterne@it.example.org")

        addon = made[f"poterne-{place.version()}.xpi"]
        assert manifest_of(addon)["browser_specific_settings"]["gecko"]["id"] == "poterne@it.example.org"  # type: ignore[index]
        assert list(json.loads(made["updates.json"])["addons"]) == ["poterne@it.example.org"]
        assert json.loads(made["ids.json"])["firefox"] == "poterne@it.example.org"

    def test_a_file_that_mozilla_signed_is_served_as_it_is(self, tmp_path: Path) -> None:
        signed = tmp_path / "signed.xpi"
        signed.write_bytes(b"signed by Mozilla")

        made = selfhosted.make(BASE, tmp_path / "key.pem", EPOCH, signed_xpi=signed)

        assert made[f"poterne-{place.version()}.xpi"] == b"signed by Mozilla"
        assert hashlib.sha256(b"signed by Mozilla").hexdigest().encode() in made["updates.json"]

    @pytest.mark.parametrize("identity", ["", "poterne", "a b@c", "{1}", "<@x>"])
    def test_what_firefox_would_refuse_is_no_id(self, identity: str, tmp_path: Path) -> None:
        with pytest.raises(PackageError, match="cannot be an id"):
            selfhosted.make(BASE, tmp_path / "key.pem", EPOCH, firefox_id=identity)
        assert not (tmp_path / "key.pem").exists()


class TestKey:
    def test_it_is_made_once_for_its_owner_alone(self, tmp_path: Path) -> None:
        path = tmp_path / "new" / "key.pem"
        first = keys.load_or_make(path)

        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert keys.public(keys.load_or_make(path)) == keys.public(first)

    def test_it_is_in_no_package(self, tmp_path: Path) -> None:
        path = tmp_path / "key.pem"
        made = selfhosted.make(BASE, path, EPOCH)

        secret = path.read_bytes().split(b"\n")[2]
        contents = [unpacked(crx.unpack(data)[1]) for name, data in made.items() if name.endswith(".crx")]
        held = [archive.read(name) for archive in contents for name in archive.namelist()]
        assert not any(secret in data for data in [*made.values(), *held])

    def test_the_default_is_never_committed(self) -> None:
        from manifests.packages.__main__ import KEY

        asked = subprocess.run(  # noqa: S603
            ["git", "check-ignore", KEY],  # noqa: S607
            cwd=ROOT,
            capture_output=True,
            check=False,
        )
        assert asked.returncode == 0

    def test_what_is_no_fit_key_is_refused_in_one_line(self, tmp_path: Path) -> None:
        path = tmp_path / "key.pem"
        pem = (Encoding.PEM, PrivateFormat.PKCS8)
        curve = ec.generate_private_key(ec.SECP256R1()).private_bytes(*pem, NoEncryption())
        locked = keys.load_or_make(tmp_path / "rsa.pem").private_bytes(*pem, BestAvailableEncryption(b"word"))
        for wrong in (b"", b"no key", curve, locked):
            path.write_bytes(wrong)
            with pytest.raises(PackageError) as refused:
                keys.load_or_make(path)
            assert str(path) in str(refused.value)
            assert path.read_bytes() == wrong


class TestDeploy:
    def test_browsers_policies_are_made_of_it(self, tmp_path: Path) -> None:
        made = selfhosted.make(BASE, tmp_path / "key.pem", EPOCH, firefox_id="poterne@it.example.org")
        file = tmp_path / "policy.toml"
        file.write_bytes(made["deploy.toml"])

        told = policy.load(file).deploy

        ids = json.loads(made["ids.json"])
        assert (told.chromium_id, told.firefox_id) == (ids["chromium"], ids["firefox"])
        assert (told.update_url, told.xpi_url) == (
            f"{BASE}/update.xml",
            f"{BASE}/poterne-{place.version()}.xpi",
        )


class TestWhereTheyAreServed:
    @pytest.mark.parametrize(
        "url",
        [
            "",
            "it.example.org",
            "http://it.example.org/",
            "https://",
            "https://user:word@it.example.org/",
            "https://it.example.org/?a",
            "https://it.example.org/#a",
            "https://it.example.org/a b",
            "https://it.example.org:port/",
            "https://[::1/",
            "file:///srv",
        ],
    )
    def test_only_a_folder_that_browsers_take_updates_from(self, url: str, tmp_path: Path) -> None:
        with pytest.raises(PackageError):
            selfhosted.make(url, tmp_path / "key.pem", EPOCH)
        assert not (tmp_path / "key.pem").exists()

    @pytest.mark.parametrize("url", ["http://127.0.0.1:8080", "http://localhost", "http://[::1]:8080/", BASE + "/"])
    def test_this_machine_and_any_closing_slash(self, url: str, tmp_path: Path) -> None:
        made = selfhosted.make(url, tmp_path / "key.pem", EPOCH)
        assert f'codebase="{url.rstrip("/")}/poterne-'.encode() in made["update.xml"]
        gecko = manifest_of(made[f"poterne-{place.version()}.xpi"])["browser_specific_settings"]["gecko"]  # type: ignore[index]
        assert gecko.get("update_url", "https:").startswith("https:"), "Firefox would not take it"

    def test_an_ampersand_does_not_break_the_xml(self, tmp_path: Path) -> None:
        made = selfhosted.make("https://it.example.org/a&b", tmp_path / "key.pem", EPOCH)
        told = ElementTree.fromstring(made["update.xml"])  # noqa: S314
        assert "a&b" in str(told[0][0].get("codebase"))

    def test_one_command_makes_them(self, tmp_path: Path) -> None:
        made = run("self-hosted", "--dist", tmp_path / "dist", "--key", tmp_path / "key.pem", "--base-url", BASE)
        assert made.returncode == 0, made.stderr
        version = place.version()
        assert {path.name for path in (tmp_path / "dist" / "self-hosted").iterdir()} == {
            f"poterne-{version}.crx",
            f"poterne-{version}.xpi",
            "deploy.toml",
            "ids.json",
            "update.xml",
            "updates.json",
        }

        unsaid = run("self-hosted", "--dist", tmp_path / "other", "--key", tmp_path / "other.pem")
        assert unsaid.returncode == 1
        assert unsaid.stderr.startswith("packages: say where")
        assert not (tmp_path / "other.pem").exists()


@pytest.mark.slow
def test_mozillas_linter_has_nothing_to_say_of_the_firefox_package(tmp_path: Path) -> None:
    lint = ROOT / "node_modules" / ".bin" / "web-ext"
    if not lint.exists():
        pytest.skip("`make setup` installs web-ext")
    for name, data in extension.files("firefox").items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(data)
    arguments = ("lint", "--source-dir", tmp_path, "--no-config-discovery", "--no-input", "--output", "json")
    done = subprocess.run([lint, *arguments], cwd=ROOT, capture_output=True, text=True, check=False)  # noqa: S603

    found = json.loads(done.stdout)
    assert [found[kind] for kind in ("errors", "warnings", "notices")] == [[], [], []]
