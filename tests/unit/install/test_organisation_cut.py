"""Runs of `policy generate --write` and `remove` that are cut short, what others do in between, and broken ledgers."""

import json
import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.unit.setup_machines import machine
from tests.unit.setup_organisation import (
    ALLOWED,
    CHROME,
    FORMS,
    ID,
    LEDGER,
    asked,
    effective,
    notes,
    prepared,
    put,
    several,
    state,
)

from poterne.errors import SetupError
from poterne.install import deployment
from poterne.install.machine import Machine

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="only Linux has files of policies")


@pytest.fixture
def here(tmp_path: Path) -> Machine:
    made = machine(tmp_path)
    # As it is on every machine.
    made.place("/usr/local/lib").mkdir(parents=True)
    return made


# Every call with which something of the machine is changed.
CALLS = ("mkdir", "open", "replace", "rename", "unlink", "fsync", "fchmod", "fchown", "rmdir", "chmod")


def at_call(monkeypatch: pytest.MonkeyPatch, at: int, act: Callable[[], object]) -> None:
    """Do something instead of a call that changes the machine, once so many have been made."""
    left = [at]
    for name in CALLS:
        real = getattr(os, name)

        def counted(*args: Any, _real: Any = real, _name: str = name, **kwargs: Any) -> Any:
            if _name != "open" or args[1] & os.O_CREAT:
                left[0] -= 1
                if left[0] == 0:
                    act()
            return _real(*args, **kwargs)

        monkeypatch.setattr(os, name, counted)


def fail() -> None:
    raise OSError(28, "No space left on device")


def killed(monkeypatch: pytest.MonkeyPatch, at: int, run: Callable[[], object]) -> bool:
    """Whether a process of its own, which is gone at that call, was; its parent goes on."""
    child = os.fork()
    if child == 0:
        at_call(monkeypatch, at, lambda: os._exit(7))
        try:
            run()
        finally:
            os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 7


def steps() -> Iterator[int]:
    yield from range(1, 400)


@pytest.mark.parametrize("again", [False, True], ids=["first", "second"])
def test_a_run_that_fails_anywhere_leaves_nothing(here: Machine, monkeypatch: pytest.MonkeyPatch, again: bool) -> None:
    prepared(here)
    if again:
        deployment.apply(asked(pinned=False, other_hosts=("com.third",)), ["chrome", "edge"], here)
    before = state(here.root)
    for at in steps():
        with monkeypatch.context() as patch:
            at_call(patch, at, fail)
            try:
                deployment.apply(asked(), ["chrome", "chromium", "firefox"], here)
            except SetupError as error:
                assert "No space left on device" in str(error)
            else:
                break
        assert state(here.root) == before, at
    assert at > 20
    deployment.withdraw(here)


@pytest.mark.parametrize("again", [False, True], ids=["first", "second"])
def test_wherever_a_run_is_killed_all_of_it_is_found(
    here: Machine, monkeypatch: pytest.MonkeyPatch, again: bool
) -> None:
    prepared(here)
    before = state(here.root)
    for at in steps():
        if again:
            deployment.apply(asked(pinned=False, other_hosts=("com.third",)), ["chrome", "edge"], here)
        begun = killed(monkeypatch, at, lambda: deployment.apply(asked(), ["chrome", "chromium", "firefox"], here))
        deployment.withdraw(here)
        assert state(here.root) == before, at
        if not begun:
            break
    assert at > 20


def test_wherever_a_removal_is_killed_the_next_one_finishes_it(here: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    prepared(here)
    before = state(here.root)
    for at in steps():
        deployment.apply(asked(), ["chrome", "chromium", "firefox"], here)
        begun = killed(monkeypatch, at, lambda: deployment.withdraw(here))
        deployment.withdraw(here)
        assert state(here.root) == before, at
        if not begun:
            break
    assert at > 20


def test_what_others_have_broken_since_is_left_and_the_rest_restored(here: Machine) -> None:
    prepared(here)
    before = state(here.root)
    deployment.apply(asked(), ["chrome", "chromium", "firefox"], here)
    broken = here.place(CHROME) / "z.json"
    whole = broken.read_text()
    broken.write_text("{")

    done = deployment.withdraw(here)

    assert [entry.path for entry in done if entry.change == "left"] == [broken]
    assert list(json.loads(here.place(LEDGER).read_text())["files"]) == [str(broken)]
    broken.write_text(whole.replace("com.other", "com.changed"))
    assert [entry.change for entry in deployment.withdraw(here)] == ["restored"]
    assert json.loads(broken.read_text()) == {"NativeMessagingAllowlist": ["com.changed"]}
    broken.write_text(f"{{{ALLOWED}}}")
    assert state(here.root) == before


def test_what_others_say_later_of_our_extension_is_theirs(here: Machine) -> None:
    folder = put(here, CHROME, several())
    deployment.apply(asked(), ["chrome"], here)
    own = folder / "0-poterne.json"
    held = json.loads(own.read_text())
    held["ExtensionSettings"][ID]["installation_mode"] = "blocked"
    own.write_text(json.dumps(held))

    done = deployment.apply(asked(), ["chrome"], here)

    assert effective(folder)["ExtensionSettings"][ID]["installation_mode"] == "blocked"
    assert any(line.startswith(f"0-poterne.json: ExtensionSettings.{ID} stays") for line in notes(done))
    deployment.withdraw(here)
    assert json.loads(own.read_text()) == {"ExtensionSettings": {ID: {"installation_mode": "blocked"}}}


@pytest.mark.parametrize("broken", ["", "{", "[]", '{"files": {"/x": {}}}', '{"files": 1}'])
def test_a_ledger_that_cannot_be_understood_is_never_written_over(here: Machine, broken: str) -> None:
    prepared(here)
    deployment.apply(asked(), ["chrome"], here)
    ledger = here.place(LEDGER)
    ledger.write_text(broken)
    before = state(here.root)

    with pytest.raises(SetupError, match=f"^{ledger} cannot be understood"):
        deployment.apply(asked(), ["chrome"], here)
    with pytest.raises(SetupError, match=f"^{ledger} cannot be understood"):
        deployment.withdraw(here)
    assert state(here.root) == before


def test_a_ledger_of_an_earlier_version_is_understood(here: Machine) -> None:
    folder = put(here, CHROME, FORMS["no suffix"])
    before = state(here.root)
    deployment.apply(asked(), ["chrome"], here)
    ledger = here.place(LEDGER)
    held = json.loads(ledger.read_text())
    for entry in held["files"].values():
        del entry["replaced"]
        entry["owned"] = [["ExtensionSettings", ID]]
    ledger.write_text(json.dumps({"files": held["files"]}))
    (ledger.parent / "registered.json").write_text(json.dumps({"directories": [str(ledger.parent)], "browsers": []}))

    deployment.withdraw(here)

    assert folder.is_dir()
    assert state(here.root) == before
