"""This machine's policy, as a user meets it who may not see all of it: on the command line, in the host, in doctor."""

import json
import os
from collections.abc import Iterator

import pytest
from tests.unit.native_process import MODULE, HostProcess, check
from tests.unit.two_users import NEEDS_ROOT, NOBODY, Installation, installed

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

    commands = (
        ("check", "mail.example.org"),
        ("policy", "check"),
        ("policy", "generate", "--output", str(desk.home / "out")),
        ("doctor", "--browser", "firefox", "--json"),
    )
    *refused, (status, found, _) = desk.run_each(*commands, prepare=prepare)

    (line,) = {error for _, _, error in refused}
    assert line.startswith(f"poterne: {PLACE}: ")
    assert line.endswith(f"{why}\n")
    assert line.count("\n") == 1
    assert refused == [(3, "", line)] * 3

    (diagnosis,) = json.loads(found)["browsers"]
    line = line.removeprefix("poterne: ").removesuffix("\n")
    assert (status, diagnosis["problem"], diagnosis["detail"]) == (1, "policy-broken", line)

    desk.clear()
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


REGISTRATIONS = ".mozilla/native-messaging-hosts"


def firefox(desk: Installation, *more: str, prepare: str = "") -> dict[str, str | None]:
    """What `doctor` says of Firefox."""
    found = desk.run("doctor", "--browser", "firefox", "--json", *more, prepare=prepare)
    (diagnosis,) = json.loads(found.stdout)["browsers"]
    return {key: diagnosis[key] for key in ("problem", "detail", "remedy")}


def test_a_folder_of_manifests_that_may_not_be_entered_is_told_and_opened(desk: Installation) -> None:
    folder = desk.home / REGISTRATIONS
    folder.chmod(0)
    try:
        assert firefox(desk) == {
            "problem": "manifest-unreadable",
            "detail": f"cannot read {folder / 'org.poterne.host.json'}: this user may not enter {folder}",
            "remedy": f"chmod u+rx {folder}",
        }
        assert firefox(desk, "--fix")["problem"] is None
    finally:
        folder.chmod(0o755)


def test_a_folder_of_somebody_else_takes_their_rights(desk: Installation) -> None:
    """As root's browser leaves a profile. What another level registers is found all the same, as browsers do."""
    folder = desk.home / ".mozilla"
    folder.chmod(0o700)
    os.chown(folder, 0, 0)
    try:
        found = firefox(desk)
        # In the user's own home, the user could put a link to anything in its place before root opens it up.
        assert (found["problem"], found["remedy"]) == ("manifest-unreadable", None)
        assert str(found["detail"]).endswith(f"this user may not enter {folder}; it belongs to somebody else")
        fixed = desk.run("doctor", "--browser", "firefox", "--fix")
        assert (fixed.returncode, fixed.stderr.count("\n")) == (1, 1)
        assert f"could not be mended: cannot change {folder}: Operation not permitted" in fixed.stderr
        for command in ("install", "uninstall"):
            done = desk.run(command, "--browser", "firefox")
            assert done.returncode == 1, command
            assert "Firefox: failed: " in done.stdout, command
            assert "Permission denied" in done.stdout, command
    finally:
        folder.chmod(0o755)
        os.chown(folder, NOBODY, NOBODY)


def test_a_closed_folder_of_the_system_hides_no_registration_of_the_user(desk: Installation) -> None:
    assert desk.run("install", "--browser", "chromium").returncode == 0
    closed = "mkdir -p chromium/native-messaging-hosts\nchmod 0700 chromium"

    found = desk.run("doctor", "--browser", "chromium", prepare=closed)
    assert (found.returncode, found.stderr) == (0, ""), found.stdout

    assert desk.run("uninstall", "--browser", "chromium").returncode == 0
    found = desk.run("doctor", "--browser", "chromium", prepare=closed)
    assert "Chromium: manifest-unreadable: cannot read /etc/chromium/native-messaging-hosts/" in found.stdout
    assert "this user may not enter /etc/chromium; " in found.stdout
    assert found.stdout.endswith("; mend it with: sudo chmod a+rx /etc/chromium\n")


def test_root_is_only_sent_to_what_root_alone_can_change(desk: Installation) -> None:
    programs = desk.python.parent
    remedy = f"sudo {programs / 'poterne'} install --browser firefox --system"
    found = firefox(desk, "--system")
    assert (found["problem"], found["remedy"]) == ("no-manifest", remedy)
    (libraries,) = programs.parent.glob("lib/python*/site-packages")
    for place in (programs, programs / "poterne", programs.parent, libraries):
        os.chown(place, NOBODY, NOBODY)
        try:
            found = firefox(desk, "--system")
        finally:
            os.chown(place, 0, 0)
        assert (found["problem"], found["remedy"]) == ("no-manifest", None), place
        assert str(found["detail"]).endswith(f"a Poterne that only root can change (a package): {place} is not so")


def test_a_file_to_export_to_that_cannot_be_looked_for_is_refused_in_one_line(desk: Installation) -> None:
    prepare = "mkdir -m 0700 closed"

    said = desk.run("check", "example.org", "--export", "text", "--output", "/etc/closed/x", prepare=prepare)

    assert (said.returncode, said.stdout) == (2, "")
    assert said.stderr == "poterne: /etc/closed/x: Permission denied\n"
