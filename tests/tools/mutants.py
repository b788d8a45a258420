"""Whether the unit tests notice a change of the code: `mutants.py [SUBJECT…]`, subjects and exceptions in mutants.toml.

mutmut changes one place after another, and runs the tests that reach it. Prints what no test noticed, and a figure for
each subject; fails where it is below LEAST. What cannot be told from the original (`equivalent`) is no change, nor is
one of words alone (`is_words`). What no test reaches is unnoticed; what runs into mutmut's time limit is noticed.

`--sample N` tries N changes only, which `--seed` chooses. `--folder` keeps what was found there, so that a run can go
on where it was ended: what a test has noticed is not tried again, what none had noticed is.
"""

import argparse
import ast
import contextlib
import json
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import tomllib
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from itertools import takewhile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
LEAST = 95.0
# mutmut's exit codes for a mutant: what it calls survived and no tests.
UNNOTICED = {0, 5, 33}
# So many at a time: mutmut compares every name that it is given with every mutant.
AT_A_TIME = 500
# What no mutant is called: mutmut makes them all, finds out which test reaches which, and tries none.
NONE = "none"
# Which test reaches which function, in mutmut's folder.
STATISTICS = "mutmut-stats.json"
COPIED = ("tests", "extension", "manifests", "docs")
SETTINGS = """
[tool.mutmut]
source_paths = ["src"]
# Each mutant has a process in which no tests have run: what those leave behind would make others fail.
process_isolation = "forkserver"
timeout_multiplier = 8.0
only_mutate = {sources}
also_copy = ["extension", "manifests", "docs", "host"]
pytest_add_cli_args = {arguments}
pytest_add_cli_args_test_selection = {tests}
"""
ARGUMENTS = ["-p", "no:cacheprovider", "-q", "--hypothesis-seed=0"]
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
    """Modules whose changes `tests` have to notice. `functions`: of a module that is not meant as a whole. `arguments`:
    what else pytest is told. `decorated`: whether functions with decorators are meant too.
    """

    name: str
    sources: tuple[str, ...]
    tests: tuple[str, ...]
    arguments: tuple[str, ...]
    decorated: bool
    functions: dict[str, list[str]]
    equivalents: tuple[Equivalent, ...]


@dataclass(frozen=True)
class Mutant:
    """One change. `key` is mutmut's name for it; lines are joined by a space. `noticed`: None where it was not
    tried.
    """

    key: str
    module: str
    function: str
    was: str
    becomes: str
    words: bool
    noticed: bool | None

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
            tuple(row.get("arguments", ())),
            row.get("decorated", False),
            row.get("functions", {}),
            tuple(Equivalent(**known) for known in row.get("equivalent", ())),
        )
        for name, row in table.items()
    }


@dataclass(frozen=True)
class Plan:
    """How many changes are tried: all, or a `sample`. `folder`: where to keep what was found."""

    sample: int | None
    seed: int
    folder: Path | None
    processes: int

    def chosen(self, subject: Subject, mutants: Sequence[Mutant]) -> list[Mutant]:
        """What to try. Of a sample, all may be noticed."""
        patterns = wanted(subject)
        meant = [mutant for mutant in mutants if any(fnmatchcase(mutant.key, pattern) for pattern in patterns)]
        if self.sample is None:
            return meant
        countable = [m for m in meant if not m.words and not any(map(m.is_one, subject.equivalents))]
        countable.sort(key=lambda mutant: mutant.key)
        return random.Random(self.seed).sample(countable, min(self.sample, len(countable)))  # noqa: S311


