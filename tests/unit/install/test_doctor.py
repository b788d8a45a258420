import json
import os
import shlex
import sys
import time
import venv
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from tests.unit.setup_machines import MemoryRegistry, machine

import poterne.policy.policy
from poterne.install import Diagnosis, doctor, install, register_in
from poterne.install.examination import mend
from poterne.install.machine import Machine
from poterne.knowledge.installer import Installer
from poterne.policy import files

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="starts launchers of sh")
# A host of one line, so that each way of failing can be had. `frame` writes its argument as a browser reads it.
STUB = """#!{python} -I
import struct, sys, time
def frame(text):
    data = text.encode()
    sys.stdout.buffer.write(struct.pack("=I", len(data)) + data)
    sys.stdout.buffer.flush()
{body}
"""


@pytest.fixture
def here(tmp_path: Path) -> Machine:
    return machine(tmp_path)


@pytest.fixture
def written(tmp_path: Path, here: Machine) -> Path:
    install(["firefox"], machine=here)
    return tmp_path / "home/.mozilla/native-messaging-hosts/org.poterne.host.json"


def edit(path: Path, /, **changes: Any) -> None:
    loaded = json.loads(path.read_text(encoding="utf-8"))
    path.write_text(json.dumps(loaded | changes), encoding="utf-8")


def stub(path: Path, body: str) -> None:
    program = path.parent / "stub"
    program.write_text(STUB.format(python=sys.executable, body=body), encoding="utf-8")
    program.chmod(0o755)
    edit(path, path=str(program))


def is_gone(pid: int) -> bool:
    """Within a second there is no such process, or a dead one that nobody has asked for yet."""
    for _ in range(100):
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return True
        state = Path(f"/proc/{pid}/stat")
        if state.exists() and state.read_text(encoding="utf-8").rpartition(")")[2].split()[0] == "Z":
            return True
        time.sleep(0.01)
    return False


def firefox(here: Machine, seconds: float = 10.0) -> Diagnosis:
    (found,) = doctor(["firefox"], machine=here, seconds=seconds)
    return found


@pytest.mark.parametrize("name", ["chromium", "chrome", "firefox"])
@pytest.mark.parametrize("system", [False, True])
def test_the_real_host_says_hello(here: Machine, name: str, system: bool) -> None:
    install([name], system=system, machine=here)

    (found,) = doctor([name], system=system, machine=here)

    assert found.problem is None, found.detail
    assert found.version == poterne.__version__
    assert found.remedy is None
    assert (found.hello_ms or 0) > 0


@pytest.mark.parametrize(
    ("system", "remedy"),
    [(False, "poterne install --browser chrome"), (True, "poterne install --browser chrome --system")],
)
def test_no_manifest(here: Machine, system: bool, remedy: str) -> None:
    (found,) = doctor(["chrome"], system=system, machine=here)

    assert (found.problem, found.remedy) == ("no-manifest", remedy)


def test_the_line_that_mends_it_runs_where_the_path_does_not_lead_here(here: Machine) -> None:
    elsewhere = Machine("linux", {**here.environ, "PATH": ""}, sys.executable, root=here.root)

    (found,) = doctor(["chrome"], machine=elsewhere)

    assert found.remedy is not None
    command, *arguments = shlex.split(found.remedy)
    assert Path(command).samefile(Path(sys.executable).parent / "poterne")
    assert arguments == ["install", "--browser", "chrome"]


def test_a_manifest_that_cannot_be_read(here: Machine, written: Path) -> None:
    written.unlink()
    written.mkdir()

    assert firefox(here).problem == "manifest-unreadable"


