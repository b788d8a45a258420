"""The door that browsers open: `poterne-host`, started with native messaging.

A browser gives its own arguments (Chromium the extension's origin, and `--parent-window` on Windows; Firefox the
manifest's path and the extension's id), which are passed over. A launcher may put `--policy FILE` before them.

Whatever is imported here before `hello` is written is waited for by a user who has just opened the popup.
"""

import os
import sys

from poterne import __version__

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from poterne.native.session import Check

HELLO = f'{{"type":"hello","protocol":1,"version":"{__version__}"}}'.encode("ascii")


def main(arguments: "Sequence[str] | None" = None, load: "Callable[[], Check] | None" = None) -> int:
    """Serve the browser that started this process; `load` returns what runs a check (default: `poterne.check`).

    Returns only where the browser went before `hello`; else the process ends with status 0 when the browser goes, or 1
    when the stream is lost.
    """
    policy_file = named_policy(sys.argv[1:] if arguments is None else arguments)
    source, sink = take_standard_streams()
    try:
        os.write(sink, len(HELLO).to_bytes(4, sys.byteorder) + HELLO)
    except OSError:
        return 0

    end_signals = take_end_signals()

    from poterne.native.bridge import Bridge

    Bridge(source, sink, load or (lambda: load_check(policy_file))).run(end_signals)


def take_standard_streams() -> tuple[int, int]:
    """Descriptors of the browser's two pipes, which nothing else holds: (to read from, to write to).

    Standard input becomes the null device and standard output standard error, at the level of descriptors: a stray
    `print`, a C library or a child reaches neither pipe. Standard streams that were closed become the null device, so
    that no later file or socket is mistaken for one.
    """
    null = os.open(os.devnull, os.O_RDWR)
    while null <= 2:
        null = os.dup(null)
    source, sink = os.dup(0), os.dup(1)
    os.dup2(null, 0)
    os.dup2(2, 1)
    os.close(null)
    sys.stdout = sys.stderr
    if sys.platform == "win32":
        import msvcrt

        msvcrt.setmode(source, os.O_BINARY)
        msvcrt.setmode(sink, os.O_BINARY)
    return source, sink


def take_end_signals() -> list[int]:
    """Let the signals that ask a process to end do so, silently, while nothing is running yet; those there are."""
    import signal

    numbers = [getattr(signal, name) for name in ("SIGTERM", "SIGINT", "SIGHUP") if hasattr(signal, name)]
    for number in numbers:
        signal.signal(number, lambda *_: os._exit(0))
    return numbers


def named_policy(arguments: "Sequence[str]") -> str | None:
    """The file of a leading `--policy FILE`; empty, hence no readable file, where the name is missing."""
    if not arguments or arguments[0] != "--policy":
        return None
    return arguments[1] if len(arguments) > 1 else ""


def load_check(policy_file: str | None) -> "Check":
    """Import what a check needs, and warm it in the background: what needs no trust store is answered before.

    The policy is read at each check, so that a mended file counts at once.
    """
    import threading
    import traceback
    from pathlib import Path

    from poterne import check, policy
    from poterne.errors import PoterneError

    path = None if policy_file is None else Path(policy_file)

    def warm() -> None:
        try:
            check.warm(policy.load(path))
        except PoterneError as error:
            # No more than the checks fail for it, and each of them says so to the user.
            print(error, file=sys.stderr)
        except Exception:
            traceback.print_exc()

    threading.Thread(target=warm, name="warm", daemon=True).start()
    return lambda request: check.check(request, policy.load(path))
