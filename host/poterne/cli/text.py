"""A check as text on a terminal: progress while it runs, then the verdict, the settings, and the evidence."""

import os
from collections.abc import Callable, Iterator
from contextlib import aclosing

from rich.cells import cell_len
from rich.console import Console
from rich.padding import Padding
from rich.status import Status
from rich.table import Table
from rich.text import Text

from poterne.check import check
from poterne.cli.drawing import way_drawn
from poterne.policy import Policy
from poterne.report import Comparison, Finding, FollowedPath, Hop, Observation, Report, Request, Setting, Told
from poterne.report.catalogue import Catalogue, language_of, remarks
from poterne.report.statement import Statement
from poterne.target.unicode_names import with_unicode
from poterne.told import retold, verdict_finding

_MARKS = {"blocker": ("✗", "bold red"), "warning": ("!", "yellow"), "note": ("·", "dim"), "good": ("✓", "bold green")}
_WIDTH = 100
_MAX_SETTINGS = 4


def _console(*, stderr: bool = False) -> Console:
    console = Console(stderr=stderr, highlight=False, markup=False, emoji=False)
    if not console.is_terminal or console.width > _WIDTH:
        console.width = _WIDTH
    return console


async def follow(request: Request, policy: Policy) -> Report:
    """Runs a check, tells its progress on a terminal's standard error, prints the answer, returns the report."""
    catalogue = Catalogue(language_of(os.environ))
    progress = _console(stderr=True)
    planned: set[str] = set()
    done: set[str] = set()
    report: Report | None = None
    with Status(catalogue.text("cli_looking_up"), console=progress) as status:
        # Left unclosed, it would clean up only when the loop ends, beside whatever its caller does then.
        async with aclosing(check(request, policy)) as events:
            async for event in events:
                if event.type == "plan":
                    planned = {endpoint.id for endpoint in event.endpoints}
                elif event.type == "observation" and not event.observation.provisional:
                    done.add(event.observation.id)
                elif event.type == "report":
                    report = event.report
                    break
                if planned:
                    key = "cli_testing_one" if len(planned) == 1 else "cli_testing"
                    status.update(f"{catalogue.text(key, count=len(planned))} {len(done)}/{len(planned)}")
    assert report is not None
    show(report, catalogue)
    return report


def show(report: Report, catalogue: Catalogue | None = None) -> None:
    """Prints a report: the verdict first, what to type next, then the rest."""
    catalogue = catalogue or Catalogue(language_of(os.environ))
    console = _console()
    whole = report if report.told else retold(report)
    assert whole.told is not None
    _Page(whole, whole.told, catalogue, console).show()