def test_a_manifest_that_may_not_be_read(here: Machine, written: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    opened = files.open_regular

    def deny(path: Path, flags: int = os.O_RDONLY, mode: int = 0o600) -> int:
        # Root may read everything, so no mode would do.
        if path == written:
            raise PermissionError(13, "Permission denied")
        return opened(path, flags, mode)

    monkeypatch.setattr(files, "open_regular", deny)

    found = firefox(here)

    assert (found.problem, found.remedy) == ("manifest-unreadable", f"chmod a+r {written}")


@pytest.mark.parametrize(
    "text",
    ["", "{", "[]", "[" * 100_000, '{"name": "org.poterne.host"}', '{"path": 7}', b"\xff\xfe{}".decode("latin-1")],
)
def test_a_broken_manifest(here: Machine, written: Path, text: str) -> None:
    written.write_text(text, encoding="latin-1")

    found = firefox(here)

    assert (found.problem, found.remedy) == ("manifest-broken", "poterne install --browser firefox")


@pytest.mark.parametrize("changes", [{"type": "pipe"}, {"path": "poterne-host"}])
def test_a_manifest_that_browsers_refuse(here: Machine, written: Path, changes: dict[str, str]) -> None:
    edit(written, **changes)

    assert firefox(here).problem == "manifest-broken"


def test_a_manifest_for_another_name(here: Machine, written: Path) -> None:
    edit(written, name="org.poterne.other")

    assert firefox(here).problem == "wrong-name"


@pytest.mark.parametrize("ids", [[], ["somebody@else.org"], "poterne@poterne.org", None])
def test_a_manifest_for_another_extension(here: Machine, written: Path, ids: object) -> None:
    edit(written, allowed_extensions=ids)

    found = firefox(here)

    assert found.problem == "wrong-id"
    assert "poterne@poterne.org" in found.detail


def test_chromium_wants_its_own_list(here: Machine, tmp_path: Path) -> None:
    install(["chromium"], machine=here)
    edit(
        tmp_path / "home/.config/chromium/NativeMessagingHosts/org.poterne.host.json",
        allowed_origins=["chrome-extension://aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa/"],
        allowed_extensions=["poterne@poterne.org"],
    )

    (found,) = doctor(["chromium"], machine=here)

    assert found.problem == "wrong-id"


def test_a_launcher_that_is_gone(here: Machine, written: Path) -> None:
    Path(json.loads(written.read_text(encoding="utf-8"))["path"]).unlink()

    assert firefox(here).problem == "launcher-missing"


def test_a_launcher_that_may_not_be_executed(here: Machine, written: Path) -> None:
    program = Path(json.loads(written.read_text(encoding="utf-8"))["path"])
    program.chmod(0o644)

    found = firefox(here)

    assert (found.problem, found.remedy) == ("launcher-not-executable", f"chmod a+rx {program}")


def test_an_interpreter_that_is_gone(tmp_path: Path, here: Machine) -> None:
    gone = str(tmp_path / "an old venv/bin/python")
    install(["firefox"], machine=Machine("linux", here.environ, gone, root=here.root))

    found = firefox(here)

    assert found.problem == "interpreter-gone"
    assert gone in found.detail
    assert found.remedy == "poterne install --browser firefox"


def test_a_virtual_environment_that_has_been_moved(tmp_path: Path, here: Machine) -> None:
    environment = tmp_path / "venv"
    (environment / "bin").mkdir(parents=True)
    (environment / "pyvenv.cfg").write_text("home = /usr/bin\n", encoding="utf-8")
    (environment / "bin/python").symlink_to(sys.executable)
    install(["firefox"], machine=replace(here, executable=str(environment / "bin/python")))
    environment.rename(tmp_path / "elsewhere")

    found = firefox(here)

    assert (found.problem, found.remedy) == ("environment-moved", "poterne install --browser firefox")
    assert str(environment) in found.detail


def test_a_virtual_environment_whose_python_is_gone(tmp_path: Path, here: Machine) -> None:
    environment = tmp_path / "venv"
    (environment / "bin").mkdir(parents=True)
    (environment / "pyvenv.cfg").write_text("home = /usr/bin\n", encoding="utf-8")
    (environment / "bin/python").symlink_to(tmp_path / "an old python")
    install(["firefox"], machine=replace(here, executable=str(environment / "bin/python")))

    assert firefox(here).problem == "interpreter-gone"


def test_a_python_without_poterne(tmp_path: Path, here: Machine) -> None:
    bare = tmp_path / "bare"
    venv.create(bare, with_pip=False)
    install(["firefox"], machine=replace(here, executable=str(bare / "bin/python")))

    assert firefox(here).problem == "package-missing"


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ('frame(\'{"type":"error","id":null,"code":"internal","message":"pydantic is not here"}\')', "pydantic is not"),
        ("sys.exit('broken')", "answers nothing after its hello: broken"),
    ],
)
def test_a_host_that_cannot_check(here: Machine, written: Path, body: str, said: str) -> None:
    hello = json.dumps({"type": "hello", "protocol": 1, "version": poterne.__version__})
    stub(written, f"frame({hello!r}); sys.stdin.buffer.read(4)\n{body}")

    found = firefox(here)

    assert found.problem == "host-broken"
    assert said in found.detail


