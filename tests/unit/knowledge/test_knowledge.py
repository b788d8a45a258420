"""Tables are read into records, and whatever does not fit is named with its file, its row and its key."""

import copy
import importlib
from collections.abc import Callable, Mapping
from dataclasses import FrozenInstanceError, dataclass, fields, is_dataclass
from pathlib import Path
from typing import Any

import pytest

from poterne import knowledge
from poterne.errors import TableError
from poterne.knowledge import (
    app_passwords,
    auth,
    controls,
    dialogues,
    discovery,
    installer,
    names,
    networks,
    ports,
    special,
    timing,
)
from poterne.knowledge.reading import load, record

FOLDER = Path(knowledge.__file__).parent
TABLES = sorted(file.stem for file in FOLDER.glob("*.toml"))
Change = Callable[[dict[str, Any]], None]


def reader(name: str) -> Any:
    """The cached function that reads a table."""
    module = importlib.import_module(f"poterne.knowledge.{name}")
    return module.usual if name == "timing" else module.table


def inner(value: object) -> list[object]:
    """A record, and everything in it."""
    found = [value]
    if is_dataclass(value):
        parts = [getattr(value, field.name) for field in fields(value)]
    elif isinstance(value, Mapping):
        parts = list(value.values())
    else:
        parts = list(value) if isinstance(value, tuple | frozenset) else []
    return found + [each for part in parts for each in inner(part)]


@pytest.mark.parametrize("name", TABLES)
def test_each_table_is_read_by_the_module_of_its_name_and_cannot_be_changed(name: str) -> None:
    table = reader(name)()
    assert reader(name)() is table, "it is read once"
    for value in inner(table):
        assert not isinstance(value, list | dict | set)
        if is_dataclass(value):
            with pytest.raises((FrozenInstanceError, TypeError)):
                setattr(value, fields(value)[0].name, None)
            assert not hasattr(value, "__dict__")


def test_nothing_that_stands_in_a_table_gets_lost() -> None:
    for name in TABLES:
        assert count(load(name)) == count(reader(name)()), name


def count(value: object) -> int:
    """How many values there are, however deep; of a record those that are not as they are by default."""
    if is_dataclass(value):
        parts = [(field, getattr(value, field.name)) for field in fields(value) if field.init]
        return sum(count(part) for field, part in parts if part != field.default)
    if isinstance(value, Mapping):
        return sum(map(count, value.values()))
    return sum(map(count, value)) if isinstance(value, list | tuple | frozenset) else 1


def test_a_host_reads_what_a_check_needs_before_the_first() -> None:
    for name in TABLES:
        reader(name).cache_clear()
    knowledge.warm()
    left = [name for name in TABLES if not reader(name).cache_info().currsize]
    assert left == ["formats", "installer", "tls", "trust"]


def put(path: str, value: object) -> Change:
    """Sets a value, at a path such as `port.3.rank`."""
    *way, last = [int(step) if step.isdigit() else step for step in path.split(".")]

    def change(table: Any) -> None:
        for step in way:
            table = table[step]
        table[last] = value

    return change


def drop(path: str) -> Change:
    """Takes a key away."""
    *way, last = [int(step) if step.isdigit() else step for step in path.split(".")]

    def change(table: Any) -> None:
        for step in way:
            table = table[step]
        del table[last]

    return change


def twice(key: str) -> Change:
    """Says the first row once more."""

    def change(table: dict[str, Any]) -> None:
        table[key].append(table[key][0])

    return change


def changed(name: str, change: Change) -> dict[str, Any]:
    """A copy of a table, changed."""
    table = copy.deepcopy(load(name))
    change(table)
    return table


