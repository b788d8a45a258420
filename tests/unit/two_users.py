"""Poterne as a user who may not see everything: another user id, and a private /etc, on this very kernel."""

import json
import os
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from tests.unit.native_process import HOST_ROOT

NOBODY = 65534
DROP = ("setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups", "--inh-caps=-all")
# Most of what a command takes is the start of Python.
EACH = """
import contextlib, io, json, sys
from poterne.cli import main as cli
done = []
for command in json.loads(sys.argv[1]):
    with contextlib.redirect_stdout(io.StringIO()) as output, contextlib.redirect_stderr(io.StringIO()) as error:
        status = cli.main(command)
    done.append((status, output.getvalue(), error.getvalue()))
print(json.dumps(done))
"""
NEEDS_ROOT = pytest.mark.skipif(
    sys.platform != "linux" or os.geteuid() != 0, reason="needs root on Linux: two users, and a /etc of its own"
)


@dataclass(frozen=True)
class Installation:
    """A virtual environment with Poterne that everybody may run, below `folder`; `home` is that user's own."""

    folder: Path

    @property
    def python(self) -> Path:
        return self.folder / "venv" / "bin" / "python"

    @property
    def home(self) -> Path:
        return self.folder / "home"

    @property
    def environment(self) -> dict[str, str]:
        return {"HOME": str(self.home), "PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LANG": "C.UTF-8"}

    def command(self, *command: str, prepare: str = "") -> list[str]:
        """The command as that user, after a script of sh that root runs in a mount namespace of its own: over /etc lies
        what is private to it.
        """
        upper, work = self.folder / "root" / "upper", self.folder / "root" / "work"
        lay = f'mount -t overlay overlay -o "lowerdir=/etc,upperdir={upper},workdir={work}" /etc'
        script = f'set -e\n{lay}\ncd /etc\n{prepare}\ncd /\nexec "$@"'
        return ["unshare", "--mount", "sh", "-c", script, "sh", *DROP, *command]

    def clear(self) -> None:
        """Takes away what the last command found in its /etc."""
        for part in ("upper", "work"):
            shutil.rmtree(self.folder / "root" / part, ignore_errors=True)
            (self.folder / "root" / part).mkdir(parents=True)

    def run(self, *arguments: str, prepare: str = "") -> "subprocess.CompletedProcess[str]":
        """`poterne` with these arguments; never waits for long."""
        return self._run(str(self.python), "-m", "poterne", *arguments, prepare=prepare)

    def run_each(self, *commands: Sequence[str], prepare: str = "") -> list[tuple[int, str, str]]:
        """The exit status, standard output and standard error of each, one after the other in one process."""
        done = self._run(str(self.python), "-c", EACH, json.dumps(commands), prepare=prepare)
        assert done.returncode == 0, done.stderr
        return [(status, output, error) for status, output, error in json.loads(done.stdout)]

    def _run(self, *command: str, prepare: str) -> "subprocess.CompletedProcess[str]":
        self.clear()
        return subprocess.run(  # noqa: S603
            self.command(*command, prepare=prepare),
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
            stdin=subprocess.DEVNULL,
            env=self.environment,
        )


@contextmanager
def installed() -> Iterator[Installation]:
    """Skips where another user can run no Python of this version, or where /etc cannot be laid over."""
    folder = Path(tempfile.mkdtemp(prefix="poterne-two-users-"))
    try:
        folder.chmod(0o755)
        made = Installation(folder)
        _make(made)
        made.home.mkdir()
        os.chown(made.home, NOBODY, NOBODY)
        tried = made.run("--version")
        if tried.returncode:
            pytest.skip(f"another user cannot run Poterne over a private /etc here: {tried.stderr.strip()[-200:]}")
        yield made
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _make(installation: Installation) -> None:
    version = sysconfig.get_python_version()
    candidates = (os.path.realpath(sys.executable), f"/usr/bin/python{version}")
    usable = (python for python in candidates if _runs([python, "-I", "-c", "import venv"]))
    python = next(usable, None)
    if python is None:
        pytest.skip(f"another user can run no Python {version} here")
    environment = installation.folder / "venv"
    subprocess.run([python, "-m", "venv", "--without-pip", str(environment)], check=True, capture_output=True)  # noqa: S603
    (packages,) = environment.glob("lib/python*/site-packages")
    # Of its own, since others may write the folder, and be kept from entering one, in which this clone lies.
    shutil.copytree(HOST_ROOT / "poterne", packages / "poterne", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(HOST_ROOT.parent / "manifests" / "ids.json", packages / "poterne" / "install")
    shutil.copytree(HOST_ROOT.parent / "extension" / "_locales", packages / "poterne" / "_locales")
    # That user cannot write what was compiled, and would compile it anew for every command.
    subprocess.run([python, "-m", "compileall", "-q", str(packages / "poterne")], check=True, capture_output=True)  # noqa: S603
    (packages / "others.pth").write_text(f"{sysconfig.get_path('purelib')}\n", encoding="utf-8")
    script = environment / "bin" / "poterne"
    script.write_text(f"#!{installation.python}\nimport sys\nfrom poterne.cli.main import main\nsys.exit(main())\n")
    script.chmod(0o755)


def _runs(command: Sequence[str]) -> bool:
    # Not setpriv, which keeps root's rights until it has found the program.
    try:
        ended = subprocess.run(command, capture_output=True, check=False, user=NOBODY, group=NOBODY, extra_groups=[])  # noqa: S603
    except OSError:
        return False
    return ended.returncode == 0