BROKEN_HOST = """
import struct, sys
def say(text):
    sys.stdout.buffer.write(struct.pack("=I", len(text)) + text.encode())
    sys.stdout.buffer.flush()
def main():
    say('{"type":"hello","protocol":1,"version":"VERSION"}')
    sys.stdin.buffer.read(4)
    say('{"type":"error","id":null,"code":"internal","message":"pydantic is not here"}')
"""


@pytest.mark.parametrize("line", ["", "fetch-it --now"])
def test_this_very_host_broken_is_installed_again_by_a_command_only_where_an_index_has_it(
    tmp_path: Path, here: Machine, monkeypatch: pytest.MonkeyPatch, line: str
) -> None:
    """No name is told that is not registered to this project."""
    bare = tmp_path / "bare"
    venv.create(bare, with_pip=False)
    (packages,) = bare.glob("lib/python*/site-packages")
    (packages / "poterne").mkdir()
    (packages / "poterne" / "__init__.py").write_text("", encoding="utf-8")
    broken = BROKEN_HOST.replace("VERSION", poterne.__version__)
    (packages / "poterne" / "native.py").write_text(broken, encoding="utf-8")
    there = replace(here, executable=str(bare / "bin/python"))
    install(["firefox"], machine=there)
    table = Installer(install={"linux": line}, upgrade={})
    monkeypatch.setattr("poterne.knowledge.installer.table", lambda: table)

    found = firefox(there)

    assert (found.problem, found.remedy) == ("host-broken", line or None)
    assert "pydantic is not here" in found.detail
    assert found.detail.endswith("; install Poterne again, in the way in which it was installed") is not bool(line)


def test_a_pipe_in_a_manifests_or_launchers_place_is_not_waited_for(here: Machine, written: Path) -> None:
    program = Path(json.loads(written.read_text(encoding="utf-8"))["path"])
    program.unlink()
    os.mkfifo(program)
    assert firefox(here).problem == "launcher-missing"
    written.unlink()
    os.mkfifo(written)
    assert firefox(here).problem == "manifest-unreadable"


def test_what_stands_in_a_folders_place_is_not_a_manifest_that_is_missing(here: Machine, tmp_path: Path) -> None:
    (tmp_path / "home/.mozilla").write_text("in the way", encoding="utf-8")

    found = firefox(here)

    assert (found.problem, found.remedy) == ("manifest-unreadable", None)
    assert found.detail.endswith(f"{tmp_path / 'home/.mozilla'} is not a folder")


def test_what_was_noted_of_registrations_need_not_be_whole_for_the_doctor(here: Machine, written: Path) -> None:
    (note,) = here.root.parent.rglob("registered.json")
    note.write_text("{", encoding="utf-8")

    assert [found.problem for found in doctor(machine=here)] == [None]


def test_a_registry_that_may_not_be_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def deny(self: MemoryRegistry, hive: str, key: str, view: int = 64) -> str | None:
        raise PermissionError(13, "Access is denied")

    here = machine(tmp_path, "win32")
    monkeypatch.setattr(MemoryRegistry, "read", deny)

    found = firefox(here)

    assert found.problem == "manifest-unreadable"
    assert "Access is denied" in found.detail


def policies(here: Machine, place: str, rules: object) -> Path:
    path = here.place(place)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(rules), encoding="utf-8")
    return path


CHROMIUM_POLICY = "/etc/chromium/policies/managed/it.json"
CHROMIUM_ID = "ldljdgonginjcecciikejojdelbhpkli"


