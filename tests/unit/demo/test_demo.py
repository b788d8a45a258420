import argparse
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from poterne import policy
from poterne.demo import demo


def arguments(*words: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    demo.add_arguments(parser.add_subparsers(dest="command"))
    return parser.parse_args(["demo", *words])


def say(key: str, /, **values: object) -> str:
    return " ".join([key, *map(str, values.values())])


class Checks:
    """Stands for the command line's check; the worlds are real."""

    def __init__(self, *statuses: int) -> None:
        self.statuses = list(statuses)
        self.seen: list[str] = []
        self.path: Path | None = None

    def __call__(self, target: str, path: Path) -> int:
        assert policy.load(path).lab is not None
        self.seen.append(target)
        self.path = path
        return self.statuses.pop(0)


@pytest.mark.parametrize(("statuses", "status"), [((0, 0), 0), ((1, 0), 1), ((0, 3), 3)])
def test_showcase(statuses: tuple[int, int], status: int, capsys: pytest.CaptureFixture[str]) -> None:
    checks = Checks(*statuses)
    assert demo.run(arguments(), check=checks, say=say, language="fr") == status
    assert checks.seen == ["jane@provider.example", "smtp.quiet25.example"]
    assert checks.path is not None
    assert not checks.path.exists()
    out = capsys.readouterr().out
    assert "cli_demo_target jane@provider.example un fournisseur chez qui tout marche" in out


def test_one_target() -> None:
    checks = Checks(1)
    assert demo.run(arguments("smtp.busy.example:25"), check=checks, say=say) == 1
    assert checks.seen == ["smtp.busy.example:25"]


def test_interruption_stops_the_servers() -> None:
    paths = []
    before = set(threading.enumerate())

    def interrupted(_target: str, path: Path) -> int:
        paths.append(path)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        demo.run(arguments(), check=interrupted, say=say)
    assert not paths[0].exists()
    assert not any(thread.name == "poterne-lab" for thread in set(threading.enumerate()) - before)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGINT to send to one process")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_serve_lists_the_targets_until_interrupted(number: signal.Signals) -> None:
    code = (
        "import argparse, signal, sys; from poterne.demo import demo\n"
        # A runner in the background of a shell hands its children an interrupt that is ignored.
        "signal.signal(signal.SIGINT, signal.default_int_handler)\n"
        "say = lambda key, **values: ' '.join([key, *map(str, values.values())])\n"
        "args = argparse.Namespace(target=None, serve=True)\n"
        "sys.exit(demo.run(args, check=lambda target, path: 9, say=say, language='en'))"
    )
    with subprocess.Popen(  # noqa: S603
        [sys.executable, "-W", "error", "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        listed = []
        while not (line := process.stdout.readline()).startswith("cli_demo_serving"):
            assert line, process.communicate()
            listed.append(line)
        path = Path(line.split()[1])
        assert path.exists()
        process.send_signal(number)
        try:
            out, err = process.communicate(timeout=5)
        finally:
            process.kill()
    assert (process.returncode, out, err) == (0, "", "")
    assert any(line.split()[:1] == ["smtp.quiet25.example"] and "never answers" in line for line in listed)
    assert f"--policy {path}" in line
    assert not path.parent.exists()


@pytest.mark.parametrize("library", ["aiosmtpd", "trustme"])
@pytest.mark.parametrize(
    ("module", "words"),
    [("poterne.cli.main", ["demo"]), ("poterne.cli.main", ["demo", "--serve"]), ("poterne.demo.__main__", [])],
)
def test_without_the_extra_it_says_what_to_install(library: str, module: str, words: list[str]) -> None:
    code = f"import sys; sys.modules[{library!r}] = None; from {module} import main; sys.exit(main({words}))"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)  # noqa: S603
    assert (run.returncode, run.stdout) == (3, "")
    (line,) = run.stderr.splitlines()
    assert line.endswith("aiosmtpd and trustme: install poterne[demo]")


def test_nothing_heavy_is_imported_for_the_arguments() -> None:
    code = (
        "import sys, argparse; from poterne.demo import demo\n"
        "demo.add_arguments(argparse.ArgumentParser().add_subparsers())\n"
        "print(*sorted({'aiosmtpd', 'trustme', 'dns', 'asyncio', 'pydantic', 'poterne.demo.world'} & set(sys.modules)))"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=os.environ)  # noqa: S603
    assert run.stdout.strip() == ""
