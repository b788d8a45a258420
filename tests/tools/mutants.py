"""Whether the unit tests notice a change of the code: `mutants.py [SUBJECT…]`, subjects and exceptions in mutants.toml.

mutmut changes one place after another, and runs the tests that reach it. Prints what no test noticed, and a figure for
each subject; fails where it is below LEAST. What cannot be told from the original (`equivalent`) is no change, nor is
one of words alone (`is_words`). What no test reaches is unnoticed; what runs into mutmut's time limit is noticed.
"""

import ast
import contextlib
import difflib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
LEAST = 95.0
PROCESSES = "2"
# mutmut's exit codes for a mutant: what it calls survived and no tests.
UNNOTICED = {0, 5, 33}
COPIED = ("tests", "extension", "manifests", "docs")
SETTINGS = """
[tool.mutmut]
source_paths = ["src"]
# Each mutant has a process in which no tests have run: what those leave behind would make others fail.
process_isolation = "forkserver"
timeout_multiplier = 8.0
only_mutate = {sources}
also_copy = ["extension", "manifests", "docs", "host"]
pytest_add_cli_args = ["-p", "no:cacheprovider", "-q", "--hypothesis-seed=0"]
pytest_add_cli_args_test_selection = {tests}
"""
_NAME = re.compile(r"(x_(?P<function>\w+)|xǁ(?P<owner>\w+)ǁ(?P<method>\w+))__mutmut_(?P<number>orig|\d+)")
Function = ast.FunctionDef | ast.AsyncFunctionDef
_WORDS = re.compile(r"\w \w")


@dataclass(frozen=True)
class Equivalent:
    """A change that no test can notice, and why."""

    function: str
    was: str
    becomes: str
    why: str


@dataclass(frozen=True)
class Subject:
    """Modules whose changes `tests` have to notice. `functions`: of a module that is not meant as a whole."""

    name: str
    sources: tuple[str, ...]
    tests: tuple[str, ...]
    functions: dict[str, list[str]]
    equivalents: tuple[Equivalent, ...]


@dataclass(frozen=True)
class Mutant:
    """One change. `key` is mutmut's name for it; lines are joined by a space."""

    key: str
    module: str
    function: str
    was: str
    becomes: str
    words: bool
    noticed: bool

    def is_one(self, known: Equivalent) -> bool:
        return (self.function, self.was, self.becomes) == (known.function, known.was, known.becomes)


def subjects() -> dict[str, Subject]:
    with Path(__file__).with_suffix(".toml").open("rb") as file:
        table = tomllib.load(file)
    return {
        name: Subject(
            name,
            tuple(row["sources"]),
            tuple(row["tests"]),
            row.get("functions", {}),
            tuple(Equivalent(**known) for known in row.get("equivalent", ())),
        )
        for name, row in table.items()
    }


@contextlib.contextmanager
def workspace(subject: Subject) -> Iterator[Path]:
    """A copy in which modules are named as mutmut derives names from paths: it strips a leading `src` only."""
    with tempfile.TemporaryDirectory(prefix="poterne-mutants-") as name:
        folder = Path(name)
        skipped = shutil.ignore_patterns("__pycache__")
        for part in COPIED:
            shutil.copytree(ROOT / part, folder / part, ignore=skipped, symlinks=True)
        shutil.copytree(ROOT / "host", folder / "src", ignore=skipped, symlinks=True)
        (folder / "host").symlink_to("src")
        project = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
        settings = SETTINGS.format(
            sources=json.dumps([f"src/poterne/{source}" for source in subject.sources]),
            tests=json.dumps(expanded(subject.tests)),
        )
        project = project.replace('pythonpath = ["."]', 'pythonpath = [".", "src"]') + settings
        (folder / "pyproject.toml").write_text(project, encoding="utf-8")
        yield folder


def expanded(patterns: Sequence[str]) -> list[str]:
    return [str(path.relative_to(ROOT)) for pattern in patterns for path in sorted(ROOT.glob(pattern))]


def wanted(subject: Subject) -> list[str]:
    """What mutmut is to run, where that is not everything: patterns of its names."""
    if not subject.functions:
        return []
    patterns = []
    for source in subject.sources:
        module = source.removesuffix(".py").replace("/", ".")
        for function in subject.functions.get(source, ["*"]):
            owner, _, method = function.rpartition(".")
            mangled = "*" if function == "*" else f"xǁ{owner}ǁ{method}__*" if owner else f"x_{function}__mutmut_*"
            patterns.append(f"poterne.{module}.{mangled}")
    return patterns