@pytest.mark.parametrize(
    ("rules", "problem"),
    [
        ({"NativeMessagingBlocklist": ["*"]}, "blocked-by-policy"),
        ({"NativeMessagingBlocklist": ["org.poterne.host"]}, "blocked-by-policy"),
        ({"NativeMessagingBlocklist": ["*"], "NativeMessagingAllowlist": ["org.other"]}, "blocked-by-policy"),
        ({"NativeMessagingBlocklist": ["*"], "NativeMessagingAllowlist": ["org.poterne.host"]}, None),
        ({"NativeMessagingBlocklist": ["org.other"]}, None),
        ({"ExtensionSettings": {"*": {"installation_mode": "blocked"}}}, "blocked-by-policy"),
        ({"ExtensionSettings": {CHROMIUM_ID: {"installation_mode": "removed"}}}, "blocked-by-policy"),
        ({"ExtensionSettings": {"*": {"blocked_permissions": ["nativeMessaging"]}}}, "blocked-by-policy"),
        (
            {
                "ExtensionSettings": {
                    "*": {"installation_mode": "blocked"},
                    CHROMIUM_ID: {"installation_mode": "force_installed"},
                }
            },
            None,
        ),
        ({"ExtensionInstallBlocklist": ["*"]}, "blocked-by-policy"),
        ({"ExtensionInstallBlocklist": ["*"], "ExtensionInstallAllowlist": [CHROMIUM_ID]}, None),
        ({"NativeMessagingUserLevelHosts": False}, "user-level-forbidden"),
        ({"NativeMessagingUserLevelHosts": True}, None),
    ],
)
def test_what_chromiums_policies_forbid(here: Machine, rules: dict[str, object], problem: str | None) -> None:
    install(["chromium"], machine=here)
    path = policies(here, CHROMIUM_POLICY, rules)

    (found,) = doctor(["chromium"], machine=here, seconds=20.0)

    assert found.problem == problem, found.detail
    if problem is not None:
        assert str(path) in found.detail
        words = "install --browser chromium --system" if problem == "user-level-forbidden" else "policy generate"
        assert words in (found.remedy or "")


def test_where_users_hosts_are_forbidden_the_systems_manifest_counts(here: Machine) -> None:
    policies(here, CHROMIUM_POLICY, {"NativeMessagingUserLevelHosts": False})
    install(["chromium"], machine=here)
    install(["chromium"], system=True, machine=here)

    (found,) = doctor(["chromium"], machine=here, seconds=20.0)

    assert (found.problem, found.level) == (None, "system")


def test_what_firefoxes_policies_forbid(here: Machine, written: Path) -> None:
    rules = {"policies": {"ExtensionSettings": {"poterne@poterne.org": {"installation_mode": "blocked"}}}}
    path = policies(here, "/etc/firefox/policies/policies.json", rules)

    found = firefox(here)

    assert found.problem == "blocked-by-policy"
    assert str(path) in found.detail


def test_what_the_policies_of_windows_forbid(tmp_path: Path) -> None:
    here = machine(tmp_path, "win32")
    assert isinstance(here.registry, MemoryRegistry)
    key = r"Software\Policies\Google\Chrome"
    here.registry.named["HKEY_LOCAL_MACHINE", key + r"\NativeMessagingBlocklist"] = {"1": "*"}

    (found,) = doctor(["chrome"], machine=here)
    assert found.problem == "blocked-by-policy"

    here.registry.named["HKEY_LOCAL_MACHINE", key + r"\NativeMessagingAllowlist"] = {"1": "org.poterne.host"}
    here.registry.named["HKEY_LOCAL_MACHINE", key] = {"NativeMessagingUserLevelHosts": 0}
    (found,) = doctor(["chrome"], machine=here)
    assert found.problem == "user-level-forbidden"

    blocked = json.dumps({CHROMIUM_ID: {"installation_mode": "blocked"}})
    here.registry.named["HKEY_LOCAL_MACHINE", key] = {"ExtensionSettings": blocked}
    (found,) = doctor(["chrome"], machine=here)
    assert found.problem == "blocked-by-policy"


@pytest.mark.parametrize("name", ["org", ".org", "zz.json~"])
def test_the_doctor_reads_what_chromium_reads(here: Machine, name: str) -> None:
    install(["chromium"], machine=here)
    folder = policies(here, CHROMIUM_POLICY, {"NativeMessagingBlocklist": []}).parent
    (folder / "it.json").rename(folder / "!it.json")
    (folder / name).write_text('{"NativeMessagingBlocklist": ["*"], // nobody\n}', encoding="utf-8")

    (found,) = doctor(["chromium"], machine=here)

    assert found.problem == "blocked-by-policy"
    assert str(folder / name) in found.detail


