"""Whether only root can change this program: what users can write must not be run as root, nor for every user."""

import os
import stat
import sys
import sysconfig
from pathlib import Path

import poterne
from poterne.install.machine import Machine


def writable(machine: Machine, program: Path) -> Path | None:
    """The first place on the way to this Poterne that somebody else than root can write: its command, its interpreter,
    its package, its libraries, and every folder above them. None where only root can.
    """
    if sys.platform == "win32":
        return None
    parts = [program, Path(machine.executable), Path(poterne.__file__).parent]
    parts += [Path(sysconfig.get_path(name)) for name in ("purelib", "platlib")]
    return next((found for part in parts if (found := writable_way(part))), None)


def writable_way(path: Path) -> Path | None:
    """The same for one path, both as it is named and as its links lead."""
    for way in dict.fromkeys((path.absolute(), Path(os.path.realpath(path)))):
        for part in (*reversed(way.parents), way):
            try:
                found = part.lstat()
            except FileNotFoundError:
                break
            except OSError:
                # What cannot be seen cannot be vouched for.
                return part
            if _is_anybodys(part, found, near=part in (way, way.parent)):
                return part
    return None


def movable(path: Path) -> Path | None:
    """The first folder on the way to a path in which somebody else than root can put another thing in the place of the
    next; None where only root can.
    """
    for part in reversed(path.parents):
        if _is_anybodys(part, part.lstat(), near=False):
            return part
    return None


def _is_anybodys(part: Path, found: os.stat_result, *, near: bool) -> bool:
    if found.st_uid != 0:
        return True
    if stat.S_ISLNK(found.st_mode):
        return False
    if found.st_mode & stat.S_ISVTX and not near:
        # As in /tmp: nobody takes away what is root's there. Beside the program itself a new file is harm enough.
        return False
    if found.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
        return True
    return sys.platform != "win32" and os.geteuid() != 0 and os.access(part, os.W_OK)
