"""A check as text on a terminal: progress while it runs, then the verdict, the settings, and the evidence."""

import os

from rich.console import Console
from rich.padding import Padding
from rich.status import Status
from rich.table import Table
from rich.text import Text

from poterne.catalogue import Catalogue, language_of
from poterne.check import check
from poterne.model import Finding, Observation, Report, Request, Setting
from poterne.policy import Policy

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
        async for event in check(request, policy):
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
    _Page(report, catalogue, console).show()


class _Page:
    def __init__(self, report: Report, catalogue: Catalogue, console: Console) -> None:
        self._report = report
        self._catalogue = catalogue
        self._console = console

    def show(self) -> None:
        report, say = self._report, self._catalogue.text
        if report.lab:
            self._console.print(Text(say("cli_lab"), style="dim"))
        verdict = next(finding for finding in report.findings if finding.code == report.verdict.code)
        self._verdict(verdict)
        self._settings()
        others = [finding for finding in report.findings if finding is not verdict]
        if others:
            self._heading("cli_findings")
            for finding in others:
                self._console.print(self._line(finding))
        self._endpoints()
        seconds = self._catalogue.number(report.elapsed_ms / 1000)
        self._console.print()
        self._console.print(Text(say("cli_done", seconds=seconds), style="dim"))

    def _heading(self, key: str) -> None:
        self._console.print()
        self._console.print(Text(self._catalogue.text(key), style="bold"))

    def _line(self, finding: Finding) -> Padding:
        mark, style = _MARKS[finding.severity]
        row = Table.grid(padding=(0, 1))
        row.add_row(Text(mark, style=style), Text(self._catalogue.finding(finding)))
        return Padding(row, (0, 0, 0, 2))

    def _verdict(self, verdict: Finding) -> None:
        mark, style = _MARKS[verdict.severity]
        row = Table.grid(padding=(0, 1))
        row.add_row(Text(mark, style=style), Text(self._catalogue.finding(verdict), style="bold"))
        if verdict.severity != "good":
            sure = self._catalogue.word("confidence", verdict.confidence)
            row.add_row("", Text(self._catalogue.text("cli_confidence", word=sure), style="dim"))
        row.add_row("", Text(self._catalogue.finding(verdict, "_advice")))
        self._console.print(row)

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
            if (left := len(usable) - _MAX_SETTINGS) > 0:
                self._console.print(Text(f"    {self._catalogue.text('cli_more', count=left)}", style="dim"))

    def _setting_table(self, rows: list[Setting]) -> Padding:
        say, word = self._catalogue.text, self._catalogue.word
        table = Table(box=None, padding=(0, 3, 0, 0), header_style="dim")
        for key in ("cli_host", "cli_port", "cli_security", "cli_username", "cli_tested"):
            table.add_column(say(key))
        for setting in rows:
            style = "" if setting.verified else "dim"
            table.add_row(
                setting.host,
                str(setting.port),
                word("security", setting.security),
                word("username", setting.username),
                Text(say("cli_verified"), style="green") if setting.verified else say("cli_not_verified"),
                style=style,
            )
        return Padding(table, (0, 0, 0, 4))

    def _endpoints(self) -> None:
        if not self._report.observations:
            return
        say = self._catalogue.text
        self._heading("cli_endpoints")
        table = Table(box=None, padding=(0, 3, 0, 0), header_style="dim")
        for key in ("cli_host", "cli_port", "cli_family", "cli_state", "cli_security", "cli_time"):
            table.add_column(say(key), justify="right" if key == "cli_time" else "left")
        for alike in self._alike():
            families = " ".join(f"IPv{observation.family}" for observation in sorted(alike, key=lambda o: o.family))
            table.add_row(*self._endpoint(alike[0], families))
        self._console.print(Padding(table, (0, 0, 0, 2)))

    def _alike(self) -> list[list[Observation]]:
        """Observations of one host and port that differ by family only, together."""
        groups: dict[tuple[object, ...], list[Observation]] = {}
        for seen in self._report.observations:
            version = seen.tls.version if seen.tls else None
            key = (seen.host, seen.port, seen.state, seen.error, seen.security, version)
            groups.setdefault(key, []).append(seen)
        return list(groups.values())

    def _endpoint(self, observation: Observation, families: str) -> tuple[str, ...]:
        word = self._catalogue.word
        state = word("state", observation.state)
        if observation.state != "open" and observation.error:
            state = f"{state} ({observation.error})"
        tls = f" · {observation.tls.version}" if observation.tls and observation.tls.version else ""
        security = word("security", observation.security) + tls if observation.state == "open" else ""
        took = self._catalogue.text("cli_milliseconds", ms=round(observation.stages.connect_ms or 0))
        return (
            observation.host,
            str(observation.port),
            families,
            state,
            security,
            took if observation.state == "open" else "",
        )