class _Page:
    def __init__(self, report: Report, told: Told, catalogue: Catalogue, console: Console) -> None:
        self._report = report
        self._told = told
        self._seen = {observation.id: observation for observation in report.observations}
        self._catalogue = catalogue
        self._console = console

    def show(self) -> None:
        report, say = self._report, self._catalogue.text
        if report.lab:
            self._console.print(Text(say("cli_lab"), style="dim"))
        verdict = verdict_finding(report)
        self._verdict(verdict)
        self._way()
        self._expected()
        self._settings()
        others = [finding for finding in report.findings if finding is not verdict]
        if others:
            self._heading("cli_findings")
            for finding in others:
                self._console.print(self._line(finding))
        self._message()
        self._reasons()
        self._endpoints()
        self._comparison()
        self._paths()
        seconds = self._catalogue.number(report.elapsed_ms / 1000)
        self._console.print()
        self._console.print(Text(say("cli_done", seconds=seconds), style="dim"))

    def _heading(self, key: str) -> None:
        self._console.print()
        self._console.print(Text(self._catalogue.text(key), style="bold"))

    def _said(self, statement: Statement | None, style: str = "") -> Text:
        return Text("" if statement is None else self._catalogue.said(statement), style=style)

    def _line(self, finding: Finding) -> Padding:
        mark, style = _MARKS[finding.severity]
        row = Table.grid(padding=(0, 1))
        row.add_row(Text(mark, style=style), self._said(finding.says))
        return Padding(row, (0, 0, 0, 2))

    def _verdict(self, verdict: Finding) -> None:
        mark, style = _MARKS[verdict.severity]
        row = Table.grid(padding=(0, 1))
        row.add_row(Text(mark, style=style), self._said(self._told.headline, "bold"))
        if verdict.severity != "good":
            sure = self._catalogue.word("confidence", verdict.confidence)
            row.add_row("", Text(self._catalogue.text("cli_confidence", word=sure), style="dim"))
        if self._told.remedy is not None:
            row.add_row("", self._said(self._told.remedy, "green"))
        row.add_row("", Text(self._catalogue.paragraph(self._told.advice)))
        if self._told.hints:
            row.add_row("", Text(self._catalogue.text("hint_title"), style="italic dim"))
        for hint in self._told.hints:
            row.add_row("", self._said(hint, "dim"))
        self._console.print(row)

    def _way(self) -> None:
        way = self._report.way
        if way is None or not way.stopped:
            return
        self._heading("way_title")
        lines = way_drawn(way, self._catalogue)
        room = self._console.width - 2
        beside = all(cell_len(line) + 3 + cell_len(numbers) <= room for line, numbers in lines)
        if all(cell_len(line) <= room for line, _ in lines):
            for (line, numbers), style in zip(lines, ("red", "green"), strict=False):
                parts = ("  ", line, "   ", (numbers, style)) if beside else ("  ", (numbers, style), "\n  ", line)
                self._console.print(Text.assemble(*parts))
        self._console.print(Padding(Text(self._catalogue.paragraph(self._told.way)), (0, 0, 0, 2)))

    def _expected(self) -> None:
        stated = self._told.expected
        if stated is None or self._report.expected is None:
            return
        self._console.print()
        self._console.print(self._said(stated.title, "bold"))
        good = self._report.expected.state == "as-stated"
        self._console.print(Padding(self._said(stated.answer, "green" if good else "yellow"), (0, 0, 0, 2)))
        for server in stated.servers:
            self._console.print(Padding(Text(f"· {self._catalogue.said(server)}"), (0, 0, 0, 4)))

    def _message(self) -> None:
        if self._told.message is not None:
            self._heading("tell_title")
            self._console.print(Padding(Text(self._catalogue.paragraph(self._told.message.says)), (0, 0, 0, 2)))

    def _reasons(self) -> None:
        if not self._told.reasons:
            return
        self._heading("why_title")
        for reason in self._told.reasons:
            row = Table.grid(padding=(0, 1))
            row.add_row(Text("·", style="dim"), Text(self._catalogue.paragraph(reason)))
            self._console.print(Padding(row, (0, 0, 0, 2)))

    def _settings(self) -> None:
        settings = self._report.settings
        if self._report.target.port is not None and not (settings.outgoing or settings.incoming):
            return
        self._heading("cli_settings")
        for key, none, rows in (
            ("cli_outgoing", "cli_no_outgoing", settings.outgoing),
            ("cli_incoming", "cli_no_incoming", settings.incoming),
        ):
            usable = [setting for setting in rows if setting.security != "none"]
            if not usable and self._report.target.port is not None:
                continue
            self._console.print(Text(f"  {self._catalogue.text(key)}"))
            if not usable:
                self._console.print(Text(f"    {self._catalogue.text(none)}", style="dim"))
                continue
            self._console.print(self._setting_table(usable[:_MAX_SETTINGS]))
            self._notes(usable[:_MAX_SETTINGS])
            if (left := len(usable) - _MAX_SETTINGS) > 0:
                self._console.print(Text(f"    {self._catalogue.text('cli_more', count=left)}", style="dim"))

    def _setting_table(self, rows: list[Setting]) -> Padding:
        say, word = self._catalogue.text, self._catalogue.word
        table = Table(box=None, padding=(0, 3, 0, 0), header_style="dim")
        for key in ("cli_host", "cli_port", "cli_security", "cli_username", "cli_auth", "cli_tested"):
            table.add_column(say(key), no_wrap=key == "cli_host", overflow="fold")
        for setting in rows:
            style = "" if setting.verified else "dim"
            named = "own" if "own-name" in setting.remarks else setting.username
            table.add_row(
                setting.host,
                str(setting.port),
                word("security", setting.security),
                word("username", named),
                self._catalogue.listed(word("auth", family) for family in setting.auth),
                Text(say("cli_verified"), style="green") if setting.verified else say("cli_not_verified"),
                style=style,
            )
        return Padding(table, (0, 0, 0, 4))

    def _notes(self, rows: list[Setting]) -> None:
        """Who names the servers, and what to know before they are used."""
        say, word = self._catalogue.text, self._catalogue.word
        for source in dict.fromkeys(setting.source for setting in rows):
            hosts = dict.fromkeys(setting.host for setting in rows if setting.source == source)
            line = f"{say('cli_source')} · {', '.join(map(with_unicode, hosts))} · {word('source', source)}"
            self._console.print(Padding(Text(line, style="dim"), (0, 0, 0, 4)))
        for line in remarks(rows, self._catalogue):
            row = Table.grid(padding=(0, 1))
            row.add_row(Text("!", style="yellow"), Text(line))
            self._console.print(Padding(row, (0, 0, 0, 4)))

    def _endpoints(self) -> None:
        if not any(seen.role == "target" for seen in self._report.observations):
            return
        say = self._catalogue.text
        self._heading("cli_endpoints")
        table = Table(box=None, padding=(0, 3, 0, 0), header_style="dim")
        for key in ("cli_host", "cli_port", "cli_family", "cli_state", "cli_security", "cli_time"):
            table.add_column(say(key), justify="right" if key == "cli_time" else "left")
        for alike in self._alike():
            table.add_row(*self._endpoint(alike[0], _families(alike)))
        self._console.print(Padding(table, (0, 0, 0, 2)))

    def _comparison(self) -> None:
        """What was asked for comparison: it is evidence, and has no settings."""
        if not self._told.comparison:
            return
        say = self._catalogue.text
        self._heading("why_comparison")
        table = Table(box=None, padding=(0, 3, 0, 0), header_style="dim")
        for key in ("cli_host", "cli_port", "cli_family", "cli_state", "why_role"):
            table.add_column(say(key))
        for row in self._told.comparison:
            for cells in self._compared(row):
                table.add_row(*cells)
        self._console.print(Padding(table, (0, 0, 0, 2)))

    def _compared(self, row: Comparison) -> Iterator[tuple[str, ...]]:
        """A line for each thing that happened there; families that saw the same stand together."""
        alike: dict[tuple[str, str | None], list[Observation]] = {}
        for seen in (self._seen[id_] for id_ in row.evidence if id_ in self._seen):
            alike.setdefault((seen.state, seen.error), []).append(seen)
        role = self._catalogue.word("ui_role", row.role)
        for together in alike.values():
            first = together[0]
            yield first.host, str(first.port), _families(together), self._state(first), role

    def _paths(self) -> None:
        for path in self._told.paths:
            self._path(path)

    def _path(self, followed: FollowedPath) -> None:
        say, word = self._catalogue.text, self._catalogue.word
        ids = (followed.failing, followed.working)
        columns = [self._seen[id_] for id_ in ids if id_ in self._seen]
        if not columns:
            return
        failing = columns[0]
        self._console.print()
        title = say("why_way", host=failing.host, address=failing.address)
        self._console.print(Text(title, style="bold"))
        table = Table(box=None, padding=(0, 3, 0, 0), header_style="dim")
        table.add_column(say("why_step"))
        for column in columns:
            table.add_column(f"{say('cli_port')} {column.port}")
        for step in sorted({hop.hop for column in columns for hop in column.path}):
            cells = [next((_hop(hop, word) for hop in one.path if hop.hop == step), "·") for one in columns]
            table.add_row(str(step), *cells)
        self._console.print(Padding(table, (0, 0, 0, 2)))

    def _alike(self) -> list[list[Observation]]:
        """Observations of one host and port that differ by family only, together."""
        groups: dict[tuple[object, ...], list[Observation]] = {}
        for seen in self._report.observations:
            if seen.role != "target":
                continue
            version = seen.tls.version if seen.tls else None
            key = (seen.host, seen.port, seen.state, seen.error, seen.security, version)
            groups.setdefault(key, []).append(seen)
        return list(groups.values())

    def _endpoint(self, observation: Observation, families: str) -> tuple[str, ...]:
        word = self._catalogue.word
        tls = f" · {observation.tls.version}" if observation.tls and observation.tls.version else ""
        security = word("security", observation.security) + tls if observation.state == "open" else ""
        took = self._catalogue.text("cli_milliseconds", ms=round(observation.stages.connect_ms or 0))
        return (
            observation.host,
            str(observation.port),
            families,
            self._state(observation),
            security,
            took if observation.state == "open" else "",
        )

    def _state(self, observation: Observation) -> str:
        state = self._catalogue.word("state", observation.state)
        return f"{state} ({observation.error})" if observation.state != "open" and observation.error else state


def _families(alike: list[Observation]) -> str:
    return " ".join(f"IPv{family}" for family in sorted({observation.family for observation in alike}))


def _hop(hop: Hop, word: Callable[[str, object], str]) -> str:
    parts = [hop.address, hop.name and f"({hop.name})", hop.answer != "time-exceeded" and word("hop", hop.answer)]
    return " ".join(part for part in parts if part)
