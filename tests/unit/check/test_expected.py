"""What IT states is tested against servers that run here, and the bounds hold for a whole check."""

from collections.abc import Iterator
from contextlib import aclosing
from pathlib import Path

import pytest

from poterne import demo as lab
from poterne.check import check
from poterne.cli import main as cli
from poterne.policy import load
from poterne.report import Report, Request

STATED = """
[organisation]
name = "Example Ltd"
domain = "provider.example"
[[expected.servers]]
protocol = "smtp"
host = "smtp.provider.example"
port = {port}
security = "{security}"
"""


@pytest.fixture(scope="module")
def world() -> Iterator[str]:
    with lab.serving() as running:
        yield running.policy_path.read_text(encoding="utf-8")


async def report(tmp_path: Path, text: str, target: str = "jane@provider.example") -> Report:
    file = tmp_path / "policy.toml"
    file.write_text(text, encoding="utf-8")
    async with aclosing(check(Request(target=target), load(file))) as events:
        reports = [event.report async for event in events if event.type == "report"]
    (found,) = reports
    return found


async def test_as_it_says(world: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found = await report(tmp_path, world + STATED.format(port=465, security="tls"))
    assert found.expected is not None
    assert (found.expected.state, found.expected.organisation) == ("as-stated", "Example Ltd")
    assert found.settings.outgoing[0].source == "expected"

    saved = tmp_path / "report.json"
    saved.write_text(found.model_dump_json(), encoding="utf-8")
    assert cli.main(["explain", str(saved)]) == 0
    assert "As IT says" in capsys.readouterr().out


async def test_a_difference_is_named(world: str, tmp_path: Path) -> None:
    found = await report(tmp_path, world + STATED.format(port=587, security="tls"))
    assert found.expected is not None
    (server,) = found.expected.servers
    assert (found.expected.state, server.state, server.differs) == ("differs", "differs", ("security",))
    assert server.found is not None
    assert (server.found.port, server.found.security) == (587, "starttls")


async def test_another_domain_has_nothing_stated(world: str, tmp_path: Path) -> None:
    found = await report(tmp_path, world + STATED.format(port=465, security="tls"), "smtp.expired.example")
    assert found.expected is None


@pytest.mark.parametrize(
    ("rule", "arguments"),
    [
        ("allow.ports", ["smtp.provider.example:4190"]),
        ("allow.targets", ["jane@elsewhere.example"]),
        ("allow.deny_networks", ["192.0.2.7:587"]),
        ("allow.relay", ["smtp.provider.example", "--relay", "smtp.isp.example"]),
    ],
)
def test_the_command_line_names_the_rule(
    world: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], rule: str, arguments: list[str]
) -> None:
    bounds = 'ports = [25, 465, 587]\ntargets = ["provider.example"]\nrelay = false\n'
    file = tmp_path / "policy.toml"
    file.write_text(world.replace("[allow]\n", f"[allow]\n{bounds}"), encoding="utf-8")

    assert cli.main(["check", *arguments, "--policy", str(file)]) == 3

    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.startswith("poterne: ")
    assert said.err.endswith(f"({rule})\n")
