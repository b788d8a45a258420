"""An organisation's own policies, in every form that Chromium reads, through `generate --write` and `remove`."""

import io
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.unit.setup_machines import machine
from tests.unit.setup_organisation import (
    ALLOWED,
    CHROME,
    CHROMIUM,
    EDGE,
    FIREFOX,
    FORMS,
    ID,
    LEDGER,
    Put,
    asked,
    effective,
    host,
    notes,
    prepared,
    put,
    several,
    state,
    text,
)

from poterne.cli import main as cli
from poterne.errors import InvalidRequest, SetupError
from poterne.install import deployment, policy_ledger
from poterne.install.machine import Machine
from poterne.install.other_hosts import OtherHost
from poterne.policy import Policy
from poterne.policy.organisation import Organisation

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="only Linux has files of policies")


@pytest.fixture
def here(tmp_path: Path) -> Machine:
    made = machine(tmp_path)
    # As it is on every machine.
    made.place("/usr/local/lib").mkdir(parents=True)
    return made


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
@pytest.mark.parametrize("name", ["org", "org.json", ".org.json~", "zz.dpkg-old", "0-poterne.json"])
def test_nothing_is_written_beside_what_cannot_be_understood(here: Machine, name: str, content: str) -> None:
    folder = put(here, CHROME, text(name, content))
    put(here, CHROMIUM, FORMS["commented"])
    before = state(here.root)

    with pytest.raises(SetupError) as refused:
        deployment.apply(asked(), ["chromium", "firefox", "chrome"], here)

    assert str(refused.value).startswith(f"{folder / name} cannot be understood (")
    assert str(refused.value).endswith("); nothing was written")
    assert state(here.root) == before


@pytest.mark.parametrize(
    "kind", ["pipe", "dangling link", "folder in its place", "folder that is none", "folder that leads nowhere"]
)
def test_nothing_is_written_beside_what_is_no_file(here: Machine, kind: str) -> None:
    folder = here.place(CHROME)
    folder.parent.mkdir(parents=True)
    if kind == "folder that is none":
        folder.write_text("")
    elif kind == "folder that leads nowhere":
        folder.symlink_to("gone")
    else:
        folder.mkdir()
    if kind == "pipe":
        os.mkfifo(folder / "org")
    elif kind == "dangling link":
        (folder / "org").symlink_to("gone")
    elif kind == "folder in its place":
        (folder / "0-poterne.json").mkdir()

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


def test_a_file_of_two_browsers_is_one(here: Machine) -> None:
    folder = put(here, CHROME, FORMS["commented"])
    here.place(CHROMIUM).mkdir(parents=True)
    (here.place(CHROMIUM) / "shared").symlink_to(folder / "org.json")
    before = state(here.root)

    deployment.apply(asked(), ["chromium", "chrome"], here)

    assert effective(folder)["NativeMessagingAllowlist"] == ["com.other", "org.poterne.host"]
    assert effective(here.place(CHROMIUM)) == effective(folder)
    deployment.withdraw(here)
    assert state(here.root) == before


