"""An organisation's own policies, in every form that Chromium reads, through `generate --write` and `remove`."""

import json
import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.unit.setup_machines import machine

from poterne.errors import InvalidRequest, SetupError
from poterne.organisation import Deploy, Organisation
from poterne.policy import Policy
from poterne.setup import deployment, policy_files
from poterne.setup.deployment import Written
from poterne.setup.machine import Machine
from poterne.setup.other_hosts import OtherHost

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="only Linux has files of policies")
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


@pytest.fixture
def here(tmp_path: Path) -> Machine:
    made = machine(tmp_path)
    # As it is on every machine.
    made.place("/usr/local/lib").mkdir(parents=True)
    return made


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


@pytest.mark.parametrize("directories", [(CHROME,), (CHROME, CHROMIUM, EDGE)], ids=["one", "three"])
@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
def test_every_form_is_merged_into_and_given_back(here: Machine, form: Put, directories: tuple[str, ...]) -> None:
    folders = [put(here, directory, form) for directory in directories]
    before, said = state(here.root), [effective(folder) for folder in folders]
    names = [{CHROME: "chrome", CHROMIUM: "chromium", EDGE: "edge"}[directory] for directory in directories]

    deployment.apply(asked(), [*names, "firefox"], here)

    for folder, was in zip(folders, said, strict=True):
        now = effective(folder)
        assert now["NativeMessagingAllowlist"] == [*was["NativeMessagingAllowlist"], "org.poterne.host"]
        assert now["ExtensionSettings"].pop(ID)["installation_mode"] == "force_installed"
        assert now["ExtensionSettings"] == was["ExtensionSettings"]
        assert now.keys() == was.keys()
    for path, (mode, owner, mates, _, to, _) in before.items():
        status = Path(path).lstat()
        assert (status.st_mode, status.st_uid, status.st_gid) == (mode, owner, mates)
        assert to is None or str(Path(path).readlink()) == to
    after = state(here.root)
    deployment.apply(asked(), [*names, "firefox"], here)
    assert state(here.root) == after
    deployment.withdraw(here)
    assert state(here.root) == before


@pytest.mark.parametrize("content", ["{", "", f"{{{ALLOWED}, 'x': 1}}", "[1]"])
@pytest.mark.parametrize("name", ["org", "org.json", ".org.json~", "zz.dpkg-old", "poterne.json"])
def test_nothing_is_written_beside_what_cannot_be_understood(here: Machine, name: str, content: str) -> None:
    folder = put(here, CHROME, text(name, content))
    put(here, CHROMIUM, FORMS["commented"])
    before = state(here.root)

    with pytest.raises(SetupError) as refused:
        deployment.apply(asked(), ["chromium", "firefox", "chrome"], here)

    assert str(refused.value).startswith(f"{folder / name} cannot be understood (")
    assert str(refused.value).endswith("); nothing was written")
    assert state(here.root) == before


@pytest.mark.parametrize("kind", ["pipe", "dangling link", "folder in its place", "folder that is none"])
def test_nothing_is_written_beside_what_is_no_file(here: Machine, kind: str) -> None:
    folder = here.place(CHROME)
    folder.parent.mkdir(parents=True)
    if kind == "folder that is none":
        folder.write_text("")
    else:
        folder.mkdir()
    if kind == "pipe":
        os.mkfifo(folder / "org")
    elif kind == "dangling link":
        (folder / "org").symlink_to("gone")
    elif kind == "folder in its place":
        (folder / "poterne.json").mkdir()

    with pytest.raises(SetupError, match=f"^{folder}[^\n]*; nothing was written$"):
        deployment.apply(asked(), ["chrome"], here)
    assert not here.place("/usr/local/lib/poterne").exists()


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
@pytest.mark.parametrize("closed", ["org.json", "."])
def test_nothing_is_written_beside_what_may_not_be_read(here: Machine, closed: str) -> None:
    folder = put(here, CHROME, FORMS["commented"])
    (folder / closed).chmod(0)
    try:
        with pytest.raises(SetupError, match="Permission denied"):
            deployment.apply(asked(), ["chrome"], here)
    finally:
        (folder / closed).chmod(0o755)


