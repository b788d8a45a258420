"""What the organisation states, held against what was seen from here."""

from collections.abc import Iterable, Sequence
from typing import Literal

from poterne.report import ExpectedServer, ExpectedSettings, NameAnswer, Observation, Setting, Settings

Difference = Literal["host", "port", "security", "auth"]


def compare(
    organisation: str,
    stated: Sequence[ExpectedServer],
    settings: Settings,
    observations: Iterable[Observation],
    names: Iterable[NameAnswer] = (),
) -> ExpectedSettings | None:
    """Each stated server with what became of it (its `state` is not read); None where nothing is stated."""
    if not stated:
        return None
    tried = {(seen.host, seen.port) for seen in observations if seen.role == "target"}
    # A host without an address is no less of a failure for not having been dialled.
    without = {answer.name for answer in names if not answer.addresses and answer.state != "unasked"}
    tried |= {(server.host, server.port) for server in stated if server.host in without}
    servers = tuple(_judged(server, [*settings.outgoing, *settings.incoming], tried) for server in stated)
    states = {server.state for server in servers}
    if states == {"works"}:
        return ExpectedSettings(organisation=organisation, state="as-stated", servers=servers)
    state: Literal["differs", "untested"] = "untested" if states <= {"works", "untested"} else "differs"
    return ExpectedSettings(organisation=organisation, state=state, servers=servers)


def _judged(server: ExpectedServer, found: Sequence[Setting], tried: set[tuple[str, int]]) -> ExpectedServer:
    good = [row for row in found if row.protocol == server.protocol and row.verified and row.security != "none"]
    if server.security == "none":
        # Nobody is to sign in there: what is stated is judged by whether it answers, and recommended by nobody.
        good = [row for row in found if row.protocol == server.protocol]
    there = [row for row in good if row.host == server.host]
    exact = next((row for row in there if (row.port, row.security) == (server.port, server.security)), None)
    if exact is not None:
        if server.auth and exact.auth and not set(server.auth) & set(exact.auth):
            return server.model_copy(update={"state": "differs", "differs": ("auth",), "found": exact})
        return server.model_copy(update={"state": "works", "found": exact})
    if (server.host, server.port) not in tried:
        return server.model_copy(update={"state": "untested"})
    nearest = next(iter(sorted(there, key=lambda row: row.port != server.port)), None)
    if nearest is None:
        return server.model_copy(update={"state": "fails", "found": next(iter(good), None)})
    differs: list[Difference] = []
    if nearest.port != server.port:
        differs.append("port")
    if nearest.security != server.security:
        differs.append("security")
    return server.model_copy(update={"state": "differs", "differs": tuple(differs), "found": nearest})
