import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from poterne.errors import SetupError
from poterne.install import launcher
from poterne.install.machine import Machine

POSIX_ONLY = pytest.mark.skipif(sys.platform == "win32", reason="runs a script of sh")
ECHO = '#!/bin/sh\nfor word in "$MOOD" "$@"; do printf "%s\\0" "$word"; done\nexit 7\n'
path_text = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), min_size=1)


def linux(executable: str) -> Machine:
    return Machine("linux", {}, executable)


def windows(executable: str) -> Machine:
    return Machine("win32", {}, executable)


@POSIX_ONLY
@pytest.mark.parametrize("folder", ["plain", "it's here", 'a "b" $HOME `id`', "été", "two\nlines", "-n", "back\\slash"])
def test_odd_paths_and_arguments_arrive_whole(tmp_path: Path, folder: str) -> None:
    interpreter = tmp_path / folder / "python3"
    interpreter.parent.mkdir()
    interpreter.write_text(ECHO, encoding="utf-8")
    interpreter.chmod(0o755)
    policy = tmp_path / folder / "policy.toml"
    script = tmp_path / "launcher"
    script.write_text(
        launcher.script(linux(str(interpreter)), policy=policy, environment={"MOOD": f"{folder} $X"}), encoding="utf-8"
    )
    script.chmod(0o755)

    ran = subprocess.run(  # noqa: S603
        [script, "chrome-extension://x/", "a b"], capture_output=True, check=False
    )

    words = ran.stdout.decode().split("\0")[:-1]
    assert words[:3] == [f"{folder} $X", "-I", "-c"]
    assert words[4:] == ["--policy", str(policy), "chrome-extension://x/", "a b"]
    assert ran.returncode == 7


@given(path_text)
def test_doctor_finds_the_interpreter_that_the_launcher_names(name: str) -> None:
    assert launcher.interpreters(launcher.script(linux(f"/opt/{name}"))) == ["/bin/sh", f"/opt/{name}"]


def test_scripts_of_others_have_their_interpreter_in_the_first_line() -> None:
    assert launcher.interpreters("#!/usr/bin/python3 -I\nimport sys\n") == ["/usr/bin/python3"]
    assert launcher.interpreters("#!/bin/sh\nexec 'unfinished\n") == ["/bin/sh"]


def test_a_batch_file_passes_arguments_and_the_exit_status() -> None:
    script = launcher.script(windows(r"C:\Program Files\Python\python.exe"), policy=Path("/lab.toml").absolute())

    lines = script.split("\r\n")
    assert lines[0] == "@echo off"
    assert lines[1].startswith(r'"C:\Program Files\Python\python.exe" "-I" "-c" "import sys;')
    assert lines[1].endswith('lab.toml" %*')
    assert lines[2:] == ["exit /b %ERRORLEVEL%", ""]


def test_a_batch_file_keeps_percent_signs_and_changes_the_code_page_where_it_must() -> None:
    script = launcher.script(windows(r"C:\100%\python.exe"))
    assert r"C:\100%%\python.exe" in script
    assert "chcp" not in script
    assert launcher.script(windows(r"C:\été\python.exe")).split("\r\n")[1] == "chcp 65001 >nul"


@pytest.mark.parametrize("executable", ['C:\\a"b\\python.exe', "C:\\a\nb\\python.exe"])
def test_a_batch_file_refuses_what_it_cannot_quote(executable: str) -> None:
    with pytest.raises(SetupError, match="quotation mark"):
        launcher.script(windows(executable))


@pytest.mark.parametrize("platform_machine", [linux(""), windows("")])
def test_an_unknown_interpreter_is_refused(platform_machine: Machine) -> None:
    with pytest.raises(SetupError, match="does not know its own path"):
        launcher.script(platform_machine)


def test_variables_have_names() -> None:
    with pytest.raises(SetupError, match="name of an environment variable"):
        launcher.script(linux("/bin/python"), environment={"A=B; rm": "x"})