def test_what_the_browser_passes_over_is_told(here: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    install(["chromium", "firefox"], machine=here)
    file = policies(here, CHROMIUM_POLICY, {})
    file.write_text("{", encoding="utf-8")
    (found,) = doctor(["chromium"], machine=here)
    assert found.problem is None
    assert f"; {file} cannot be understood (line 1: " in found.detail

    def closed(path: object, *_: object) -> None:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(os, "scandir", closed)
    (found,) = doctor(["chromium"], machine=here)
    assert found.detail.endswith(f"; {file.parent} cannot be listed (Permission denied)")
    monkeypatch.undo()

    place = policies(here, "/etc/firefox/policies/policies.json", {})
    opened = os.open
    monkeypatch.setattr(os, "open", lambda path, *how: closed(path) if path == place else opened(path, *how))
    found = firefox(here)
    assert found.detail.endswith(f"; {place} cannot be read (Permission denied)")


def test_a_registry_that_may_not_be_read_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    windows = machine(tmp_path, "win32")

    def denied(*_: object) -> None:
        raise PermissionError(13, "Access is denied")

    monkeypatch.setattr(MemoryRegistry, "values", denied)
    (found,) = doctor(["chrome"], machine=windows)

    assert found.problem == "no-manifest"
    assert r"HKEY_LOCAL_MACHINE\Software\Policies\Google\Chrome cannot be read (Access is denied)" in found.detail


def test_a_policy_file_that_browsers_cannot_read_says_nothing(here: Machine, written: Path) -> None:
    path = policies(here, "/etc/firefox/policies/policies.json", {})
    for text in ("{", "[]", '{"policies": 7}', "[" * 100_000):
        path.write_text(text, encoding="utf-8")
        assert firefox(here).problem is None


def test_a_flatpak_that_may_start_nothing(here: Machine, tmp_path: Path) -> None:
    install(["firefox-flatpak"], machine=here)

    (found,) = doctor(["firefox-flatpak"], machine=here)

    assert found.problem == "sandboxed"
    assert found.remedy == "flatpak override --user --talk-name=org.freedesktop.Flatpak org.mozilla.firefox"


def test_a_flatpak_whose_way_out_is_gone(here: Machine, tmp_path: Path) -> None:
    install(["firefox-flatpak"], machine=here)
    (tmp_path / "home/.local/share/poterne/poterne-host").unlink()

    (found,) = doctor(["firefox-flatpak"], machine=here)

    assert found.problem == "launcher-missing"


def test_a_broken_policy_of_this_machine(
    here: Machine, written: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = tmp_path / "policy.toml"
    broken.write_text("[allow]\nprots = [25]\n", encoding="utf-8")
    monkeypatch.setattr(poterne.policy.policy, "default_path", lambda: broken)

    found = firefox(here)

    assert (found.problem, found.remedy) == ("policy-broken", "poterne policy check")
    assert "allow.prots" in found.detail


def spoil_manifest(path: Path, program: Path) -> None:
    path.write_text("{", encoding="utf-8")


def spoil_ids(path: Path, program: Path) -> None:
    edit(path, allowed_extensions=[])


def forget(path: Path, program: Path) -> None:
    path.unlink()


def lose_launcher(path: Path, program: Path) -> None:
    program.unlink()


def forbid_execution(path: Path, program: Path) -> None:
    program.chmod(0o644)


def lose_interpreter(path: Path, program: Path) -> None:
    program.write_text('#!/bin/sh\nexec /no/such/python -I "$@"\n', encoding="utf-8")


def lose_all(path: Path, program: Path) -> None:
    edit(path, allowed_extensions=[])
    lose_interpreter(path, program)
    program.chmod(0o600)


@pytest.mark.parametrize(
    "harm", [spoil_manifest, spoil_ids, forget, lose_launcher, forbid_execution, lose_interpreter, lose_all]
)
def test_what_can_be_mended_is_mended(here: Machine, written: Path, harm: Callable[[Path, Path], None]) -> None:
    harm(written, Path(json.loads(written.read_text(encoding="utf-8"))["path"]))
    found = firefox(here)
    assert found.problem is not None

    for _ in range(3):
        if found.problem is not None:
            assert mend(found, here) is not None
            found = firefox(here)

    assert found.problem is None


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("sys.exit('No module named poterne')", "status 1 before its hello: No module named poterne"),
        ("print('hello')", "something else than a hello: b'hell"),
        ('frame(\'{"type":"ready"}\')', "something else than a hello"),
        ("frame('[')", "something else than a hello"),
        ('frame(\'{"type":"hello"}\')', "hello without its version"),
        ("time.sleep(60)", "said nothing within 1 s"),
    ],
)
def test_a_host_that_says_no_hello(here: Machine, written: Path, body: str, said: str) -> None:
    stub(written, body)

    found = firefox(here, seconds=1.0 if "sleep" in body else 10.0)

    assert found.problem == "no-hello"
    assert said in found.detail