def test_a_folder_of_two_browsers_is_one(here: Machine) -> None:
    folder = put(here, CHROME, FORMS["commented"])
    here.place("/etc/chromium/policies").mkdir(parents=True)
    here.place(CHROMIUM).symlink_to(folder)
    before = state(here.root)

    done = deployment.apply(asked(), ["chrome", "chromium"], here)

    assert [entry.path.name for entry in done] == ["org.json"]
    assert effective(folder)["NativeMessagingAllowlist"] == ["com.other", "org.poterne.host"]
    deployment.withdraw(here)
    assert state(here.root) == before


def test_another_policy_replaces_what_was_ours_and_leaves_what_is_theirs(here: Machine) -> None:
    folder = put(here, CHROME, FORMS["commented"])
    before = state(here.root)
    deployment.apply(asked(pinned=True, other_hosts=("com.third",), user_level_hosts=False), ["chrome"], here)

    done = deployment.apply(asked(pinned=False), ["chrome"], here)

    assert effective(folder)["ExtensionSettings"][ID].keys() == {
        "installation_mode",
        "update_url",
        "override_update_url",
    }
    assert effective(folder)["NativeMessagingAllowlist"] == ["com.other", "org.poterne.host"]
    assert {entry.path.name: entry.change for entry in done} == {"org.json": "written", "poterne.json": "removed"}
    deployment.withdraw(here)
    assert state(here.root) == before


def test_a_key_moves_to_a_file_that_came_later_and_would_hide_it(here: Machine) -> None:
    folder = put(here, CHROME, several())
    deployment.apply(asked(), ["chrome"], here)
    text("a.json", f"{{{ALLOWED}}}")(folder)

    deployment.apply(asked(), ["chrome"], here)

    assert effective(folder)["NativeMessagingAllowlist"] == ["com.other", "org.poterne.host"]
    deployment.withdraw(here)
    assert [path.name for path in folder.iterdir()] == ["a.json"]
    assert (folder / "a.json").read_text() == f"{{{ALLOWED}}}"


def test_what_is_said_of_our_extension_stays_and_is_named(here: Machine) -> None:
    own = {"ExtensionSettings": {f"{'a' * 32}, {ID}": {"installation_mode": "blocked"}}}
    third = {"3rdparty": {"extensions": {ID: {"organisation": "Theirs"}}}}
    folder = put(here, CHROME, several(text("a", json.dumps(own)), text("b", json.dumps(third))))
    before = state(here.root)
    policy = Policy(deploy=asked().deploy, organisation=Organisation(name="Ours", domain="example.org"))

    for _ in range(2):
        done = deployment.apply(policy, ["chrome"], here)

        said = notes(done)
        assert any(line.startswith(f"a: ExtensionSettings.{'a' * 32}, {ID} stays {{") for line in said), said
        assert f'b: 3rdparty.extensions.{ID}.organisation stays "Theirs"; Poterne would set "Ours"' in said
        assert json.loads((folder / "poterne.json").read_text()) == {
            "NativeMessagingAllowlist": ["org.poterne.host"],
            "3rdparty": {"extensions": {ID: {"domain": "example.org"}}},
        }
        assert json.loads((folder / "a").read_text()) == own
        assert json.loads((folder / "b").read_text()) == third
    deployment.withdraw(here)
    assert state(here.root) == before


@pytest.mark.parametrize(
    "rules", [{"ExtensionInstallBlocklist": [ID]}, {"ExtensionInstallForcelist": [f"{ID};http://x/"]}]
)
def test_lists_of_extensions_that_say_otherwise_stay(here: Machine, rules: dict[str, Any]) -> None:
    folder = put(here, CHROME, text("org", json.dumps(rules)))

    done = deployment.apply(asked(), ["chrome"], here)

    assert [line.partition(" names ")[0] for line in notes(done)] == [f"org: {next(iter(rules))}"]
    assert "ExtensionSettings" not in effective(folder)


def test_what_firefoxes_policies_say_of_our_extension_stays(here: Machine) -> None:
    file = here.place("/etc/firefox/policies/policies.json")
    file.parent.mkdir(parents=True)
    said = {"policies": {"ExtensionSettings": {FIREFOX: {"installation_mode": "blocked"}}}}
    file.write_text(json.dumps(said))

    done = deployment.apply(asked(), ["firefox"], here)

    assert json.loads(file.read_text()) == said
    assert notes(done)[0].startswith(f'policies.json: policies.ExtensionSettings.{FIREFOX} stays {{"installation_mode"')