def run_mutmut(folder: Path, arguments: Sequence[str]) -> None:
    """Raises RuntimeError with what mutmut said, where it did not come to its end."""
    command = [sys.executable, "-m", "mutmut", "run", "--max-children", PROCESSES, *arguments]
    # Other runs of pytest clear away what they take for old; a test that fails for it would pass for one that notices.
    temporary = folder / "tmp"
    temporary.mkdir()
    with (folder / "mutmut.log").open("w+", encoding="utf-8", errors="replace") as log:
        process = subprocess.Popen(  # noqa: S603
            command,
            cwd=folder,
            env=os.environ | {"TMPDIR": str(temporary)},
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            status = process.wait()
        except BaseException:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            raise
        if status:
            log.seek(0)
            raise RuntimeError(f"mutmut ended with status {status}:\n{log.read()[-4000:]}")


def results(folder: Path, subject: Subject) -> list[Mutant]:
    """Every mutant that was run."""
    found = []
    for source in sorted(
        path for pattern in subject.sources for path in (folder / "mutants/src/poterne").glob(pattern)
    ):
        meta = source.with_name(f"{source.name}.meta")
        if not meta.exists():
            continue
        codes: dict[str, int | None] = json.loads(meta.read_text(encoding="utf-8"))["exit_code_by_key"]
        text = source.read_text(encoding="utf-8")
        functions = {node.name: node for node in ast.walk(ast.parse(text)) if isinstance(node, Function)}
        module = str(source.relative_to(folder / "mutants/src/poterne"))
        for key, code in codes.items():
            if code is not None:
                found.append(_mutant(key, module, text.splitlines(), functions, code not in UNNOTICED))
    return found


def _mutant(key: str, module: str, text: list[str], functions: dict[str, Function], noticed: bool) -> Mutant:
    name = key.rpartition(".")[2]
    match = _NAME.fullmatch(name)
    assert match is not None, key
    mutated, original = functions[name], functions[f"{match[1]}__mutmut_orig"]
    was, becomes = _changed_lines(_lines(text, original), _lines(text, mutated))
    place = difference(ast.Module(original.body, []), ast.Module(mutated.body, []))
    function = match["function"] or f"{match['owner']}.{match['method']}"
    return Mutant(key, module, function, was, becomes, is_words(place), noticed)


def _lines(text: list[str], function: Function) -> list[str]:
    """A function by the name that it had before mutmut gave it another."""
    first, *rest = text[function.lineno - 1 : function.end_lineno]
    return [_NAME.sub(lambda match: match["function"] or match["method"], first, count=1), *rest]


def _changed_lines(original: list[str], mutated: list[str]) -> tuple[str, str]:
    lines = [line for line in difflib.ndiff(original, mutated) if line[:2] in ("- ", "+ ")]
    was = " ".join(line[2:].strip() for line in lines if line.startswith("-"))
    return was, " ".join(line[2:].strip() for line in lines if line.startswith("+"))


def difference(original: ast.AST, mutated: ast.AST) -> ast.AST | None:
    """The smallest part of the original that the other one has not."""
    if type(original) is not type(mutated):
        return original
    places: list[ast.AST | None] = []
    for field in original._fields:
        before, after = getattr(original, field, None), getattr(mutated, field, None)
        if isinstance(before, ast.AST) and isinstance(after, ast.AST):
            places.append(difference(before, after))
        elif isinstance(before, list) and isinstance(after, list):
            places.extend(_differences(original, before, after))
        elif before != after:
            return original
    places = [place for place in places if place is not None]
    return places[0] if len(places) == 1 else original if places else None


def _differences(whole: ast.AST, before: list[ast.AST], after: list[ast.AST]) -> list[ast.AST | None]:
    if not all(isinstance(item, ast.AST) for item in (*before, *after)):
        return [whole] if before != after else []
    if len(before) == len(after):
        return [difference(*pair) for pair in zip(before, after, strict=True)]
    if len(before) < len(after):
        return [whole]
    kept = [ast.dump(item) for item in after]
    return [next((item for item in before if ast.dump(item) not in kept), whole)]


def is_words(place: ast.AST | None) -> bool:
    """Whether a change has met a message only, or has left it out: a string in which two words stand beside each other.
    Keys, formats and whatever else a program reads are one word.
    """
    parts = place.values if isinstance(place, ast.JoinedStr) else [place]
    return any(
        isinstance(part, ast.Constant) and isinstance(part.value, str) and _WORDS.search(part.value) for part in parts
    )


def judge(subject: Subject, mutants: Sequence[Mutant]) -> bool:
    """Prints what nobody noticed and the figure; whether that is enough."""
    counted = [mutant for mutant in mutants if not mutant.words]
    wrong = [
        known
        for known in subject.equivalents
        if not any(mutant.is_one(known) and not mutant.noticed for mutant in counted)
    ]
    counted = [mutant for mutant in counted if not any(map(mutant.is_one, subject.equivalents))]
    for mutant in counted:
        if not mutant.noticed:
            print(f"\n{mutant.module}, {mutant.function} ({mutant.key}):\n  - {mutant.was}\n  + {mutant.becomes}")
    # Where a test notices what nothing can tell, tests fail for other reasons, and the figure says nothing.
    for known in wrong:
        print(f"\nNo such change, or it was noticed: {known.function}\n  - {known.was}\n  + {known.becomes}")
    noticed = sum(mutant.noticed for mutant in counted)
    share = 100 * noticed / len(counted) if counted else 0.0
    print(f"\n{subject.name}: {noticed} of {len(counted)} noticed ({share:.1f} %)", flush=True)
    return share >= LEAST and not wrong


def main(names: Sequence[str]) -> int:
    # A folder in use is removed whatever ends this process.
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(128 + number))
    known = subjects()
    if strangers := [name for name in names if name not in known]:
        print(f"no such subject: {' '.join(strangers)}; there are {' '.join(known)}", file=sys.stderr)
        return 2
    enough = True
    for name in names or known:
        print(f"{name}: changing it place by place, which takes minutes", flush=True)
        with workspace(known[name]) as folder:
            try:
                run_mutmut(folder, wanted(known[name]))
            except RuntimeError as error:
                print(error, file=sys.stderr)
                return 2
            enough &= judge(known[name], results(folder, known[name]))
    return 0 if enough else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
