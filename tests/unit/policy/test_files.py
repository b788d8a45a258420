import errno
import os
import socket
import stat
import sys
from pathlib import Path

import pytest
from tests.unit.net.test_connect import descriptors

from poterne.policy.files import is_absent, open_regular, read, seems_there

posix = pytest.mark.skipif(sys.platform == "win32", reason="Windows has neither FIFOs nor sockets in folders")


def told(error: OSError) -> tuple[int | None, str | None, str]:
    return error.errno, error.strerror, str(error.filename)


def faulty(monkeypatch: pytest.MonkeyPatch, culprit: Path, error: OSError, call: str = "lstat") -> None:
    usual = getattr(Path, call)

    def seen(self: Path, **options: bool) -> os.stat_result:
        # Some versions of Python make lstat of stat.
        if self == culprit and options.get("follow_symlinks", True):
            raise error
        result: os.stat_result = usual(self, **options)
        return result

    monkeypatch.setattr(Path, call, seen)


def test_what_stands_at_a_path_is_not_absent(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.touch()
    assert not is_absent(file)
    assert seems_there(file)
    assert not is_absent(tmp_path)


def test_what_is_missing_or_below_what_is_missing_is_absent(tmp_path: Path) -> None:
    for path in (tmp_path / "file", tmp_path / "folder" / "file"):
        assert is_absent(path)
        assert not seems_there(path)


def test_below_a_file_nothing_is_absent(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.touch()
    with pytest.raises(NotADirectoryError) as caught:
        is_absent(file / "below")
    assert told(caught.value) == (errno.ENOTDIR, f"{file} is not a folder", str(file))
    assert seems_there(file / "below")


@pytest.mark.parametrize("below", ["", "below"])
def test_a_link_that_leads_nowhere_is_not_absent(tmp_path: Path, below: str) -> None:
    link = tmp_path / "link"
    link.symlink_to(tmp_path / "missing")
    with pytest.raises(FileNotFoundError) as caught:
        is_absent(link / below)
    assert told(caught.value) == (errno.ENOENT, f"the link {link} leads nowhere", str(link))


def test_a_link_that_leads_to_itself_is_not_absent(tmp_path: Path) -> None:
    link = tmp_path / "link"
    link.symlink_to(link)
    with pytest.raises(OSError, match="cannot be followed") as caught:
        is_absent(link)
    said = f"the link {link} cannot be followed: {os.strerror(errno.ELOOP)}"
    assert told(caught.value) == (errno.ELOOP, said, str(link))


def test_a_fault_without_words_of_its_own_is_told_as_python_tells_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    faulty(monkeypatch, tmp_path, OSError("odd"), "stat")
    with pytest.raises(OSError, match="cannot be followed: odd"):
        is_absent(tmp_path)
    faulty(monkeypatch, tmp_path, OSError("odder"))
    with pytest.raises(OSError, match="cannot be seen: odder"):
        is_absent(tmp_path)


def test_a_folder_that_may_not_be_entered_is_to_blame(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "file"
    faulty(monkeypatch, file, PermissionError(errno.EACCES, "Permission denied", str(file)))
    with pytest.raises(PermissionError) as caught:
        is_absent(file)
    assert told(caught.value) == (errno.EACCES, f"this user may not enter {tmp_path}", str(tmp_path))
    assert seems_there(file)


def test_any_other_fault_is_told_of_the_path_that_has_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    faulty(monkeypatch, tmp_path, OSError(errno.EIO, "broken", "elsewhere"))
    with pytest.raises(OSError, match="cannot be seen") as caught:
        is_absent(tmp_path / "file")
    assert told(caught.value) == (errno.EIO, f"{tmp_path} cannot be seen: broken", str(tmp_path))


def test_a_name_with_a_nul_is_no_files(tmp_path: Path) -> None:
    assert not seems_there(tmp_path / "a\0b")
    with pytest.raises(OSError, match="null byte") as caught:
        open_regular(tmp_path / "a\0b")
    assert (caught.value.errno, caught.value.filename) == (errno.EINVAL, str(tmp_path / "a\0b"))


def test_a_regular_file_is_opened_as_asked(tmp_path: Path) -> None:
    path = tmp_path / "file"
    with os.fdopen(open_regular(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL), "wb") as file:
        file.write(b"ab")
    assert sys.platform == "win32" or stat.S_IMODE(path.stat().st_mode) == 0o600
    with os.fdopen(open_regular(path), "rb") as file:
        assert file.read() == b"ab"
        assert not os.get_inheritable(file.fileno())
    with pytest.raises(FileExistsError):
        open_regular(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL)


@posix
def test_a_file_is_made_with_the_mode_that_was_asked_for(tmp_path: Path) -> None:
    os.close(open_regular(tmp_path / "file", os.O_WRONLY | os.O_CREAT, 0o400))
    assert stat.S_IMODE((tmp_path / "file").stat().st_mode) == 0o400


def test_a_missing_file_is_told_as_missing(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        open_regular(tmp_path / "file")


@posix
@pytest.mark.parametrize("flags", [os.O_RDONLY, os.O_WRONLY])
@pytest.mark.parametrize("kind", ["FIFO", "socket", "device"])
def test_what_is_no_regular_file_is_not_waited_for_and_not_kept(tmp_path: Path, kind: str, flags: int) -> None:
    path = Path(os.devnull) if kind == "device" else tmp_path / kind
    listener = socket.socket(socket.AF_UNIX)
    if kind == "FIFO":
        os.mkfifo(path)
    elif kind == "socket":
        listener.bind(str(path))
    before = descriptors()
    with pytest.raises(OSError, match="not a regular file") as caught:
        open_regular(path, flags)
    assert (caught.value.errno, caught.value.filename) == (errno.EINVAL, str(path))
    assert descriptors() == before
    listener.close()


def test_a_file_may_have_so_many_bytes_and_no_more(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_bytes(b"abc")
    assert read(file, 3) == b"abc"
    with pytest.raises(OSError, match="larger than 2 bytes") as caught:
        read(file, 2)
    assert (caught.value.errno, caught.value.filename) == (errno.EFBIG, str(file))
