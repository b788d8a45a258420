import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.unit.two_users import NEEDS_ROOT, NOBODY

from poterne.install import ownership
from poterne.install.ownership import writable_way

pytestmark = NEEDS_ROOT


@pytest.fixture
def program() -> Iterator[Path]:
    """A file of root's in folders of root's, in a folder like /tmp."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "opt" / "bin" / "poterne"
        path.parent.mkdir(parents=True)
        path.write_text("", encoding="utf-8")
        for part in (path, path.parent, path.parent.parent, Path(folder)):
            part.chmod(0o755)
        yield path


def test_what_only_root_can_change(program: Path) -> None:
    assert writable_way(program) is None
    assert writable_way(Path("/bin/sh")) is None


@pytest.mark.parametrize("above", [0, 1, 2, 3])
@pytest.mark.parametrize("harm", ["owner", "group", "others"])
def test_what_somebody_else_can_change_at_any_height(program: Path, above: int, harm: str) -> None:
    place = (program, *program.parents)[above]
    if harm == "owner":
        os.chown(place, NOBODY, NOBODY)
    else:
        place.chmod(0o775 if harm == "group" else 0o757)
    assert writable_way(program) == place


def test_a_folder_like_tmp_is_harmless_above_and_not_around_the_program(program: Path) -> None:
    program.parent.parent.chmod(0o1777)
    assert writable_way(program) is None
    program.parent.chmod(0o1777)
    assert writable_way(program) == program.parent


def test_a_link_is_looked_at_on_both_sides(program: Path) -> None:
    link = program.parent.parent / "poterne"
    link.symlink_to(program)
    assert writable_way(link) is None
    program.parent.chmod(0o777)
    assert writable_way(link) == program.parent
    program.parent.chmod(0o755)
    os.chown(link, NOBODY, NOBODY, follow_symlinks=False)
    assert writable_way(link) == link


def test_what_a_list_of_rights_lets_this_user_write_counts(program: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No mode tells of it; the kernel does."""
    monkeypatch.setattr(os, "geteuid", lambda: NOBODY)
    monkeypatch.setattr(os, "access", lambda path, mode: path == program.parent.parent and mode == os.W_OK)
    assert writable_way(program) == program.parent.parent


def test_what_cannot_be_seen_cannot_be_vouched_for(program: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lstat = Path.lstat

    def closed(self: Path) -> os.stat_result:
        if self == program:
            raise PermissionError(13, "Permission denied")
        return lstat(self)

    monkeypatch.setattr(Path, "lstat", closed)
    assert writable_way(program) == program


def test_a_registration_for_everybody_from_a_place_that_users_can_write_is_noted(
    program: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from poterne.install import commands

    monkeypatch.setattr(ownership, "writable", lambda machine, named: program)
    notes = list(commands._notes(True, []))
    assert f"others than root can change {program}, and so what every user's browser starts" in " ".join(notes)
    assert not any(str(program) in note for note in commands._notes(False, []))
