"""What the pages of the manual say of commands, options and files: taken from the program itself."""

import argparse
import time
from collections.abc import Iterable, Iterator
from pathlib import Path

from manifests.packages import place
from poterne.cli import main as cli


def values(epoch: int, placed: Iterable[Path]) -> dict[str, str]:
    """What the pages of the manual are filled with."""
    paths = [_roff(f"/{path}") for path in placed]
    listed = "\n".join(f".{'TQ' if number else 'TP'}\n.I {path}" for number, path in enumerate(paths))
    return {
        "VERSION": place.version(),
        "DATE": time.strftime("%Y-%m-%d", time.gmtime(epoch)),
        "COMMANDS": "\n".join(_commands()),
        "MANIFESTS": f"{listed}\nTells a browser which extension may start\n.BR poterne\\-host (1).",
    }


def _commands() -> Iterator[str]:
    """Each command as `--help` tells of it."""
    for action in cli._parser()._actions:
        if isinstance(action, argparse._SubParsersAction):
            told = {choice.dest: choice.help for choice in action._choices_actions}
            for name, command in action.choices.items():
                yield from _command(name, command, told.get(name))


def _command(name: str, command: argparse.ArgumentParser, told: str | None) -> Iterator[str]:
    positional = " ".join(
        f"[{_placeholder(action)}]" if action.nargs == "?" else _placeholder(action)
        for action in command._actions
        if not action.option_strings and not isinstance(action, argparse._SubParsersAction)
    )
    yield f".SS poterne {_roff(f'{name} {positional}'.strip())}"
    if told:
        yield _sentence(told)
    for action in command._actions:
        if isinstance(action, argparse._SubParsersAction):
            for below, parser in action.choices.items():
                yield from _command(f"{name} {below}", parser, parser.description)
        elif action.help != argparse.SUPPRESS and "--help" not in action.option_strings:
            title = ", ".join(f"\\fB{_roff(option)}\\fR" for option in action.option_strings)
            value = "" if action.nargs == 0 else f"\\fI{_roff(_placeholder(action))}\\fR"
            yield f".TP\n{' '.join(part for part in (title, value) if part)}"
            yield _sentence((action.help or "") % {**vars(action), "prog": command.prog})


def _placeholder(action: argparse.Action) -> str:
    if action.metavar is None and action.choices is not None:
        return "{" + ",".join(map(str, action.choices)) + "}"
    return str(action.metavar or action.dest.upper())


def _sentence(text: str) -> str:
    word = text.partition(" ")[0]
    return _roff(text[:1].upper() + text[1:] if word.isalpha() else text) + ("" if text.endswith(".") else ".")


def _roff(text: str) -> str:
    escaped = text.replace("\\", "\\e").replace("-", "\\-")
    return "\\&" + escaped if escaped.startswith((".", "'")) else escaped