def test_what_becomes_of_comments_and_of_closed_files_is_told(here: Machine) -> None:
    put(here, CHROME, FORMS["commented"])
    put(here, CHROMIUM, FORMS["0640"])

    said = notes(deployment.apply(asked(), ["chrome", "chromium"], here))

    assert any("comments" in line for line in said)
    assert any("not every user may read it" in line for line in said)


# Every call with which something of the machine is changed.
CALLS = ("mkdir", "open", "replace", "rename", "unlink", "fsync", "fchmod", "fchown", "rmdir", "chmod")


def prepared(here: Machine) -> None:
    put(here, CHROME, FORMS["one key twice"])
    put(here, CHROMIUM, FORMS["symlink"])


def at_call(monkeypatch: pytest.MonkeyPatch, at: int, act: Callable[[], object]) -> None:
    """Do something instead of a call that changes the machine, once so many have been made."""
    left = [at]
    for name in CALLS:
        real = getattr(os, name)

        def counted(*args: Any, _real: Any = real, _name: str = name, **kwargs: Any) -> Any:
            if _name != "open" or args[1] & os.O_CREAT:
                left[0] -= 1
                if left[0] == 0:
                    act()
            return _real(*args, **kwargs)

        monkeypatch.setattr(os, name, counted)


def fail() -> None:
    raise OSError(28, "No space left on device")


def killed(monkeypatch: pytest.MonkeyPatch, at: int, run: Callable[[], object]) -> bool:
    """Whether a process of its own, which is gone at that call, was; its parent goes on."""
    child = os.fork()
    if child == 0:
        at_call(monkeypatch, at, lambda: os._exit(7))
        try:
            run()
        finally:
            os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 7


def steps() -> Iterator[int]:
    yield from range(1, 400)


@pytest.mark.parametrize("again", [False, True], ids=["first", "second"])
def test_a_run_that_fails_anywhere_leaves_nothing(here: Machine, monkeypatch: pytest.MonkeyPatch, again: bool) -> None:
    prepared(here)
    if again:
        deployment.apply(asked(pinned=False, other_hosts=("com.third",)), ["chrome", "edge"], here)
    before = state(here.root)
    for at in steps():
        with monkeypatch.context() as patch:
            at_call(patch, at, fail)
            try:
                deployment.apply(asked(), ["chrome", "chromium", "firefox"], here)
            except SetupError as error:
                assert "No space left on device" in str(error)
            else:
                break
        assert state(here.root) == before, at
    assert at > 20
    deployment.withdraw(here)


@pytest.mark.parametrize("again", [False, True], ids=["first", "second"])
def test_wherever_a_run_is_killed_all_of_it_is_found(
    here: Machine, monkeypatch: pytest.MonkeyPatch, again: bool
) -> None:
    prepared(here)
    before = state(here.root)
    for at in steps():
        if again:
            deployment.apply(asked(pinned=False, other_hosts=("com.third",)), ["chrome", "edge"], here)
        begun = killed(monkeypatch, at, lambda: deployment.apply(asked(), ["chrome", "chromium", "firefox"], here))
        deployment.withdraw(here)
        assert state(here.root) == before, at
        if not begun:
            break
    assert at > 20


