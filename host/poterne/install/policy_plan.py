"""What browsers' policy files are to become: every file is read and judged before the first is touched."""

import json
import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from poterne.errors import SetupError
from poterne.install import browsers, enterprise, ownership, policy_files, stated
from poterne.install.attributes import Attributes
from poterne.install.browsers import Browser
from poterne.install.enterprise import Rules
from poterne.install.machine import Machine
from poterne.install.policy_files import Dialect, Tree, understand
from poterne.install.policy_ledger import Entry, Ledger, Step
from poterne.policy import Policy

# Of two files that hold one policy the later name counts: this one comes before whatever an organisation adds later.
OWN_FILE = "0-poterne.json"


@dataclass
class File:
    """One file, without links; `name` is a path by which a browser comes to it. `tree` and `data` are what it says now;
    `theirs` and `own` what it would without Poterne (`own` None: it would not be there). `part` is what it gets.
    """

    path: Path
    name: Path
    dialect: Dialect
    data: bytes | None
    tree: Tree
    attributes: Attributes
    own: bytes | None
    theirs: Tree
    part: Tree = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    @property
    def merged(self) -> Tree:
        """What it is to say."""
        return enterprise.unite(self.theirs, self.part)

    def get(self, tree: Mapping[str, Any]) -> None:
        """Add to what it gets."""
        self.part = enterprise.unite(self.part, tree)

    def step(self, before: Entry | None) -> Step:
        """What is to be done; the notes grow by what that means for others."""
        merged = enterprise.merge(self.theirs, Rules(self.part))
        self.notes += merged.kept
        if merged.tree == self.theirs:
            return Step(self.path, self.data, self.own, self.attributes, None)
        wanted = policy_files.dump(merged.tree)
        if self.own is not None and policy_files.has_comments(self.own) and self.dialect is policy_files.chromium:
            self.notes.append(
                "its comments are gone; poterne policy remove brings them back if nobody edits it meanwhile"
            )
        if not self.attributes.public:
            self.notes.append("not every user may read it: browsers of those who may not do not see what stands there")
        if before is not None and self.tree == merged.tree and self.data is not None:
            # Somebody has only written it in another way.
            wanted = self.data
        entry = Entry(_text(self.own), self.theirs, _text(self.data), wanted.decode("utf-8"), self.part)
        if before is not None and wanted == self.data and (before.text, before.added) == (entry.text, entry.added):
            entry = before
        return Step(self.path, self.data, wanted, self.attributes, entry)


@dataclass
class Plan:
    """`own`: the name of the file that holds what no other does; `files` by path; `folders`: what Chromium's browsers
    read in each, the one that counts last.
    """

    ledger: Ledger
    own: str = OWN_FILE
    files: dict[Path, File] = field(default_factory=dict)
    folders: dict[Path, Sequence[File]] = field(default_factory=dict)

    def add(self, browser: Browser, policy: Policy, machine: Machine) -> None:
        """Tell one more browser. Raises SetupError where a file that it reads cannot be understood."""
        ours = enterprise.rules(browser, policy)
        extension = enterprise.extension_id(browser.family, policy)
        if browser.family == "firefox":
            self._firefox(browser, ours.tree, extension, machine)
        else:
            (directory,) = (machine.place(place) for place in browser.policies["linux"])
            self._chromium(directory, ours.tree, extension)

    def disregard(self, path: Path) -> None:
        """Take what a file says for Poterne's own."""
        file = self._file(path, policy_files.chromium)
        file.own, file.theirs = None, {}

    def stepped(self) -> list[tuple[Step, File]]:
        """What is to be done, file by file, in the order of their paths."""
        found = []
        for path, file in sorted(self.files.items()):
            step = file.step(self.ledger.entry(path))
            file.notes = list(dict.fromkeys(file.notes))
            found.append((step, file))
        return found

    def read(self, directory: Path) -> Sequence[File]:
        """The files that Chromium's browsers read in a folder, and the one that Poterne may add."""
        policy_files.check_links(directory)
        folder = _real(directory)
        if folder not in self.folders:
            names = policy_files.listing(folder)
            self.folders[folder] = [self._file(name, policy_files.chromium) for name in names]
            self._file(folder / self.own, policy_files.chromium)
        return self.folders[folder]

    def effective(self, directory: Path, key: str, *, after: bool) -> Any:
        """What a policy comes to in a folder, as it is or as it will be."""
        files = list(self.read(directory))
        own = self.files[_real(_real(directory) / self.own)]
        if all(file is not own for file in files):
            # Nothing else holds what it does.
            files = [own, *files]
        trees = [file.merged if after else file.tree for file in files]
        return next((tree[key] for tree in reversed(trees) if key in tree), None)

    def _chromium(self, directory: Path, ours: Mapping[str, Any], extension: str) -> None:
        files = [file for file in self.read(directory) if file.own is not None]
        own = self.files[_real(_real(directory) / self.own)]
        rest = stated.leave_out(ours, stated.in_chromium(files, ours, extension), "extensions", extension)
        for key, value in rest.items():
            # Of two files that hold a policy only one counts; what extensions find as managed is merged from all.
            holders = [file for file in files if key in file.theirs and key != "3rdparty"]
            (holders[-1] if holders else own).get({key: value})

    def _firefox(self, browser: Browser, ours: Mapping[str, Any], extension: str, machine: Machine) -> None:
        places = [machine.place(place) for place in browser.policies["linux"]]
        for place in places:
            if self.ledger.entry(_real(place)) is not None:
                self._file(place, policy_files.strict)
        # Firefox reads the first that is there.
        there = (file for place in places if (file := self._file(place, policy_files.strict)).own is not None)
        file = next(there, None) or self._file(places[0], policy_files.strict)
        if file.own is None and (hidden := _hidden_by(file.name, machine)):
            file.notes.append(f"is not made: it would hide {hidden} from browsers that read both")
            return
        rest = stated.leave_out(ours, stated.in_firefox(file, ours, extension), "Extensions", extension)
        file.get({"policies": rest})

    def _file(self, name: Path, dialect: Dialect) -> File:
        path = _real(name)
        if path not in self.files:
            self.files[path] = self._found(path, name, dialect)
        return self.files[path]

    def _found(self, path: Path, name: Path, dialect: Dialect) -> File:
        data = policy_files.read(name)
        _check_way(path, name)
        if data is None:
            return File(path, name, dialect, None, {}, Attributes(), None, {})
        try:
            attributes = Attributes.of(path)
        except OSError as error:
            raise SetupError(f"{name} cannot be read ({error.strerror or error})") from error
        tree = understand(data, dialect, name)
        entry = self.ledger.entry(path)
        own, theirs = (data, tree) if entry is None else without_ours(data, tree, entry)
        return File(path, name, dialect, data, tree, attributes, own, theirs)


