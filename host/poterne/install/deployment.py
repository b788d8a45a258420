"""Browsers' policies as files: in a folder for the administrator's tools, or this machine's own, to be taken back."""

import contextlib
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from poterne.errors import InvalidRequest, SetupError
from poterne.install import browsers, disk, other_hosts, policy_ledger, policy_output
from poterne.install.browsers import Browser
from poterne.install.machine import Machine
from poterne.install.other_hosts import OtherHost
from poterne.install.policy_ledger import Change, Ledger
from poterne.install.policy_plan import File, Plan, take_back
from poterne.policy import Policy


@dataclass(frozen=True)
class Written:
    """One file. `kept`: what was left as it was although Poterne would have it otherwise, and what else is to be known
    of it, a line each.
    """

    path: Path
    change: Change
    kept: Sequence[str] = ()


def with_policies(names: Sequence[str]) -> list[Browser]:
    """The browsers of these names, or all, that an administrator can tell anything, each place once."""
    every = [browser for browser in browsers.table().values() if browser.sandbox is None]
    chosen = [browsers.named(name) for name in names] or every
    found: dict[object, Browser] = {}
    for browser in chosen:
        if browser.policies:
            found.setdefault(tuple(sorted((key, tuple(value)) for key, value in browser.policies.items())), browser)
        elif names:
            raise SetupError(f"it is not known where {browser.title} reads policies; {_sandboxed(browser)}")
    return list(found.values())


def generate(policy: Policy, folder: Path, names: Sequence[str] = ()) -> list[Written]:
    """Write, for every system, what browsers are told; merged into a file that is there. Raises SetupError."""
    done = []
    for file in policy_output.outputs(policy, folder, with_policies(names)):
        if file.data == file.before:
            done.append(Written(file.path, "unchanged", file.kept))
            continue
        disk.make_directory(file.path.parent, public=False)
        disk.write_bytes(file.path, file.data)
        done.append(Written(file.path, "written", file.kept))
    return done


def refuse(found: Sequence[OtherHost]) -> None:
    """What is said where nobody was asked. Raises InvalidRequest."""
    names = ", ".join(each.name for each in found) or "none is registered now"
    raise InvalidRequest(f"this switches off programs of others ({names})")


def apply(
    policy: Policy,
    names: Sequence[str] = (),
    machine: Machine | None = None,
    consent: Callable[[Sequence[OtherHost]], None] = refuse,
) -> list[Written]:
    """Tell the browsers of this Linux machine; without names, those that are here.

    Every file is written or none. `consent` is asked before hosts of others are switched off, and raises where they are
    not to be. Raises SetupError.
    """
    machine = machine or Machine.this()
    if machine.platform != "linux":
        raise SetupError("only Linux has files of policies: import what poterne policy generate --output wrote")
    named = names or [browser.name for browser in browsers.here(machine) if browser.policies]
    if not named:
        raise SetupError("no browser found here; name one with --browser")
    with _alone(machine):
        return _apply(policy, with_policies(named), machine, consent)


def _apply(
    policy: Policy, chosen: Sequence[Browser], machine: Machine, consent: Callable[[Sequence[OtherHost]], None]
) -> list[Written]:
    ledger = Ledger.of(machine)
    policy_ledger.clear(list(ledger.entries))
    plan, stepped = _judged(policy, chosen, machine, ledger)
    if (found := other_hosts.switched_off(chosen, plan, machine)) is not None:
        consent(found)
        # Whoever answers takes their time, and others may have been at work.
        _, again = _judged(policy, chosen, machine, ledger)
        if [step for step, _ in again] != [step for step, _ in stepped]:
            raise SetupError("policies here have been changed in the meantime; nothing was written: run it again")
    todo = [step for step, _ in stepped if step.current != step.wanted or step.entry != ledger.entry(step.path)]
    if todo:
        policy_ledger.carry_out(todo, ledger)
    return [
        Written(file.name, _change(step), file.notes)
        for step, file in stepped
        if step.current != step.wanted or step.entry is not None or file.part or file.notes
    ]


def _judged(
    policy: Policy, chosen: Sequence[Browser], machine: Machine, ledger: Ledger
) -> tuple[Plan, list[tuple[policy_ledger.Step, File]]]:
    """What is to become of each file. Raises SetupError where one cannot be judged."""
    plan = Plan(ledger)
    try:
        for browser in chosen:
            plan.add(browser, policy, machine)
        return plan, plan.stepped()
    except SetupError as error:
        raise SetupError(f"{error}; nothing was written") from error


def would_switch_off(
    policy: Policy, names: Sequence[str] = (), machine: Machine | None = None
) -> Sequence[OtherHost] | None:
    """The hosts of others here that these policies would keep from being started; `None` where they would switch off
    none, or where that cannot be said.
    """
    machine = machine or Machine.this()
    plan = Plan(Ledger(Path()))
    chosen = with_policies(names)
    try:
        for browser in chosen:
            if machine.platform == "linux":
                plan.add(browser, policy, machine)
        return other_hosts.switched_off(chosen, plan, machine) if machine.platform == "linux" else None
    except SetupError:
        return None


def withdraw(machine: Machine | None = None) -> list[Written]:
    """Take away what `apply` added, and nothing else. A file that cannot be judged or restored is `left`, with the
    reason, and a later call finishes the work. Raises SetupError.
    """
    machine = machine or Machine.this()
    with _alone(machine):
        return _withdraw(machine)


def _withdraw(machine: Machine) -> list[Written]:
    ledger = Ledger.of(machine)
    done: list[Written] = []
    steps = []
    for name, entry in ledger.entries.items():
        try:
            steps.append(take_back(Path(name), entry))
        except SetupError as error:
            done.append(Written(Path(name), "left", [str(error)]))
    policy_ledger.clear(list(ledger.entries))
    for step in steps:
        try:
            policy_ledger.put_back(step, ledger)
        except SetupError as error:
            done.append(Written(step.path, "left", [str(error)]))
        else:
            if step.wanted != step.current:
                done.append(Written(step.path, "removed" if step.wanted is None else "restored", step.notes))
            elif step.notes:
                done.append(Written(step.path, "unchanged", step.notes))
    if not ledger.entries:
        policy_ledger.close(ledger, machine)
    return done


def is_applied(machine: Machine) -> bool:
    """Whether `apply` has written policies that are still there."""
    return bool(Ledger.of(machine).entries)


@contextlib.contextmanager
def _alone(machine: Machine) -> Iterator[None]:
    """One run at a time: each would write down the other's work as the organisation's. Raises SetupError."""
    if sys.platform == "win32":
        yield
        return
    import fcntl

    # The root folder is always there, and a lock on it leaves nothing behind.
    handle = os.open(machine.root, os.O_RDONLY)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise SetupError("another poterne policy is at work; nothing was changed") from None
        yield
    finally:
        os.close(handle)


def _change(step: policy_ledger.Step) -> Change:
    if step.current == step.wanted:
        return "unchanged"
    if step.wanted is None:
        return "removed"
    return "restored" if step.entry is None else "written"


def _sandboxed(browser: Browser) -> str:
    return "it is a sandboxed package" if browser.sandbox else "it is not in the table"