@contextlib.contextmanager
def workspace(subject: Subject, kept: Path | None) -> Iterator[Path]:
    """A copy in which modules are named as mutmut derives names from paths: it strips a leading `src` only."""
    with contextlib.ExitStack() as stack:
        if kept is None:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="poterne-mutants-")))
        else:
            folder = kept.resolve() / subject.name
            folder.mkdir(parents=True, exist_ok=True)
        skipped = shutil.ignore_patterns("__pycache__")
        for part, place in (*((part, part) for part in COPIED), ("host", "src")):
            shutil.rmtree(folder / place, ignore_errors=True)
            shutil.copytree(ROOT / part, folder / place, ignore=skipped, symlinks=True)
        # Of what it made of sources, mutmut finds out itself whether it is old; other files it leaves as they are.
        made = {file for source in subject.sources for file in (folder / "mutants/src/poterne").glob(f"{source}*")}
        for file in (folder / "mutants").rglob("*"):
            if file not in made and file.name != STATISTICS and not file.is_dir():
                file.unlink()
        for source in subject.sources if subject.decorated else ():
            for file in (folder / "src/poterne").glob(source):
                changed = file.stat()
                file.write_text(undecorated(file.read_text(encoding="utf-8")), encoding="utf-8")
                os.utime(file, ns=(changed.st_atime_ns, changed.st_mtime_ns))
        if not (folder / "host").is_symlink():
            (folder / "host").symlink_to("src")
        project = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
        settings = SETTINGS.format(
            sources=json.dumps([f"src/poterne/{source}" for source in subject.sources]),
            tests=json.dumps(expanded(subject.tests)),
            arguments=json.dumps([*ARGUMENTS, *subject.arguments]),
        )
        project = project.replace('pythonpath = ["."]', 'pythonpath = [".", "src"]') + settings
        (folder / "pyproject.toml").write_text(project, encoding="utf-8")
        yield folder


def undecorated(source: str) -> str:
    """The same module, in which functions are decorated after their definition: mutmut leaves out those that have other
    decorators than `staticmethod` or `classmethod`.
    """
    lines = source.splitlines()
    functions = [node for node in ast.walk(ast.parse(source)) if isinstance(node, Function) and node.decorator_list]
    for function in sorted(functions, key=lambda function: function.lineno, reverse=True):
        decorators = [ast.unparse(decorator) for decorator in function.decorator_list]
        if decorators in (["staticmethod"], ["classmethod"]):
            continue
        value = function.name
        for decorator in reversed(decorators):
            # Of a function that remembers its answer, mutmut would believe that only the first test reaches it.
            value = value if decorator == "cache" else f"{decorator}({value})"
        assert function.end_lineno is not None
        if value != function.name:
            lines.insert(function.end_lineno, f"{' ' * function.col_offset}{function.name} = {value}")
        del lines[function.decorator_list[0].lineno - 1 : function.lineno - 1]
    return "\n".join([*lines, ""])


def expanded(patterns: Sequence[str]) -> list[str]:
    """The files, and tests within a file as they are."""
    files = [[pattern] if "::" in pattern else map(str, sorted(ROOT.glob(pattern))) for pattern in patterns]
    return [str(Path(ROOT, file).relative_to(ROOT)) for same in files for file in same]


def wanted(subject: Subject) -> list[str]:
    """What is to be tried: patterns of mutmut's names."""
    if not subject.functions:
        return ["*"]
    patterns = []
    for source in subject.sources:
        module = source.removesuffix(".py").replace("/", ".")
        for function in subject.functions.get(source, ["*"]):
            owner, _, method = function.rpartition(".")
            mangled = "*" if function == "*" else f"xǁ{owner}ǁ{method}__*" if owner else f"x_{function}__mutmut_*"
            patterns.append(f"poterne.{module}.{mangled}")
    return patterns


def run_mutmut(folder: Path, arguments: Sequence[str], processes: int) -> None:
    """Raises RuntimeError with what mutmut said, where it did not come to its end."""
    command = [sys.executable, "-m", "mutmut", "run", "--max-children", str(processes), *arguments]
    # Other runs of pytest clear away what they take for old; a test that fails for it would pass for one that notices.
    temporary = folder / "tmp"
    temporary.mkdir(exist_ok=True)
    with (folder / "mutmut.log").open("w+", encoding="utf-8", errors="replace", newline="") as log:
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
            # Whatever a carriage return begins is drawn over the same line, many times.
            said = re.sub(r"\r[^\r\n]*", "", log.read())
            raise RuntimeError(f"mutmut ended with status {status}:\n{said[-4000:]}")


