import json
from pathlib import Path

import pytest
from tests.unit.cli.test_cli import Run, checking, environment, run
from tests.unit.core_certificates import HOST, pki
from tests.unit.core_scripts import smtp
from tests.unit.core_servers import Server

__all__ = ["environment", "run"]


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    here = tmp_path / "here"
    here.mkdir()
    monkeypatch.chdir(here)
    return here


def exporting(run: Run, tmp_path: Path, *options: str) -> tuple[int, str, str]:
    with Server(smtp(pki().good)) as server:
        return checking(run, tmp_path, HOST, *options, p587=server)


def test_a_file_is_written_beside_the_text_and_the_status_is_the_check_s(
    run: Run, tmp_path: Path, folder: Path
) -> None:
    status, out, err = exporting(run, tmp_path, "--export", "json")
    assert status == 0
    assert HOST in out
    (file,) = folder.iterdir()
    assert file.name == f"{HOST}.json"
    assert file.name in err
    assert json.loads(file.read_bytes())["settings"]["outgoing"][0]["port"] == 587


def test_standard_output_takes_the_file_alone(run: Run, tmp_path: Path, folder: Path) -> None:
    status, out, err = exporting(run, tmp_path, "--export", "json", "--output", "-")
    assert (status, err, list(folder.iterdir())) == (0, "", [])
    assert json.loads(out)["settings"]["outgoing"][0]["host"] == HOST


def test_a_file_that_is_there_is_kept_unless_forced(run: Run, tmp_path: Path, folder: Path) -> None:
    file = folder / "mine.json"
    file.write_text("mine")
    arguments = ("--export", "json", "--output", "mine.json")
    status, out, err = run("check", HOST, *arguments)
    assert (status, out, err.count("\n")) == (2, "", 1)
    assert "mine.json" in err
    assert file.read_text() == "mine"
    assert exporting(run, tmp_path, *arguments, "--force")[0] == 0
    assert json.loads(file.read_bytes())["schema"] == 1


def test_what_a_format_lacks_is_one_line_and_no_file(run: Run, tmp_path: Path, folder: Path) -> None:
    status, _, err = exporting(run, tmp_path, "--export", "mobileconfig")
    assert status == 1
    assert "receiving" in err.splitlines()[-1]
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize(
    "arguments",
    [
        ("--export", "exe"),
        ("--output", "file"),
        ("--force",),
        ("--export", "text", "--output", "."),
        ("--export", "text", "--output", "-", "--json"),
        ("--export", "text", "--output", "-", "--jsonl"),
    ],
)
def test_what_makes_no_sense_is_refused_before_anything_is_probed(run: Run, arguments: tuple[str, ...]) -> None:
    status, out, err = run("check", HOST, *arguments)
    assert (status, out, err.count("\n")) == (2, "", 1)
