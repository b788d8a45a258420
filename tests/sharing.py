"""How files of tests are shared out among processes that run them side by side.

A file is run by one process, in its order. Each process takes one kind of tests first, so that few of them hold a lab
or a browser, and those that wait for a network run beside those that keep a processor busy.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from xdist.scheduler import LoadScopeScheduling

if TYPE_CHECKING:
    from xdist.workermanage import WorkerController

Kind = str

# Which kind a process takes first, by its number; when there is none left, it takes of the next.
TURNS: tuple[tuple[Kind, Kind, Kind], ...] = (
    ("lab", "unit", "browser"),
    ("browser", "unit", "lab"),
    ("unit", "browser", "lab"),
    ("browser", "unit", "lab"),
    ("lab", "unit", "browser"),
)
# The longest of each kind: begun last, one of them would be waited for by all.
LONG = (
    *("lab/test_comparison", "lab/test_portal", "lab/test_blocks", "lab/test_rejections"),
    *("browser/test_golden", "browser/test_page", "browser/test_screens", "browser/test_run", "browser/test_check"),
    *(
        "browser/test_story",
        "browser/test_isolated_world",
        "browser/test_problems",
        "browser/test_restarts",
        "browser/test_accessibility",
    ),
    *(
        "golden/test_terminal",
        "unit/test_two_users",
        "unit/native/test_machine",
        "unit/diagnosis/test_wants",
        "unit/native/test_process",
    ),
    *(
        "unit/install/test_doctor",
        "unit/demo/test_world",
        "unit/check/test_check",
        "unit/test_guide",
        "fuzz/test_corpus",
        "soak/test_soak",
    ),
)
# Its tests share what takes minutes to make.
WHOLE = "tests/packages/"
# What all others of the lab have seen is looked at last.
LAST = "tests/lab/test_codes.py"


def kind_of(group: str) -> Kind:
    folder = group.split("/")[1] if "/" in group else ""
    return folder if folder in ("lab", "browser") else "unit"


def group_of(nodeid: str) -> str:
    """The tests of one group are run by one process."""
    return WHOLE if nodeid.startswith(WHOLE) else nodeid.partition("::")[0]


def next_group(waiting: Sequence[str], turn: int) -> str:
    """The group that a process takes next."""
    kinds = TURNS[turn % len(TURNS)]

    def rank(group: str) -> tuple[bool, int, int]:
        name = group.removeprefix("tests/").removesuffix(".py")
        return group == LAST, kinds.index(kind_of(group)), LONG.index(name) if name in LONG else len(LONG)

    return min(waiting, key=rank)


class Sharing(LoadScopeScheduling):  # type: ignore[misc]
    def _split_scope(self, nodeid: str) -> str:
        return group_of(nodeid)

    def _assign_work_unit(self, node: "WorkerController") -> None:
        number = int(node.gateway.id.removeprefix("gw"))
        self.workqueue.move_to_end(next_group(tuple(self.workqueue), number), last=False)
        super()._assign_work_unit(node)
