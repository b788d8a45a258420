"""Which parser of strangers' bytes is fuzzed by which target, and how a target is driven.

A target is a function of bytes: it runs a parser on them and asserts what must hold whatever they are. `parsers.toml`
names the functions that read bytes or text and need no target, with the reason; every other function that calls one of
`CALLS` has to be named by a target, and its corpus has to lead there.
"""

import ast
import sys
import tomllib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Any

from hypothesis import strategies as st

HOST = Path(__file__).parents[2] / "host"
CORPUS = Path(__file__).parent / "corpus"
EXEMPT: dict[str, str] = tomllib.loads((Path(__file__).parent / "parsers.toml").read_text(encoding="utf-8"))["exempt"]

CALLS = frozenset(
    {
        "fromstring",
        "from_bytes",
        "from_wire",
        "get_message_raw",
        "getpeercert",
        "load_certificate",
        "load_der_x509_certificate",
        "loads",
        "model_validate",
        "model_validate_json",
        "next_event",
        "recv",
        "recvmsg",
        "resolve",
        "unpack",
        "unpack_from",
        "urlsplit",
    }
)
"""Names of functions and methods that make something of bytes or text. `stream.line` is one too, see `readers`."""

Run = Callable[[bytes], None]


@dataclass(frozen=True)
class Target:
    """`parsers` are dotted names of functions of the host; `words` are what its input is likely to be made of."""

    name: str
    run: Run
    parsers: tuple[str, ...]
    words: tuple[bytes, ...]

    @property
    def folder(self) -> Path:
        """Where its corpus is."""
        return CORPUS / self.name

    def corpus(self) -> dict[str, bytes]:
        """The corpus, by file name."""
        return {file.name: file.read_bytes() for file in sorted(self.folder.glob("*")) if file.is_file()}

    def inputs(self) -> st.SearchStrategy[bytes]:
        """Words and noise in any order, and what the corpus holds with a few places changed."""
        noise = st.one_of(st.sampled_from(self.words), st.binary(max_size=40), st.just(b"x" * 5000))
        made = st.lists(noise, max_size=24).map(b"".join)
        edit = st.tuples(st.integers(0, 1 << 16), st.integers(0, 64), noise)
        known = st.sampled_from(list(self.corpus().values()))
        return st.one_of(made, st.builds(_edited, known, st.lists(edit, max_size=4)))


def _edited(data: bytes, edits: list[tuple[int, int, bytes]]) -> bytes:
    for place, removed, added in edits:
        start = place % (len(data) + 1)
        data = data[:start] + added + data[start + removed :]
    return data


TARGETS: dict[str, Target] = {}


def target(name: str, *parsers: str, words: tuple[bytes, ...] = (b"",)) -> Callable[[Run], Run]:
    """Registers a target."""

    def register(run: Run) -> Run:
        assert name not in TARGETS
        TARGETS[name] = Target(name, run, parsers, words)
        return run

    return register


def readers() -> Iterator[str]:
    """The dotted names of the host's functions that read bytes or text, by what they call."""
    for file in sorted(HOST.rglob("*.py")):
        module = ".".join(file.relative_to(HOST).with_suffix("").parts).removesuffix(".__init__")
        yield from (f"{module}.{name}" for name in _readers(ast.parse(file.read_bytes())))


def _readers(tree: ast.AST) -> set[str]:
    found: set[str] = set()

    def visit(node: ast.AST, path: tuple[str, ...], inside: str | None) -> None:
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef):
                name = inside or ".".join((*path, child.name))
                visit(child, path, name)
            elif isinstance(child, ast.ClassDef):
                visit(child, (*path, child.name), inside)
            else:
                if isinstance(child, ast.Call) and _called(child) and inside:
                    found.add(inside)
                visit(child, path, inside)

    visit(tree, (), None)
    return found


def _called(call: ast.Call) -> bool:
    function = call.func
    if isinstance(function, ast.Name):
        return function.id in CALLS
    if not isinstance(function, ast.Attribute):
        return False
    stream = isinstance(function.value, ast.Name) and function.value.id == "stream"
    return function.attr in CALLS or (stream and function.attr == "line")


def exempt(name: str) -> str | None:
    """Why a function needs no target: it stands in `parsers.toml`, or a module or package that it belongs to does."""
    parts = name.split(".")
    return next((EXEMPT[key] for end in range(len(parts), 0, -1) if (key := ".".join(parts[:end])) in EXEMPT), None)


def entered(work: Callable[[], Any]) -> set[str]:
    """The dotted names of the host's functions that are called, in this thread, while `work` runs."""
    found: set[str] = set()
    root = str(HOST) + "/"

    def note(frame: FrameType, event: str, argument: object) -> None:
        code = frame.f_code
        if event == "call" and code.co_filename.startswith(root):
            module = code.co_filename.removeprefix(root).removesuffix(".py").replace("/", ".").removesuffix(".__init__")
            found.add(f"{module}.{code.co_qualname}")

    before = sys.getprofile()
    sys.setprofile(note)
    try:
        work()
    finally:
        sys.setprofile(before)
    return found