def test_wherever_a_removal_is_killed_the_next_one_finishes_it(here: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    prepared(here)
    before = state(here.root)
    for at in steps():
        deployment.apply(asked(), ["chrome", "chromium", "firefox"], here)
        begun = killed(monkeypatch, at, lambda: deployment.withdraw(here))
        deployment.withdraw(here)
        assert state(here.root) == before, at
        if not begun:
            break
    assert at > 20


def test_what_others_have_broken_since_is_left_and_the_rest_restored(here: Machine) -> None:
    prepared(here)
    before = state(here.root)
    deployment.apply(asked(), ["chrome", "chromium", "firefox"], here)
    broken = here.place(CHROME) / "z.json"
    whole = broken.read_text()
    broken.write_text("{")

    done = deployment.withdraw(here)

    assert [entry.path for entry in done if entry.change == "left"] == [broken]
    assert list(json.loads(here.place(LEDGER).read_text())["files"]) == [str(broken)]
    broken.write_text(whole.replace("com.other", "com.changed"))
    assert [entry.change for entry in deployment.withdraw(here)] == ["restored"]
    assert json.loads(broken.read_text()) == {"NativeMessagingAllowlist": ["com.changed"]}
    broken.write_text(f"{{{ALLOWED}}}")
    assert state(here.root) == before


@pytest.mark.parametrize("broken", ["", "{", "[]", '{"files": {"/x": {}}}', '{"files": 1}'])
def test_a_ledger_that_cannot_be_understood_is_never_written_over(here: Machine, broken: str) -> None:
    prepared(here)
    deployment.apply(asked(), ["chrome"], here)
    ledger = here.place(LEDGER)
    ledger.write_text(broken)
    before = state(here.root)

    for call in (lambda: deployment.apply(asked(), ["chrome"], here), lambda: deployment.withdraw(here)):
        with pytest.raises(SetupError, match=f"^{ledger} cannot be understood"):
            call()
    assert state(here.root) == before


def test_a_ledger_of_an_earlier_version_is_understood(here: Machine) -> None:
    folder = put(here, CHROME, FORMS["no suffix"])
    before = state(here.root)
    deployment.apply(asked(), ["chrome"], here)
    ledger = here.place(LEDGER)
    held = json.loads(ledger.read_text())
    for entry in held["files"].values():
        del entry["replaced"]
        entry["owned"] = [["ExtensionSettings", ID]]
    ledger.write_text(json.dumps({"files": held["files"]}))
    (ledger.parent / "registered.json").write_text(json.dumps({"directories": [str(ledger.parent)], "browsers": []}))

    deployment.withdraw(here)

    assert folder.is_dir()
    assert state(here.root) == before


def host(here: Machine, folder: Path, name: str) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{name}.json").write_text(json.dumps({"name": name}))
    return folder / f"{name}.json"


def test_hosts_of_others_are_named_before_they_are_switched_off(here: Machine) -> None:
    system = host(here, here.place("/etc/opt/chrome/native-messaging-hosts"), "com.system")
    host(here, here.place("/etc/opt/chrome/native-messaging-hosts"), "com.kept")
    home = here.place("/home/jane")
    mine = host(here, home / ".config/google-chrome/NativeMessagingHosts", "com.mine")
    here.place("/etc/passwd").write_text("jane:x:1000:1000::/home/jane:/bin/sh\n")
    policy = asked(block_other_hosts=True, user_level_hosts=False, other_hosts=("com.kept",))
    before = state(here.root)

    with pytest.raises(InvalidRequest):
        deployment.apply(policy, ["chrome"], here)
    assert state(here.root) == before
    told: list[OtherHost] = []
    deployment.apply(policy, ["chrome"], here, told.extend)

    assert [(each.name, each.file, each.title) for each in told] == [
        ("com.system", str(system), "Google Chrome"),
        ("com.mine", str(mine), "Google Chrome"),
    ]
    # They are switched off already.
    deployment.apply(asked(block_other_hosts=True, other_hosts=("com.kept",), pinned=False), ["chrome"], here)
    deployment.withdraw(here)
    assert state(here.root) == before


def test_by_default_nothing_of_others_is_switched_off(here: Machine) -> None:
    host(here, here.place("/etc/opt/chrome/native-messaging-hosts"), "com.system")

    deployment.apply(asked(), ["chrome"], here)

    said = effective(here.place(CHROME))
    assert said.keys() == {"ExtensionSettings", "NativeMessagingAllowlist"}


def test_a_folder_for_tools_is_judged_before_the_first_byte(here: Machine, tmp_path: Path) -> None:
    out = tmp_path / "out"
    folder = out / "linux/etc/opt/chrome/policies/managed"
    folder.mkdir(parents=True)
    text("poterne.json", f"{{{ALLOWED}, // ours\n}}")(folder)
    (out / "macos").mkdir()
    (out / "macos/poterne.mobileconfig").write_text("no")
    before = state(out)

    with pytest.raises(SetupError, match=r"poterne\.mobileconfig is no profile"):
        deployment.generate(asked(), out, ["chrome"])
    assert state(out) == before
    (out / "macos/poterne.mobileconfig").unlink()
    deployment.generate(asked(), out, ["chrome"])
    assert effective(folder)["NativeMessagingAllowlist"] == ["com.other", "org.poterne.host"]
