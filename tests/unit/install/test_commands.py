import argparse
import json
from pathlib import Path

import pytest
from tests.unit.setup_machines import tree

import poterne
from poterne.errors import SetupError
from poterne.install import commands, disk
from poterne.policy import audit


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for variable in ("XDG_CONFIG_HOME", "XDG_DATA_HOME", "SUDO_USER"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("PATH", str(tmp_path / "nowhere"))
    return tmp_path


def run(*argv: str) -> int:
    parser = argparse.ArgumentParser()
    commands.add_arguments(parser.add_subparsers(required=True))
    args = parser.parse_args(argv)
    status: int = args.run(args)
    return status


def test_install_doctor_uninstall(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    both = ("--browser", "firefox", "--browser", "chromium")

    assert run("install", *both) == 0
    manifest = home / ".mozilla/native-messaging-hosts/org.poterne.host.json"
    assert f"Firefox: registered: {manifest}\n" in capsys.readouterr().out

    assert run("doctor", *both) == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 2
    assert lines[0].startswith("Firefox: ok: ")
    assert lines[0].endswith(f"version {poterne.__version__}")

    assert run("uninstall") == 0
    assert capsys.readouterr().out.count(": removed: ") == 2
    assert tree(home) == {}


def test_doctor_names_the_problem_and_the_line_that_mends_it(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("doctor", "--browser", "chrome") == 1

    line = capsys.readouterr().out
    assert line.startswith("Google Chrome: no-manifest: ")
    assert line.endswith("poterne install --browser chrome\n")
    assert "; mend it with: " in line


def test_install_fails_where_a_browser_could_not_be_registered(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (home / ".mozilla").write_text("in the way", encoding="utf-8")

    assert run("install", "--browser", "firefox") == 1
    assert "Firefox: failed: " in capsys.readouterr().out


def test_uninstall_where_nothing_is(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("uninstall") == 0
    assert capsys.readouterr().out == "nothing was registered\n"


@pytest.mark.parametrize("homeless", [False, True])
def test_uninstall_where_a_log_cannot_be_looked_for(
    home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], homeless: bool
) -> None:
    def nowhere() -> Path:
        raise OSError(2, "this user has no home directory")

    (home / "state").write_text("in the way", encoding="utf-8")
    monkeypatch.setenv("XDG_STATE_HOME", str(home / "state"))
    if homeless:
        monkeypatch.setattr(audit, "file_place", nowhere)

    assert run("uninstall") == 0
    assert ("the log that a policy asked for" in capsys.readouterr().err) is not homeless


def test_what_was_noted_of_registrations_is_not_written_over(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """It tells which folders are to be removed in the end; what cannot be read is left to be looked at."""
    run("install", "--browser", "firefox")
    (note,) = home.rglob("registered.json")
    for text in ("{", "[]", "{}", '{"directories": [1], "browsers": []}', "[" * 100_000):
        note.write_text(text, encoding="utf-8")
        for command in ("install", "uninstall"):
            with pytest.raises(SetupError, match=r"registered\.json is not what Poterne wrote there: remove it"):
                run(command, "--browser", "chromium")
        assert note.read_text(encoding="utf-8") == text

    note.unlink()
    assert run("uninstall") == 0
    assert not (home / ".mozilla/native-messaging-hosts/org.poterne.host.json").exists()


def test_install_as_root_for_somebody_says_whose_home_it_wrote_to(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("SUDO_USER", "jeanne")

    run("install", "--browser", "firefox")

    assert "not for jeanne" in capsys.readouterr().err


def test_unknown_browsers_are_an_error_of_usage() -> None:
    with pytest.raises(SystemExit) as ended:
        run("install", "--browser", "netscape")

    assert ended.value.code == 2


def test_a_dry_run(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("install", "--browser", "firefox", "--dry-run") == 0

    assert capsys.readouterr().out.startswith("Firefox: would be registered: ")
    assert tree(home) == {}


def test_doctor_mends_and_speaks_json(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("doctor", "--browser", "firefox", "--json") == 1
    (before,) = json.loads(capsys.readouterr().out)["browsers"]
    assert (before["browser"], before["problem"]) == ("firefox", "no-manifest")

    assert run("doctor", "--browser", "firefox", "--json", "--fix") == 0
    (after,) = json.loads(capsys.readouterr().out)["browsers"]
    assert (after["problem"], after["version"]) == (None, poterne.__version__)


def test_a_snap_that_was_named_fails_the_command(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("install", "--browser", "chromium-snap") == 1
    assert "Chromium (Snap): cannot be registered" in capsys.readouterr().out


def test_what_other_users_may_not_enter_is_named(tmp_path: Path) -> None:
    closed = tmp_path / "closed"
    program = closed / "bin" / "python"
    program.parent.mkdir(parents=True)
    program.write_text("", encoding="utf-8")
    program.chmod(0o755)
    closed.chmod(0o700)

    found = disk.closed_to_others(program)

    # The tests' own folder may be closed already.
    assert found is not None
    assert found in (closed, *closed.parents)
    assert disk.closed_to_others(Path("/bin/sh")) is None