def test_another_policy_replaces_what_was_ours_and_leaves_what_is_theirs(here: Machine) -> None:
    folder = put(here, CHROME, FORMS["commented"])
    before = state(here.root)
    first = asked(pinned=True, other_hosts=("com.third",), user_level_hosts=False)
    deployment.apply(first, ["chrome"], here, lambda _: None)

    done = deployment.apply(asked(pinned=False), ["chrome"], here)

    assert effective(folder)["ExtensionSettings"][ID].keys() == {
        "installation_mode",
        "update_url",
        "override_update_url",
    }
    assert effective(folder)["NativeMessagingAllowlist"] == ["com.other", "org.poterne.host"]
    assert {entry.path.name: entry.change for entry in done} == {"org.json": "written", "0-poterne.json": "removed"}
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
        assert json.loads((folder / "0-poterne.json").read_text()) == {
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


def test_nothing_temporary_lies_where_chromium_reads(here: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    prepared(here)
    made: list[Path] = []
    real = os.open

    def watched(path: Any, flags: int, *args: Any, **kwargs: Any) -> int:
        if flags & os.O_CREAT:
            made.append(Path(path))
        return real(path, flags, *args, **kwargs)

    monkeypatch.setattr(os, "open", watched)
    deployment.apply(asked(), ["chrome", "chromium"], here)

    assert made
    assert not [path for path in made if path.parent.name == "managed"]


def test_where_a_folder_is_another_file_system_its_files_are_written_in_there(
    here: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    prepared(here)
    before = state(here.root)
    real = os.replace

    def across(source: Any, target: Any) -> None:
        if Path(source).parent != Path(target).parent:
            raise OSError(18, "Invalid cross-device link")
        real(source, target)

    monkeypatch.setattr(os, "replace", across)
    deployment.apply(asked(), ["chrome", "chromium"], here)

    assert effective(here.place(CHROME))["NativeMessagingAllowlist"] == ["com.other", "org.poterne.host"]
    assert not list(here.root.rglob(".poterne.new"))
    deployment.withdraw(here)
    assert state(here.root) == before


def test_what_a_closed_file_says_is_not_opened_by_the_ledger(here: Machine) -> None:
    put(here, CHROME, FORMS["0640"])

    deployment.apply(asked(), ["chrome"], here)

    assert here.place(LEDGER).stat().st_mode & 0o777 == 0o600


def test_no_file_of_firefox_is_made_that_would_hide_another(here: Machine) -> None:
    theirs = here.place("/usr/lib/firefox/distribution/policies.json")
    theirs.parent.mkdir(parents=True)
    theirs.write_text('{"policies": {"DisableTelemetry": true}}')

    done = deployment.apply(asked(), ["firefox", "firefox-snap"], here)

    assert [line for line in notes(done) if "would hide" in line]
    assert not here.place("/etc/firefox/policies/policies.json").exists()
    assert FIREFOX in json.loads(theirs.read_text())["policies"]["ExtensionSettings"]


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_the_word_is_asked_for(
    here: Machine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(Machine, "this", classmethod(lambda _: here))
    file = host(here, here.place("/etc/opt/chrome/native-messaging-hosts"), "com.system")
    rules = tmp_path / "policy.toml"
    rules.write_text("[deploy]\nblock_other_hosts = true\n")
    command = ["policy", "generate", "--policy", str(rules), "--browser", "chrome"]
    before = state(here.root)

    monkeypatch.setattr(sys, "stdin", io.StringIO("yes\n"))
    assert cli.main([*command, "--write"]) == 2
    said = capsys.readouterr().err
    assert f"  com.system  {file}  (Google Chrome)\n" in said
    assert said.endswith("poterne: nothing was written: to switch these programs off, say --yes\n")
    assert cli.main([*command, "--output", str(tmp_path / "out")]) == 0
    assert f"  com.system  {file}  (Google Chrome)\n" in capsys.readouterr().err

    monkeypatch.setattr(sys, "stdin", Terminal("no\n"))
    assert cli.main([*command, "--write"]) == 1
    assert capsys.readouterr().err.endswith("Type yes to go on: poterne: nothing was written\n")
    assert state(here.root) == before

    monkeypatch.setattr(sys, "stdin", Terminal("yes\n"))
    assert cli.main([*command, "--write"]) == 0
    assert effective(here.place(CHROME))["NativeMessagingBlocklist"] == ["*"]
    assert cli.main(["policy", "remove"]) == 0
    assert state(here.root) == before
    assert cli.main([*command, "--write", "--yes"]) == 0
    (here.place(CHROME) / "0-poterne.json").write_text("{")
    capsys.readouterr()
    assert cli.main(["policy", "remove"]) == 1
    assert capsys.readouterr().err.startswith(
        f"poterne: {here.place(CHROME) / '0-poterne.json'} cannot be understood ("
    )


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


def test_the_word_is_asked_for_where_nobody_is_there_yet_and_not_twice(here: Machine) -> None:
    put(here, CHROME, FORMS["commented"])
    before = state(here.root)
    asked_for: list[list[OtherHost]] = []

    for rules in ({"block_other_hosts": True}, {"user_level_hosts": False}):
        with pytest.raises(InvalidRequest, match="none is registered now"):
            deployment.apply(asked(**rules), ["chrome"], here)
        assert state(here.root) == before
        for _ in range(2):
            deployment.apply(asked(**rules), ["chrome"], here, lambda found: asked_for.append(list(found)))
        deployment.withdraw(here)
        assert state(here.root) == before
    assert asked_for == [[], []]


def test_two_runs_at_once_do_not_take_each_others_work_for_the_organisations(here: Machine) -> None:
    host(here, here.place("/etc/opt/chrome/native-messaging-hosts"), "com.other")
    before = state(here.root)
    second: list[str] = []

    def beside(_: object) -> None:
        with pytest.raises(SetupError) as refused:
            deployment.apply(asked(), ["chrome"], here)
        second.append(str(refused.value))
        with pytest.raises(SetupError) as refused:
            deployment.withdraw(here)
        second.append(str(refused.value))

    deployment.apply(asked(block_other_hosts=True), ["chrome"], here, consent=beside)
    assert second == ["another poterne policy is at work; nothing was changed"] * 2
    deployment.withdraw(here)
    assert state(here.root) == before


def test_what_an_organisation_adds_later_counts(here: Machine) -> None:
    folder = put(here, CHROME, lambda _: None)
    deployment.apply(asked(block_other_hosts=True), ["chrome"], here, lambda _: None)
    later = {
        "ExtensionSettings": {"*": {"installation_mode": "blocked"}},
        "NativeMessagingAllowlist": ["com.other"],
        "NativeMessagingBlocklist": ["*"],
    }

    for name in ("00-first.json", "_org", "company.json", "Default", "zz"):
        (folder / name).write_text(json.dumps(later))
        assert effective(folder).items() >= later.items(), name
        (folder / name).unlink()


def test_what_is_changed_while_the_word_is_waited_for_is_not_overwritten(here: Machine) -> None:
    folder = put(here, CHROME, FORMS["commented"])
    before = (folder / "org.json").read_bytes()
    changes: list[Callable[[], object]] = [
        lambda: (folder / "org.json").write_text('{"URLBlocklist": ["evil.example"]}'),
        lambda: (folder / "zz.json").write_text("{"),
        lambda: (folder / "zz.json").write_text('{"NativeMessagingBlocklist": []}'),
        (folder / "org.json").unlink,
    ]
    for change in changes:
        now: dict[str, Any] = {}

        def answer(_: object, change: Callable[[], object] = change, now: dict[str, Any] = now) -> None:
            change()
            now.update(state(here.root))

        with pytest.raises(SetupError, match="nothing was written"):
            deployment.apply(asked(block_other_hosts=True), ["chrome"], here, answer)
        assert state(here.root) == now
        (folder / "zz.json").unlink(missing_ok=True)
        (folder / "org.json").write_bytes(before)


def test_a_file_that_changes_between_judging_and_writing_stays(here: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    put(here, CHROMIUM, FORMS["no suffix"])
    folder = put(here, CHROME, FORMS["commented"])
    before = state(here.root)
    take, theirs = policy_ledger._take, '{"URLBlocklist": ["evil.example"]}'

    def meanwhile(step: policy_ledger.Step, ledger: policy_ledger.Ledger) -> None:
        take(step, ledger)
        (folder / "org.json").write_text(theirs)

    monkeypatch.setattr(policy_ledger, "_take", meanwhile)
    with pytest.raises(SetupError, match=r"org\.json has been changed in the meantime; nothing was written"):
        deployment.apply(asked(), ["chromium", "chrome"], here)

    assert (folder / "org.json").read_text() == theirs
    (folder / "org.json").write_bytes(before[str(folder / "org.json")][3])
    assert state(here.root) == before


def test_what_cannot_be_written_down_is_not_touched(here: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    prepared(here)
    before = state(here.root)
    deployment.apply(asked(), ["chromium"], here)
    size = here.place(LEDGER).stat().st_size
    deployment.withdraw(here)

    monkeypatch.setattr(policy_ledger, "MAX_BYTES", size + 10)
    with pytest.raises(SetupError, match=r"would be larger than .*; nothing was written"):
        deployment.apply(asked(), ["chromium", "chrome"], here)
    assert state(here.root) == before


def test_files_of_the_largest_size_can_be_taken_back(here: Machine) -> None:
    entries = [f"éxample{number}.org" for number in range(150_000)]
    large = f'{{{ALLOWED}, "URLBlocklist": {json.dumps(entries, ensure_ascii=False)}}}'
    assert 3 << 20 < len(large.encode()) < 4 << 20
    for place in (CHROME, CHROMIUM, EDGE):
        put(here, place, text("org.json", large))
    before = state(here.root)

    deployment.apply(asked(), ["chrome", "chromium", "edge"], here)
    deployment.withdraw(here)

    assert state(here.root) == before


def test_a_list_that_was_stated_anew_is_not_emptied(here: Machine) -> None:
    folder = put(here, CHROME, text("org.json", '{"NativeMessagingBlocklist": ["com.bad"]}'))
    deployment.apply(asked(block_other_hosts=True), ["chrome"], here, lambda _: None)
    anew = '{"NativeMessagingBlocklist": ["*"], "NativeMessagingAllowlist": ["com.ours"]}'
    (folder / "org.json").write_text(anew)

    done = deployment.withdraw(here)

    assert (folder / "org.json").read_text() == anew
    assert notes(done) == [
        'org.json: NativeMessagingBlocklist stays ["*"]: it was written anew, and "*" may be yours',
    ]


def test_a_file_that_has_another_name_now_is_told(here: Machine) -> None:
    folder = put(here, CHROME, FORMS["commented"])
    deployment.apply(asked(), ["chrome"], here)
    (folder / "org.json").rename(folder / "10-org.json")

    (gone,) = notes(deployment.withdraw(here))

    assert gone == "org.json: is gone: if it has another name now, what Poterne added still stands in it"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root writes what others could lead elsewhere")
def test_a_link_into_what_others_can_change_is_not_followed(here: Machine) -> None:
    folder = put(here, CHROME, FORMS["symlink"])
    real = (folder / "org.json").resolve()
    for place in (real.parent, real.parent.parent):
        os.chown(place, 65534, 65534)
        before = state(here.root)
        with pytest.raises(SetupError) as refused:
            deployment.apply(asked(), ["chrome"], here)
        why = f"{folder / 'org.json'} leads to {real}, and others than root can change {place}; nothing was written"
        assert str(refused.value) == why
        assert state(here.root) == before
        os.chown(place, 0, 0)


@pytest.mark.skipif(not shutil.which("setfacl"), reason="needs setfacl")
def test_what_a_folder_gives_new_files_is_not_given_to_old_ones(here: Machine) -> None:
    folder = put(here, CHROME, FORMS["commented"])
    for place in (folder, folder.parent):
        done = subprocess.run(["setfacl", "-d", "-m", "u:33:rw", str(place)], check=False, capture_output=True)  # noqa: S603, S607
        if done.returncode:
            pytest.skip("this file system has no access lists")
    before = state(here.root)

    deployment.apply(asked(), ["chrome"], here)
    assert state(here.root)[str(folder / "org.json")][5] == {}
    deployment.withdraw(here)
    assert state(here.root) == before


def test_hosts_are_found_in_every_browser_that_reads_the_folder(here: Machine) -> None:
    put(here, CHROMIUM, lambda _: None)
    here.place(CHROME).parent.mkdir(parents=True)
    here.place(CHROME).symlink_to(here.place(CHROMIUM))
    homes = here.home() / ".config"
    beta = host(here, homes / "google-chrome-beta/NativeMessagingHosts", "com.beta")
    commented = host(here, homes / "chromium/NativeMessagingHosts", "com.commented")
    commented.write_text('// by IT\n{"name": "com.commented",}')
    for number in range(300):
        (commented.parent / f"a{number}.json").write_text("{}")
    told: list[OtherHost] = []

    deployment.apply(asked(block_other_hosts=True), ["chromium"], here, told.extend)

    assert {each.file for each in told} == {str(beta), str(commented)}


def test_no_name_moves_the_terminal(
    here: Machine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(Machine, "this", classmethod(lambda _: here))
    put(here, CHROME, text("o\x1b[2J\nrg", "{"))
    rules = tmp_path / "policy.toml"
    rules.write_text("")

    assert cli.main(["policy", "generate", "--policy", str(rules), "--browser", "chrome", "--write"]) == 1
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert "\x1b" not in said


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