def test_a_child_that_holds_the_pipe_does_not_hold_the_doctor(here: Machine, written: Path) -> None:
    pid = written.parent / "pid"
    stub(written, f"import subprocess; open({str(pid)!r}, 'w').write(str(subprocess.Popen(['sleep', '60']).pid))")

    assert firefox(here, seconds=1.0).problem == "no-hello"
    assert is_gone(int(pid.read_text(encoding="utf-8")))


@pytest.mark.parametrize(
    ("hello", "said"),
    [
        ({"version": "0.0.1", "protocol": 1}, "is version 0.0.1"),
        ({"version": poterne.__version__, "protocol": 2}, "speaks protocol 2"),
    ],
)
def test_another_version(here: Machine, written: Path, hello: dict[str, object], said: str) -> None:
    stub(written, f"frame({json.dumps({'type': 'hello', **hello})!r}); sys.stdin.read()")

    found = firefox(here)

    assert found.problem == "version-differs"
    assert said in found.detail
    assert found.version == hello["version"]


def test_the_host_gets_what_the_browser_would_give(here: Machine, written: Path) -> None:
    heard = written.parent / "heard.json"
    stub(written, f"import json, os; json.dump([sys.argv[1:], os.getcwd()], open({str(heard)!r}, 'w'))")

    firefox(here)

    expected = [[str(written), "poterne@poterne.org"], str(written.parent)]
    assert json.loads(heard.read_text(encoding="utf-8")) == expected


def test_the_host_does_not_outlive_the_doctor(here: Machine, written: Path, tmp_path: Path) -> None:
    stub(
        written,
        f"import os; open({str(tmp_path / 'pid')!r}, 'w').write(str(os.getpid()))\n"
        'frame(\'{"type":"hello","version":"1","protocol":1}\'); time.sleep(60)',
    )

    assert firefox(here).problem == "version-differs"
    assert is_gone(int((tmp_path / "pid").read_text(encoding="utf-8")))


def test_firefox_passes_over_a_broken_manifest_and_chromium_does_not(here: Machine, tmp_path: Path) -> None:
    names = ["firefox", "chromium"]
    install(names, system=True, machine=here)
    install(names, machine=here)
    for place in (".mozilla/native-messaging-hosts", ".config/chromium/NativeMessagingHosts"):
        (tmp_path / "home" / place / "org.poterne.host.json").write_text("{", encoding="utf-8")

    assert [found.problem for found in doctor(names, machine=here)] == [None, "manifest-broken"]


def test_without_names_the_browsers_that_are_here_or_registered(here: Machine) -> None:
    assert doctor(machine=here) == []
    install(["chrome"], machine=here)

    assert [found.browser for found in doctor(machine=here)] == ["chrome"]


def test_a_registry_that_names_a_missing_file(tmp_path: Path) -> None:
    here = machine(tmp_path, "win32")
    assert isinstance(here.registry, MemoryRegistry)
    gone = str(tmp_path / "gone.json")
    here.registry.write("HKEY_CURRENT_USER", r"Software\Mozilla\NativeMessagingHosts\org.poterne.host", gone)

    found = firefox(here)

    assert found.problem == "no-manifest"
    assert gone in found.detail


def test_the_view_of_32_bit_programs_is_looked_at_first(tmp_path: Path) -> None:
    here = machine(tmp_path, "win32")
    assert isinstance(here.registry, MemoryRegistry)
    install(["chrome"], system=True, machine=here)
    key = r"Software\Google\Chrome\NativeMessagingHosts\org.poterne.host"
    here.registry.write("HKEY_LOCAL_MACHINE", key, str(tmp_path / "gone.json"), 32)

    (found,) = doctor(["chrome"], system=True, machine=here)

    assert (found.problem, found.manifest) == ("no-manifest", str(tmp_path / "gone.json"))


def test_register_in_serves_a_fake_home(tmp_path: Path) -> None:
    here = machine(tmp_path)
    policy = tmp_path / "policy.toml"
    policy.write_text("", encoding="utf-8")
    register_in(tmp_path / "home/.mozilla/native-messaging-hosts", "firefox", policy=policy)

    assert firefox(here).problem is None
