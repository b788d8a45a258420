import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from poterne import rate
from poterne.errors import Forbidden


def test_the_limit_holds_for_a_minute(tmp_path: Path) -> None:
    path = tmp_path / "checks"
    for moment in (1000.0, 1001.0, 1002.0):
        rate.count(3, path, moment)
    with pytest.raises(Forbidden, match=r"allows 3 checks a minute; the next in 58 s \(allow\.checks_per_minute\)"):
        rate.count(3, path, 1002.5)
    rate.count(3, path, 1060.5)
    with pytest.raises(Forbidden):
        rate.count(3, path, 1060.6)


def test_another_process_goes_on_counting(tmp_path: Path) -> None:
    code = f"from poterne import rate; from pathlib import Path; rate.count(1, Path({str(tmp_path / 'checks')!r}))"
    first, second = (subprocess.run([sys.executable, "-c", code], capture_output=True, check=False) for _ in range(2))  # noqa: S603
    assert (first.returncode, second.returncode) == (0, 1)
    assert b"Forbidden" in second.stderr


def test_without_a_limit_nothing_is_written(tmp_path: Path) -> None:
    rate.count(None, tmp_path / "checks")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("text", ["", "{", "{}", '["x", null]', "[99999999999]"])
def test_a_spoiled_count_begins_anew(tmp_path: Path, text: str) -> None:
    path = tmp_path / "checks"
    path.write_text(text, encoding="ascii")
    rate.count(1, path, 1000.0)
    assert json.loads(path.read_text(encoding="ascii")) == [1000.0]


def test_where_nothing_can_be_counted_nothing_is_checked(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").write_text("[]", encoding="ascii")
    (tmp_path / "link").symlink_to(tmp_path / "elsewhere")
    for path in (tmp_path, tmp_path / "link", tmp_path / "no" / "folder"):
        with pytest.raises(Forbidden, match=r"cannot be counted .*allow\.checks_per_minute"):
            rate.count(1, path)


@pytest.mark.skipif(sys.platform == "win32" or os.geteuid() != 0, reason="only root can give files away")
def test_a_file_of_somebody_else_is_not_believed(tmp_path: Path) -> None:
    path = tmp_path / "checks"
    path.write_text("[]", encoding="ascii")
    os.chown(path, 65534, 65534)
    with pytest.raises(Forbidden, match="somebody else"):
        rate.count(1, path)