def _check_way(path: Path, name: Path) -> None:
    """Raises SetupError where a link leads to what others than root can put elsewhere before root writes it."""
    if sys.platform != "linux" or os.geteuid() != 0 or path == name.absolute():
        return
    if (place := ownership.movable(path)) is not None:
        raise SetupError(f"{name} leads to {path}, and others than root can change {place}")


def _hidden_by(path: Path, machine: Machine) -> Path | None:
    """A file that some browser would not read any more if there were one here."""
    for browser in browsers.table().values():
        places = [machine.place(place) for place in browser.policies.get("linux", ())]
        if browser.family == "firefox" and path in places:
            later = places[places.index(path) + 1 :]
            if there := next((place for place in later if os.path.lexists(place)), None):
                return there
    return None


def without_ours(data: bytes, tree: Tree, entry: Entry) -> tuple[bytes | None, Tree]:
    """What a file would be without Poterne (None: not there), as text and as policies."""
    if _text(data) in (entry.text, entry.wrote, entry.replaced):
        return (None if entry.text is None else entry.text.encode("utf-8")), entry.before
    left = enterprise.subtract(tree, Rules(entry.added, entry.owned), entry.before)
    if entry.text is None and left in ({}, {"policies": {}}):
        return None, {}
    return (data if left == tree else policy_files.dump(left)), left


def take_back(path: Path, entry: Entry) -> Step:
    """What has to be done so that nothing of Poterne is left in a file. Raises SetupError where it cannot be judged."""
    data = policy_files.read(path)
    if data is None:
        gone = "is gone: if it has another name now, what Poterne added still stands in it"
        return Step(path, None, None, Attributes(), None, () if entry.text is None else (gone,))
    try:
        attributes = Attributes.of(path)
    except OSError as error:
        raise SetupError(f"{path} cannot be read ({error.strerror or error})") from error
    if data in _bytes(entry):
        return Step(path, data, None if entry.text is None else entry.text.encode("utf-8"), attributes, None)
    dialect = policy_files.strict if "policies" in entry.added else policy_files.chromium
    tree = understand(data, dialect, path)
    wanted, left = without_ours(data, tree, entry)
    return Step(path, data, wanted, attributes, None, tuple(_doubtful(left, entry)))


def _doubtful(left: Tree, entry: Entry) -> Iterator[str]:
    """What stays although Poterne had added some of it: somebody has stated it anew since."""
    for key, added in _lists(entry.added).items():
        there, before = _lists(left).get(key, []), _lists(entry.before).get(key, [])
        if words := json.dumps([word for word in added if word in there and word not in before]).strip("[]"):
            yield f"{'.'.join(key)} stays {json.dumps(there)}: it was written anew, and {words} may be yours"


def _lists(tree: Mapping[str, Any], path: tuple[str, ...] = ()) -> dict[tuple[str, ...], list[Any]]:
    found: dict[tuple[str, ...], list[Any]] = {}
    for name, value in tree.items():
        if isinstance(value, list):
            found[*path, name] = value
        elif isinstance(value, Mapping):
            found |= _lists(value, (*path, name))
    return found


def _bytes(entry: Entry) -> Iterator[bytes]:
    return (text.encode("utf-8") for text in (entry.text, entry.wrote, entry.replaced) if text is not None)


def _text(data: bytes | None) -> str | None:
    return None if data is None else data.decode("utf-8")


def _real(path: Path) -> Path:
    return Path(os.path.realpath(path))