def tried(folder: Path, subject: Subject, plan: Plan) -> list[Mutant]:
    """What is to be tried, after it was. Raises RuntimeError where mutmut did not come to its end."""
    # mutmut ends with an error where it is to try nothing; if that was another one, it comes again.
    with contextlib.suppress(RuntimeError):
        run_mutmut(folder, [NONE], plan.processes)
    chosen = {mutant.key for mutant in plan.chosen(subject, results(folder, subject))}
    waiting = sorted(m.key for m in results(folder, subject) if m.key in chosen and not m.noticed) or [NONE]
    for start in range(0, len(waiting), AT_A_TIME):
        run_mutmut(folder, waiting[start : start + AT_A_TIME], plan.processes)
    return [mutant for mutant in results(folder, subject) if mutant.key in chosen]


def results(folder: Path, subject: Subject) -> list[Mutant]:
    """Every mutant."""
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
            noticed = None if code is None else code not in UNNOTICED
            found.append(_mutant(key, module, text.splitlines(), functions, noticed))
    return found


def _mutant(key: str, module: str, text: list[str], functions: dict[str, Function], noticed: bool | None) -> Mutant:
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
    """What stands between the lines that both begin and end with."""
    start = _alike(original, mutated)
    end = _alike(original[start:][::-1], mutated[start:][::-1])
    was, becomes = (lines[start : len(lines) - end] for lines in (original, mutated))
    return " ".join(map(str.strip, was)), " ".join(map(str.strip, becomes))


def _alike(one: list[str], other: list[str]) -> int:
    """How many lines both begin with."""
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(one, other, strict=False)))


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


def judge(subject: Subject, mutants: Sequence[Mutant], plan: Plan) -> bool:
    """Prints what nobody noticed and the figures; whether that is enough."""
    counted = [mutant for mutant in mutants if not mutant.words]
    wrong = [
        known
        for known in subject.equivalents
        if plan.sample is None and not any(mutant.is_one(known) and not mutant.noticed for mutant in counted)
    ]
    counted = [mutant for mutant in counted if not any(map(mutant.is_one, subject.equivalents))]
    for mutant in counted:
        if not mutant.noticed:
            print(f"\n{mutant.module}, {mutant.function} ({mutant.key}):\n  - {mutant.was}\n  + {mutant.becomes}")
    # Where a test notices what nothing can tell, tests fail for other reasons, and the figure says nothing.
    for known in wrong:
        print(f"\nNo such change, or it was noticed: {known.function}\n  - {known.was}\n  + {known.becomes}")
    print()
    every = Counter(mutant.module for mutant in counted)
    noticed = Counter(mutant.module for mutant in counted if mutant.noticed)
    for module in sorted(every):
        print(f"{module}: {noticed[module]} of {every[module]}")
    share = 100 * noticed.total() / len(counted) if counted else 0.0
    which = "" if plan.sample is None else f", a sample with seed {plan.seed}"
    print(f"{subject.name}: {noticed.total()} of {len(counted)} noticed ({share:.1f} %){which}", flush=True)
    return share >= LEAST and not wrong


def main(arguments: Sequence[str]) -> int:
    # A folder in use is removed whatever ends this process.
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(128 + number))
    known = subjects()
    parser = argparse.ArgumentParser(prog="mutants.py", description=__doc__)
    parser.add_argument("subjects", nargs="*", metavar="SUBJECT", help=f"of {' '.join(known)}; all unless given")
    parser.add_argument("--sample", type=int, metavar="N", help="try N changes only")
    parser.add_argument("--seed", type=int, default=0, help="chooses the sample (default: 0)")
    parser.add_argument("--folder", type=Path, help="keep there, for each subject, what was found, and go on with it")
    parser.add_argument("--processes", type=int, default=2, help="so many at a time (default: 2)")
    options = parser.parse_args(arguments)
    if strangers := [name for name in options.subjects if name not in known]:
        parser.error(f"no such subject: {' '.join(strangers)}; there are {' '.join(known)}")
    plan = Plan(options.sample, options.seed, options.folder, options.processes)
    enough = True
    for name in options.subjects or known:
        print(f"{name}: changing it place by place, which takes minutes", flush=True)
        with workspace(known[name], plan.folder) as folder:
            try:
                enough &= judge(known[name], tried(folder, known[name], plan), plan)
            except RuntimeError as error:
                print(error, file=sys.stderr)
                return 2
    return 0 if enough else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
