"""This machine's policy, as a user meets it who may not see all of it: on the command line, in the host, in doctor."""

import json
from collections.abc import Iterator

import pytest
from tests.unit.native_process import MODULE, HostProcess, check
from tests.unit.two_users import NEEDS_ROOT, Installation, installed

pytestmark = NEEDS_ROOT
PLACE = "/etc/poterne/policy.toml"
FILE = "mkdir poterne\necho '[allow]' > poterne/policy.toml\n"
FAULTS = {
    "closed folder": (f"{FILE}chmod 0700 poterne", "this user may not enter /etc/poterne"),
    "closed folder with nothing in it": ("mkdir -m 0700 poterne", "this user may not enter /etc/poterne"),
    "file in the folder's place": ("echo '[allow]' > poterne", "/etc/poterne is not a folder"),
    "link of a folder that leads nowhere": ("ln -s nowhere poterne", "the link /etc/poterne leads nowhere"),
    "link that leads nowhere": (f"mkdir poterne\nln -s nowhere.toml {PLACE}", f"the link {PLACE} leads nowhere"),
    "link into a closed folder": (
        f"mkdir -m 0700 closed\nmkdir poterne\nln -s ../closed/policy.toml {PLACE}",
        f"the link {PLACE} cannot be followed: Permission denied",
    ),
    "loop of links": (f"mkdir poterne\nln -s policy.toml {PLACE}", "Too many levels of symbolic links"),
    "loop of folders": ("ln -s poterne poterne", "Too many levels of symbolic links"),
    "pipe": (f"mkdir poterne\nmkfifo {PLACE}\nchmod a+rw {PLACE}", "not a regular file"),
    "device": (f"mkdir poterne\nmknod -m 0666 {PLACE} c 1 5", "not a regular file"),
    "folder": (f"mkdir -p {PLACE}", "not a regular file"),
    "unreadable file": (f"{FILE}chmod 0600 {PLACE}", "Permission denied"),
}


@pytest.fixture(scope="module")
def desk() -> Iterator[Installation]:
    with installed() as made:
        assert made.run("install", "--browser", "firefox").returncode == 0
        yield made


@pytest.mark.parametrize("fault", FAULTS)
def test_only_what_is_certainly_not_there_is_no_policy(desk: Installation, fault: str) -> None:
    """Nothing is tested, and everybody is told so in the same line."""
    prepare, why = FAULTS[fault]

    refused = desk.run("check", "mail.example.org", prepare=prepare)

    assert (refused.returncode, refused.stdout) == (3, ""), refused.stderr
    assert refused.stderr.startswith(f"poterne: {PLACE}: ")
    assert refused.stderr.endswith(f"{why}\n")
    assert refused.stderr.count("\n") == 1
    for command in (("policy", "check"), ("policy", "generate", "--output", str(desk.home / "out"))):
        said = desk.run(*command, prepare=prepare)
        assert (said.returncode, said.stdout, said.stderr) == (3, "", refused.stderr), command

    found = desk.run("doctor", "--browser", "firefox", "--json", prepare=prepare)
    (diagnosis,) = json.loads(found.stdout)["browsers"]
    line = refused.stderr.removeprefix("poterne: ").removesuffix("\n")
    assert (found.returncode, diagnosis["problem"], diagnosis["detail"]) == (1, "policy-broken", line)

    desk.run("--version")
    with HostProcess(MODULE, interpreter=desk.command(str(desk.python), prepare=prepare)) as host:
        assert host.receive()["type"] == "hello"
        host.send(check("a"), check("b", "192.0.2.7:587"))
        said_by_host = [host.receive() for _ in range(2)]
    assert said_by_host == [{"type": "error", "id": name, "code": "forbidden", "message": line} for name in ("a", "b")]


@pytest.mark.parametrize(
    "prepare", ["true", "mkdir poterne", "mkdir -m 0711 poterne", "mkdir aside\nln -s aside poterne"]
)
def test_where_nothing_stands_the_defaults_hold(desk: Installation, prepare: str) -> None:
    said = desk.run("policy", "check", prepare=prepare)

    assert (said.returncode, said.stderr) == (0, "")
    assert said.stdout.startswith(f"{PLACE}: there is none, so the defaults hold\n")


def test_a_file_that_everybody_may_read_is_in_force(desk: Installation) -> None:
    prepare = f"mkdir poterne\necho '[allow]\nports = [587]' > {PLACE}"

    assert desk.run("policy", "check", prepare=prepare).stdout.startswith(f"{PLACE}: ok\n  ports            587\n")
    assert "(allow.ports)" in desk.run("check", "mail.example.org:25", prepare=prepare).stderr


@pytest.mark.parametrize(
    ("rule", "prepare", "said"),
    [
        ('[trust]\npublic_roots = "/etc/closed/roots.pem"', "mkdir -m 0700 closed", "Permission denied"),
        ('[trust]\npublic_roots = "/etc/pipe"', "mkfifo -m 0666 pipe", "not a regular file"),
    ],
)
def test_a_file_of_roots_that_cannot_be_read_breaks_the_policy(
    desk: Installation, rule: str, prepare: str, said: str
) -> None:
    refused = desk.run("policy", "check", prepare=f"{prepare}\nmkdir poterne\necho '{rule}' > {PLACE}")

    assert (refused.returncode, refused.stdout) == (3, "")
    assert refused.stderr.startswith(f"poterne: {PLACE}: trust.public_roots: ")
    assert refused.stderr.endswith(f"{said}\n")


@pytest.mark.parametrize(
    ("rules", "rule"),
    [('[log]\nto = "file"', "log.file"), ("[allow]\nchecks_per_minute = 1", "allow.checks_per_minute")],
)
def test_what_cannot_be_logged_or_counted_is_not_checked(desk: Installation, rules: str, rule: str) -> None:
    """A home, or a runtime folder, that this user may not enter."""
    prepare = f"mkdir poterne\necho '{rules}' > {PLACE}\nmkdir -m 0700 closed\n"
    prepare += "export HOME=/etc/closed/home XDG_RUNTIME_DIR=/etc/closed/run"

    refused = desk.run("check", "mail.example.org", prepare=prepare)

    assert (refused.returncode, refused.stdout) == (3, "")
    assert refused.stderr.endswith(f"Permission denied ({rule})\n")
    assert refused.stderr.count("\n") == 1