@pytest.mark.parametrize(
    ("name", "kind", "change", "message"),
    [
        # keys
        ("ports", ports.Ports, put("port.3.colour", "red"), "ports.toml, port 4: unknown key “colour”"),
        ("ports", ports.Ports, put("ports", []), "ports.toml: unknown key “ports”"),
        ("ports", ports.Ports, drop("port.0.rank"), "ports.toml, port 1: “rank” is missing"),
        ("controls", controls.Controls, put("by_host", {}), "controls.toml: unknown key “by_host”"),
        ("timing", timing.Timing, drop("dialogue"), "timing.toml: “dialogue” is missing"),
        ("timing", timing.Timing, put("names.anser", 1.0), "timing.toml, names: unknown key “anser”"),
        # types
        ("ports", ports.Ports, put("port.1.number", "587"), "port 2, number: expected a whole number, not '587'"),
        ("ports", ports.Ports, put("port.1.number", 587.0), "port 2, number: expected a whole number, not 587.0"),
        ("ports", ports.Ports, put("port.1.number", True), "port 2, number: expected a whole number, not True"),
        ("ports", ports.Ports, put("port.1.usual", 1), "port 2, usual: expected true or false, not 1"),
        ("ports", ports.Ports, put("port.1.schemes", "smtp"), "port 2, schemes: expected an array, not 'smtp'"),
        ("ports", ports.Ports, put("port.1.schemes", [5]), "port 2, schemes 1: expected a text, not 5"),
        ("ports", ports.Ports, put("port", {}), "ports.toml, port: expected an array, not {}"),
        ("ports", ports.Ports, put("port.1", 5), "ports.toml, port 2: expected a table, not 5"),
        ("auth", auth.Auth, put("mechanisms", []), "auth.toml, mechanisms: expected a table, not []"),
        ("timing", timing.Timing, put("trace.hold", "soon"), "trace, hold: expected a number, not 'soon'"),
        # what may stand there
        ("ports", ports.Ports, put("port.0.begins", "ssl"), "expected one of 'tls', 'starttls', 'none', not 'ssl'"),
        ("ports", ports.Ports, put("port.0.number", 65536), "port 1, number: expected 1 to 65535, not 65536"),
        ("ports", ports.Ports, put("port.0.rank", 0), "port 1, rank: expected 1 to 1000000, not 0"),
        ("timing", timing.Timing, put("compare.silence", -1), "compare, silence: expected 0 to 600, not -1"),
        ("timing", timing.Timing, put("compare.silence", float("nan")), "compare, silence: expected 0 to 600, not nan"),
        ("timing", timing.Timing, put("late.attempts", []), "timing.toml, late: the attempts have to begin at 0"),
        ("timing", timing.Timing, put("late.attempts", [0.5]), "timing.toml, late: the attempts have to begin at 0"),
        ("timing", timing.Timing, put("late.attempts", [0, 2, 1]), "each has to be later than the one before"),
        ("timing", timing.Timing, put("late.give_up", 1.0), "timing.toml, late: nothing can come after give_up"),
        ("networks", networks.Networks, put("network.0.date", "last year"), "network 1, date: expected a year"),
        ("networks", networks.Networks, put("network.0.name", ""), "network 1, name: expected a text without space"),
        ("networks", networks.Networks, drop("network.1.relay"), "network 2: “relay” has to be there"),
        ("networks", networks.Networks, put("network.0.relay", "smtp.free.fr"), "network 1: “relay” has to be there"),
        ("controls", controls.Controls, put("control.0.host", "Mail.example"), "control 1, host: expected a host"),
        ("controls", controls.Controls, put("random.zones", ["com", "com"]), "“zones” has to name two zones"),
        ("controls", controls.Controls, put("canary.addresses", ["192.0.2.256"]), "canary, addresses 1: '192.0.2.256'"),
        ("special", special.Special, put("inside", ["10.0.0.1/8"]), "special.toml, inside 1: 10.0.0.1/8 has host bits"),
        ("dialogues", dialogues.Dialogues, put("dialogue.smtp.positive", "("), "smtp, positive: no regular expression"),
        ("dialogues", dialogues.Dialogues, put("dialogue.NNTP", {}), "dialogue: expected a label of DNS"),
        ("dialogues", dialogues.Dialogues, drop("dialogue.imap.upgraded"), "dialogue, imap: “offer”, “upgrade” and"),
        ("dialogues", dialogues.Dialogues, drop("dialogue.pop3.implied.given"), "pop3, implied: either “unless” or"),
        ("discovery", discovery.Discovery, put("ispdb", "http://x.example/"), "ispdb: expected an https:// URL"),
        ("auth", auth.Auth, put("order.families", ["password"]), "auth.toml: 'certificate' has no place in the order"),
        ("installer", installer.Installer, put("install.haiku", ""), "install: expected one of 'linux', 'darwin'"),
        # nothing twice
        ("ports", ports.Ports, twice("port"), "ports.toml: the port 465 stands twice"),
        ("ports", ports.Ports, put("port.1.schemes", ["smtps"]), "ports.toml: the scheme 'smtps' stands twice"),
        ("controls", controls.Controls, twice("control"), "controls.toml: the host '"),
        (
            "controls",
            controls.Controls,
            put("control.0.ports", [25, 25]),
            "control 1, ports: the value 25 stands twice",
        ),
        ("networks", networks.Networks, twice("network"), "networks.toml: the id 'free' stands twice"),
        ("networks", networks.Networks, put("network.1.suffixes", ["proxad.net"]), "the suffix 'proxad.net' stands"),
        ("names", names.ConventionalNames, twice("name"), "names.toml: the label 'smtp' stands twice"),
        ("app_passwords", app_passwords.AppPasswords, twice("provider"), "app_passwords.toml: the host '"),
        ("discovery", discovery.Discovery, twice("source"), "discovery.toml: the source 'typed' stands twice"),
        ("discovery", discovery.Discovery, twice("srv"), "discovery.toml: the label '_submissions' stands twice"),
    ],
)
def test_what_does_not_fit_is_named(name: str, kind: type[object], change: Change, message: str) -> None:
    with pytest.raises(TableError) as refused:
        record(changed(name, change), kind, f"{name}.toml")
    assert message in str(refused.value)
    assert str(refused.value).startswith(f"{name}.toml")
    assert "\n" not in str(refused.value)


def test_a_whole_number_will_do_for_a_number() -> None:
    table = changed("timing", put("names.answer", 5))
    found = record(table, timing.Timing, "timing.toml")
    assert (found, type(found.names.answer)) == (timing.usual(), float)


def test_what_may_be_missing_may_be_there() -> None:
    @dataclass(frozen=True, slots=True)
    class Row:
        text: str | None = None

    assert record({}, Row, "here") == Row()
    assert record({"text": "x"}, Row, "here") == Row("x")
    with pytest.raises(TableError, match="here, text: expected a text, not 5"):
        record({"text": 5}, Row, "here")


def test_each_port_has_a_dialogue_and_each_conventional_name_ports() -> None:
    known = dialogues.table().dialogue
    assert {row.dialogue for row in ports.table().port} <= set(known)
    for row in names.table().name:
        assert any(
            port.usual and port.direction in row.directions and port.dialogue in (row.protocols or known)
            for port in ports.table().port
        )
