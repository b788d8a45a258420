import errno
import os
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.core_world import roots_file

from poterne.errors import Forbidden, PolicyError
from poterne.knowledge import ports
from poterne.policy import Policy, Resolver, load, windows_folders
from poterne.policy import policy as policies
from poterne.report import Options, Target
from poterne.target.parser import parse

GOOD = """
[controls]
hosts = ["MX.alpha.example", "mx.beta.example."]
canary = ["192.0.2.1", "2001:DB8::1"]
portal = ""
relay = "smtp.isp.example"
resolver = "[2001:db8::53]:5353"
[allow]
ports = [25, 587]
deny_networks = ["192.0.2.0/24", "2001:db8::/32", "10.1.2.3"]
[trust]
public_roots = "{roots}"
[discovery]
ispdb = ""
[lab]
connect_to = ["mail.example.org:25:127.0.0.1:2525", "mail.example.org:25:[::1]:2526", "::other.example:"]
resolver = "127.0.0.1:5353"
roots = "{roots}"
"""


def written(folder: Path, content: str | bytes) -> Path:
    file = folder / "policy.toml"
    file.write_bytes(content.encode() if isinstance(content, str) else content)
    return file


@pytest.fixture
def default(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    path = tmp_path / "etc" / "policy.toml"
    path.parent.mkdir()
    monkeypatch.setattr(policies, "default_path", lambda: path)
    return path


def good(folder: Path) -> Policy:
    return load(written(folder, GOOD.replace("{roots}", str(roots_file()))))


def test_every_key(tmp_path: Path) -> None:
    rules = good(tmp_path)
    assert rules.controls.hosts == ("mx.alpha.example", "mx.beta.example")
    assert rules.controls.canary == ("192.0.2.1", "2001:db8::1")
    assert (rules.controls.portal, rules.controls.relay) == ("", "smtp.isp.example")
    assert rules.controls.resolver == Resolver(address="2001:db8::53", port=5353)
    assert rules.allow.ports == (25, 587)
    assert rules.trust.public_roots == str(roots_file())
    assert rules.discovery.ispdb == ""
    assert rules.lab is not None
    assert rules.lab.roots == str(roots_file())
    assert rules.lab.resolver is not None
    assert (rules.lab.resolver.address, rules.lab.resolver.port) == ("127.0.0.1", 5353)


def test_an_empty_file_is_the_defaults(tmp_path: Path) -> None:
    assert load(written(tmp_path, "")) == Policy()
    assert Policy().allow.ports is None
    assert Policy().lab is None
    assert Policy().controls.resolver is None


def test_without_a_file_of_this_machine_the_defaults_hold(default: Path) -> None:
    assert load() == Policy()


def test_this_machines_file_is_read(default: Path) -> None:
    default.write_text("[allow]\nports = [587]\n")
    assert load().allow.ports == (587,)


@pytest.mark.parametrize("lab", ["[lab]\n", '[lab]\nroots = "x"\n', "lab = 1\n"])
def test_a_lab_is_only_for_a_file_that_was_named(default: Path, lab: str) -> None:
    default.write_text(lab)
    with pytest.raises(PolicyError) as caught:
        load()
    assert str(caught.value) == f"{default}: [lab] is for a file named with --policy"


def test_a_lab_in_a_named_file_is_honoured_even_at_the_usual_place(default: Path) -> None:
    default.write_text("[lab]\n")
    assert load(default).lab is not None


BROKEN: dict[str, str | bytes] = {
    "unknown table": "[allowed]\nports = [25]\n",
    "unknown key at the top": "ports = [25]\n",
    "unknown key in controls": '[controls]\nhost = ["a.example"]\n',
    "unknown key in allow": "[allow]\nport = [25]\n",
    "unknown key in trust": '[trust]\nroots = "x"\n',
    "unknown key in discovery": '[discovery]\nispdbs = ""\n',
    "unknown key in lab": '[lab]\nresolve = "127.0.0.1"\n',
    "TOML syntax": "[allow\n",
    "a key twice": "[allow]\nports = [25]\nports = [587]\n",
    "a table twice": "[allow]\n[allow]\n",
    "nested too deeply": "x = " + "[" * 20000 + "]" * 20000,
    "ports as text": '[allow]\nports = "25"\n',
    "ports of text": '[allow]\nports = ["25"]\n',
    "port 0": "[allow]\nports = [0]\n",
    "port 65536": "[allow]\nports = [65536]\n",
    "port -1": "[allow]\nports = [-1]\n",
    "port 25.0": "[allow]\nports = [25.0]\n",
    "port true": "[allow]\nports = [true]\n",
    "ports as a number": "[allow]\nports = 25\n",
    "allow as a list": "allow = [25]\n",
    "allow as a number": "allow = 1\n",
    "no network": '[allow]\ndeny_networks = ["everything"]\n',
    "network of numbers": "[allow]\ndeny_networks = [10]\n",
    "network beyond": '[allow]\ndeny_networks = ["10.0.0.0/33"]\n',
    "networks as text": '[allow]\ndeny_networks = "10.0.0.0/8"\n',
    "no host": '[controls]\nhosts = ["a b"]\n',
    "host of numbers": "[controls]\nhosts = [1]\n",
    "hosts as text": '[controls]\nhosts = "a.example"\n',
    "no address": '[controls]\ncanary = ["a.example"]\n',
    "portal as a number": "[controls]\nportal = 1\n",
    "no relay": '[controls]\nrelay = "smtp.isp.example:25"\n',
    "portal over TLS": '[controls]\nportal = "https://portal.example/"\n',
    "portal without a scheme": '[controls]\nportal = "portal.example"\n',
    "portal without a host": '[controls]\nportal = "http:///x"\n',
    "portal with a user": '[controls]\nportal = "http://a@portal.example/"\n',
    "portal with a space": '[controls]\nportal = "http://portal.example/a b"\n',
    "portal with a line": '[controls]\nportal = "http://portal.example/\\n"\n',
    "portal port 65536": '[controls]\nportal = "http://portal.example:65536/"\n',
    "portal bad host": '[controls]\nportal = "http://256.0.0.1/"\n',
    "portal with an address and more": '[controls]\nportal = "http://[2001:db8::7X]/"\n',
    "portal port 0": '[controls]\nportal = "http://portal.example:0/"\n',
    "portal port in other digits": '[controls]\nportal = "http://portal.example:\uff18\uff10/"\n',
    "second resolver name": '[controls]\nresolver = "dns.example"\n',
    "second resolver empty": '[controls]\nresolver = ""\n',
    "second resolver as a list": '[controls]\nresolver = ["127.0.0.1"]\n',
    "roots as a list": '[trust]\npublic_roots = ["x"]\n',
    "ispdb false": "[discovery]\nispdb = false\n",
    "connect_to as a number": "[lab]\nconnect_to = 1\n",
    "connect_to of numbers": "[lab]\nconnect_to = [1]\n",
    "connect_to as a table": "[lab]\nconnect_to = {a = 1}\n",
    "connect_to too short": '[lab]\nconnect_to = ["a.example:25:127.0.0.1"]\n',
    "connect_to too long": '[lab]\nconnect_to = ["a.example:25:127.0.0.1:25:26"]\n',
    "connect_to bare IPv6": '[lab]\nconnect_to = ["a.example:25:::1:25"]\n',
    "connect_to an address and more": '[lab]\nconnect_to = ["[2001:db8::7X]:25:127.0.0.1:25"]\n',
    "connect_to port 0": '[lab]\nconnect_to = ["a.example:0:127.0.0.1:25"]\n',
    "connect_to port 65536": '[lab]\nconnect_to = ["a.example:25:127.0.0.1:65536"]\n',
    "connect_to service": '[lab]\nconnect_to = ["a.example:smtp:127.0.0.1:25"]\n',
    "connect_to no host": '[lab]\nconnect_to = ["a b:25:127.0.0.1:25"]\n',
    "resolver as a number": "[lab]\nresolver = 53\n",
    "resolver as a list": '[lab]\nresolver = ["127.0.0.1"]\n',
    "resolver name": '[lab]\nresolver = "dns.example"\n',
    "resolver an address and more": '[lab]\nresolver = "X127.0.0.1"\n',
    "resolver port 0": '[lab]\nresolver = "127.0.0.1:0"\n',
    "resolver port 65536": '[lab]\nresolver = "127.0.0.1:65536"\n',
    "resolver empty": '[lab]\nresolver = ""\n',
    "resolver 256": '[lab]\nresolver = "127.0.0.256"\n',
    "roots as a number": "[lab]\nroots = 1\n",
    "not UTF-8": b"[allow]\n# \xff\xfe\n",
    "UTF-16": "[allow]\n".encode("utf-16"),
    "NUL": "[allow]\n\x00",
    "too large": "#" * (policies.MAX_BYTES + 1),
}


@pytest.mark.parametrize("what", BROKEN)
def test_a_broken_file_allows_nothing(tmp_path: Path, what: str) -> None:
    file = written(tmp_path, BROKEN[what])
    with pytest.raises(PolicyError) as caught:
        load(file)
    assert str(caught.value).startswith(f"{file}: ")
    assert "\n" not in str(caught.value)
    assert caught.value.exit_status == 3


@pytest.mark.parametrize("what", BROKEN)
def test_a_broken_file_of_this_machine_allows_nothing(default: Path, what: str) -> None:
    written(default.parent, BROKEN[what])
    with pytest.raises(PolicyError) as caught:
        load()
    assert str(caught.value).startswith(f"{default}: ")


def test_a_named_file_that_is_missing_allows_nothing(tmp_path: Path) -> None:
    missing = tmp_path / "missing.toml"
    with pytest.raises(PolicyError) as caught:
        load(missing)
    assert str(caught.value) == f"{missing}: {os.strerror(errno.ENOENT)}"
    with pytest.raises(PolicyError, match="null"):
        load(Path("a\0b"))


def test_a_policy_may_have_so_many_bytes_and_no_more(tmp_path: Path) -> None:
    assert load(written(tmp_path, "#" * policies.MAX_BYTES)) == Policy()
    with pytest.raises(PolicyError, match=f"larger than {policies.MAX_BYTES} bytes"):
        load(written(tmp_path, "#" * (policies.MAX_BYTES + 1)))


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no pipes in folders")
def test_a_pipe_is_read_no_further_than_a_policy_reaches() -> None:
    """Its other end stays open: whoever asked for more would wait for it."""
    named, end = os.pipe()
    with os.fdopen(end, "wb", buffering=0) as pipe, ThreadPoolExecutor() as writer:
        written = writer.submit(pipe.write, b"#" * (policies.MAX_BYTES + 1))
        try:
            with pytest.raises(PolicyError, match="larger than"):
                load(Path(f"/dev/fd/{named}"))
        finally:
            os.close(named)
        assert written.result() == policies.MAX_BYTES + 1


@pytest.mark.parametrize(
    ("platform", "place"),
    [
        ("linux", "/etc/poterne/policy.toml"),
        ("darwin", "/Library/Application Support/Poterne/policy.toml"),
        ("win32", "/ProgramData/Poterne/policy.toml"),
    ],
)
def test_where_an_administrator_puts_the_policy(monkeypatch: pytest.MonkeyPatch, platform: str, place: str) -> None:
    monkeypatch.setattr(sys, "platform", platform)
    monkeypatch.setattr(windows_folders, "program_data", lambda: Path("/ProgramData"), raising=False)
    assert policies.default_path() == Path(place)


def test_where_windows_does_not_tell_its_folder_nothing_is_allowed(monkeypatch: pytest.MonkeyPatch) -> None:
    def program_data() -> Path:
        raise OSError(errno.EINVAL, "ProgramData is '' in the registry")

    monkeypatch.setattr(sys, "platform", "win32")
    monkeypatch.setattr(windows_folders, "program_data", program_data, raising=False)
    with pytest.raises(PolicyError, match=r"not known: ProgramData is '' in the registry$"):
        load()


def test_a_folder_and_a_path_below_a_file_are_no_policy(tmp_path: Path) -> None:
    with pytest.raises(PolicyError):
        load(tmp_path)
    with pytest.raises(PolicyError):
        load(written(tmp_path, "") / "policy.toml")


@pytest.mark.parametrize("kind", ["folder", "dangling link", "circular link"])
def test_what_stands_at_this_machines_place_and_cannot_be_read_allows_nothing(default: Path, kind: str) -> None:
    """Only where nothing stands at all do the defaults hold."""
    if kind == "folder":
        default.mkdir()
    elif kind == "dangling link":
        default.symlink_to(default.parent / "missing")
    else:
        default.symlink_to(default)
    with pytest.raises(PolicyError) as caught:
        load()
    assert str(caught.value).startswith(f"{default}: {'not a regular' if kind == 'folder' else f'the link {default} '}")


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no FIFOs in folders")
def test_a_pipe_is_no_policy_of_this_machine_and_may_be_one_that_was_named(default: Path) -> None:
    os.mkfifo(default)
    with pytest.raises(PolicyError, match="not a regular file"):
        load()
    named, end = os.pipe()
    os.write(end, b"[allow]\nports = [587]\n")
    os.close(end)
    assert load(Path(f"/dev/fd/{named}")).allow.ports == (587,)
    os.close(named)


@pytest.mark.parametrize(
    "fault", [errno.EACCES, errno.ENOTDIR, errno.ELOOP, errno.EIO, errno.ENAMETOOLONG, errno.ESTALE]
)
@pytest.mark.parametrize("where", ["policy.toml", "etc"])
def test_whatever_fault_keeps_a_policy_from_being_seen_allows_nothing(
    default: Path, monkeypatch: pytest.MonkeyPatch, fault: int, where: str
) -> None:
    lstat = Path.lstat

    def faulty(self: Path) -> os.stat_result:
        if self.name == where:
            raise OSError(fault, os.strerror(fault), str(self))
        return lstat(self)

    monkeypatch.setattr(Path, "lstat", faulty)
    with pytest.raises(PolicyError) as caught:
        load()
    assert str(caught.value).startswith(f"{default}: ")
    assert where in str(caught.value).removeprefix(f"{default}: ") or fault == errno.EACCES


@pytest.mark.parametrize(
    ("winerror", "absent"), [(2, True), (3, True), (53, False), (67, False), (21, False), (15, False)]
)
def test_windows_says_that_nothing_is_there_in_two_words_only(
    default: Path, monkeypatch: pytest.MonkeyPatch, winerror: int, absent: bool
) -> None:
    """ERROR_FILE_NOT_FOUND and ERROR_PATH_NOT_FOUND; Python makes ENOENT of ERROR_BAD_NETPATH and others too."""

    class WindowsError(FileNotFoundError):
        """As Python raises it there."""

    def lstat(self: Path) -> os.stat_result:
        error = WindowsError(errno.ENOENT, "The network path was not found", str(self))
        error.winerror = winerror  # type: ignore[attr-defined]
        raise error

    monkeypatch.setattr(Path, "lstat", lstat)
    if absent:
        assert load() == Policy()
        return
    with pytest.raises(PolicyError, match="network path"):
        load()


@pytest.mark.parametrize(
    ("value", "windows", "folder"),
    [
        (r"%SystemDrive%\ProgramData", r"C:\Windows", r"C:\ProgramData"),
        (r"%systemdrive%\ProgramData", r"D:\Windows", r"D:\ProgramData"),
        (r"E:\Data", r"C:\Windows", r"E:\Data"),
    ],
)
def test_where_windows_keeps_the_policy(monkeypatch: pytest.MonkeyPatch, value: str, windows: str, folder: str) -> None:
    monkeypatch.setenv("SystemDrive", "X:")
    monkeypatch.setenv("PROGRAMDATA", r"X:\mine")
    assert str(windows_folders.expanded(value, windows)) == folder


@pytest.mark.parametrize("value", ["", "ProgramData", r"%Other%\ProgramData", r"\ProgramData", "%SystemDrive%"])
def test_a_place_that_windows_does_not_tell_is_no_place(value: str) -> None:
    with pytest.raises(OSError, match="ProgramData is"):
        windows_folders.expanded(value, r"C:\Windows")


def test_a_validator_that_stumbles_makes_a_broken_policy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def stumble(raw: object) -> Policy:
        raise RecursionError("too\ndeep")

    monkeypatch.setattr(Policy, "model_validate", stumble)
    file = written(tmp_path, "")
    with pytest.raises(PolicyError) as caught:
        load(file)
    assert str(caught.value) == f"{file}: RecursionError: too deep"


def test_a_fault_of_the_syntax_is_told_with_its_line(tmp_path: Path) -> None:
    with pytest.raises(PolicyError, match="at line 2, column"):
        load(written(tmp_path, "[allow]\nports = [25] 587\n"))


@pytest.mark.parametrize("value", ["1", "[1]", '["a.example:25:127.0.0.1:25", 1]', "{a = 1}"])
def test_what_is_no_list_of_entries_is_told_what_was_expected(tmp_path: Path, value: str) -> None:
    with pytest.raises(PolicyError, match=r"lab\.connect_to: .*expected a list of HOST1:PORT1:HOST2:PORT2"):
        load(written(tmp_path, f"[lab]\nconnect_to = {value}\n"))


def test_a_broken_file_is_told_in_one_line_whatever_its_keys_are(tmp_path: Path) -> None:
    with pytest.raises(PolicyError) as caught:
        load(written(tmp_path, '"a\\nb\\u001b[2J" = 1\n'))
    assert str(caught.value).isprintable()


def test_a_file_of_roots_that_is_missing_makes_a_broken_policy(tmp_path: Path) -> None:
    for table in ('[trust]\npublic_roots = "/no/such/roots.pem"\n', '[lab]\nroots = "/no/such/roots.pem"\n'):
        with pytest.raises(PolicyError, match=r"roots\.pem"):
            load(written(tmp_path, table))


def test_a_file_of_roots_that_is_missing_is_told_in_words(tmp_path: Path) -> None:
    missing = tmp_path / "roots.pem"
    with pytest.raises(PolicyError) as caught:
        load(written(tmp_path, f"[trust]\npublic_roots = '{missing}'\n"))
    assert str(caught.value).endswith(f"{missing}: {os.strerror(errno.ENOENT)}")


def test_a_host_that_is_none_is_told_as_a_target_would_be(tmp_path: Path) -> None:
    with pytest.raises(PolicyError, match=r"controls\.relay: .*that is not a server name"):
        load(written(tmp_path, '[controls]\nrelay = "a b"\n'))


def test_a_network_may_be_named_by_any_of_its_addresses(tmp_path: Path) -> None:
    assert load(written(tmp_path, '[allow]\nnetworks = ["192.0.2.7/24"]\n')).allow.networks == ("192.0.2.0/24",)


@pytest.mark.parametrize(
    "url", ["", "https://example.org", "https://example.org:8443/help?topic=mail", "https://[2001:db8::7]/"]
)
def test_forms_of_the_organisations_page(tmp_path: Path, url: str) -> None:
    assert load(written(tmp_path, f'[organisation]\nhelp = "{url}"\n')).organisation.help == url


@pytest.mark.parametrize(
    "url", ["http://example.org/", "https://", "https://a b/", "https://jane@example.org/", "https://example.org/a b"]
)
def test_what_is_no_page_over_tls_is_refused_in_words(tmp_path: Path, url: str) -> None:
    with pytest.raises(PolicyError, match="expected an https:// URL, or nothing"):
        load(written(tmp_path, f'[organisation]\nhelp = "{url}"\n'))


def test_one_entry_of_connect_to_needs_no_list(tmp_path: Path) -> None:
    lab = load(written(tmp_path, '[lab]\nconnect_to = "a.example:25:127.0.0.1:2525"\n')).lab
    assert lab is not None
    assert lab.places("a.example") == ("127.0.0.1",)


def lab_of(folder: Path, *entries: str) -> policies.Lab:
    lab = load(written(folder, f"[lab]\nconnect_to = {list(entries)!r}\n")).lab
    assert lab is not None
    return lab


def test_connect_to_maps_a_host_and_port_for_each_family(tmp_path: Path) -> None:
    lab = lab_of(tmp_path, "Mail.example.org.:25:127.0.0.1:2525", "mail.example.org:25:[::1]:2526")
    assert lab.addresses("mail.example.org", 25, 4) == ("127.0.0.1", 2525)
    assert lab.addresses("mail.example.org", 25, 6) == ("::1", 2526)
    assert lab.addresses("mail.example.org", 587, 4) is None
    assert lab.addresses("other.example", 25, 4) is None
    assert lab.places("mail.example.org") == ("127.0.0.1", "::1")
    assert not lab.places("other.example")


@pytest.mark.parametrize(
    ("entry", "host", "port", "to"),
    [
        ("::127.0.0.1:2525", "any.example", 25, ("127.0.0.1", 2525)),
        (":25:127.0.0.1:2525", "any.example", 25, ("127.0.0.1", 2525)),
        (":25:127.0.0.1:2525", "any.example", 26, None),
        ("a.example::127.0.0.1:2525", "a.example", 993, ("127.0.0.1", 2525)),
        ("a.example::127.0.0.1:", "a.example", 993, ("127.0.0.1", 993)),
        ("[2001:db8::7]:25:127.0.0.1:2525", "2001:db8::7", 25, ("127.0.0.1", 2525)),
        ("192.0.2.7:25:127.0.0.1:2525", "192.0.2.7", 25, ("127.0.0.1", 2525)),
        ("a.example:1:127.0.0.1:65535", "a.example", 1, ("127.0.0.1", 65535)),
        ("a.example:65535:127.0.0.1:1", "a.example", 65535, ("127.0.0.1", 1)),
    ],
)
def test_forms_of_connect_to(tmp_path: Path, entry: str, host: str, port: int, to: tuple[str, int] | None) -> None:
    assert lab_of(tmp_path, entry).addresses(host, port, 4) == to


def test_connect_to_may_rename_or_move_to_another_port_alone(tmp_path: Path) -> None:
    lab = lab_of(tmp_path, "a.example:25:b.example:2525", "a.example:587::5870")
    assert lab.renamed("a.example", 25) == ("b.example", 2525)
    assert lab.renamed("a.example", 587) == ("a.example", 5870)
    assert lab.renamed("a.example", 993) is None


def test_an_entry_that_renames_hides_no_entry_that_places(tmp_path: Path) -> None:
    lab = lab_of(tmp_path, "a.example:25:b.example:2525", "a.example:25:127.0.0.1:2526")
    assert lab.addresses("a.example", 25, 4) == ("127.0.0.1", 2526)
    assert lab.places("a.example") == ("127.0.0.1",)
    assert lab_of(tmp_path, "a.example:25:127.0.0.1:2526").renamed("a.example", 25) is None


def test_an_entry_for_a_port_alone_leaves_the_name_to_the_resolver(tmp_path: Path) -> None:
    lab = lab_of(tmp_path, "localhost:587::5870")
    assert not lab.places("localhost")


def test_the_first_entry_that_fits_decides(tmp_path: Path) -> None:
    lab = lab_of(tmp_path, "a.example:25:127.0.0.2:1", "a.example:25:127.0.0.3:2", "::127.0.0.4:3")
    assert lab.addresses("a.example", 25, 4) == ("127.0.0.2", 1)
    assert lab.addresses("b.example", 25, 4) == ("127.0.0.4", 3)


@pytest.mark.parametrize(
    ("text", "address", "port"),
    [
        ("127.0.0.1", "127.0.0.1", 53),
        ("127.0.0.1:5353", "127.0.0.1", 5353),
        ("::1", "::1", 53),
        ("[::1]", "::1", 53),
        ("[::1]:5353", "::1", 5353),
    ],
)
def test_forms_of_resolver(tmp_path: Path, text: str, address: str, port: int) -> None:
    lab = load(written(tmp_path, f'[lab]\nresolver = "{text}"\n')).lab
    assert lab is not None
    assert lab.resolver is not None
    assert (lab.resolver.address, lab.resolver.port) == (address, port)


@pytest.mark.parametrize(
    "url",
    [
        "http://portal.example",
        "http://portal.example/check?a=b",
        "http://portal.example:8080/",
        "http://192.0.2.7/",
        "http://[2001:db8::7]:8080/x",
        "http://portal.example:1/",
        "http://portal.example:65535/",
        "",
    ],
)
def test_forms_of_portal(tmp_path: Path, url: str) -> None:
    assert load(written(tmp_path, f'[controls]\nportal = "{url}"\n')).controls.portal == url


def test_ports_that_are_not_allowed_are_named(tmp_path: Path) -> None:
    rules = load(written(tmp_path, "[allow]\nports = [25, 587]\n"))
    rules.check_ports((25, 587))
    rules.check_ports(())
    for typed in (True, False):
        with pytest.raises(Forbidden, match=r"26, 8025 \(allow\.ports\)") as caught:
            rules.check_ports((25, 26, 8025), typed=typed)
        assert caught.value.rule == "allow.ports"


@pytest.mark.parametrize("text", ["", "[allow]\nrelay = false\n", "# [allow]\n# ports = [25, 587]\n"])
def test_without_a_list_the_user_may_type_any_port_and_others_name_those_of_the_table(
    tmp_path: Path, text: str
) -> None:
    rules = load(written(tmp_path, text))
    rules.check_ports((1, 26, 8025, 65535), typed=True)
    rules.check_ports(tuple(row.number for row in ports.known()))
    with pytest.raises(Forbidden, match="port 26 ") as caught:
        rules.check_ports((25, 26))
    assert caught.value.rule is None
    assert "policy" not in str(caught.value)


@pytest.mark.parametrize(
    ("target", "options"),
    [("mail.example.org:26", {}), ("localhost:1143", {}), ("mail.example.org", {"ports": (26, 587)})],
)
def test_an_odd_port_is_for_those_who_type_it(target: str, options: dict[str, object]) -> None:
    asked = Options.model_validate(options)
    Policy().check_request(parse(target), asked)
    with pytest.raises(Forbidden):
        Policy().check_request(parse(target), asked.model_copy(update={"origin": "page"}))


@pytest.mark.parametrize(
    ("address", "denied"),
    [
        ("192.0.2.0", True),
        ("192.0.2.255", True),
        ("192.0.3.0", False),
        ("10.1.2.3", True),
        ("10.1.2.4", False),
        ("2001:db8:ffff::1", True),
        ("2001:db9::", False),
        ("fe80::1%eth0", False),
    ],
)
def test_denied_networks(tmp_path: Path, address: str, denied: bool) -> None:
    assert good(tmp_path).denies(address) is denied


@given(st.one_of(st.binary(max_size=200), st.text(max_size=200).map(str.encode)))
def test_any_bytes_are_a_policy_or_a_policy_error(raw: bytes) -> None:
    with TemporaryDirectory() as folder:
        try:
            assert isinstance(load(written(Path(folder), raw)), Policy)
        except PolicyError as error:
            assert "\n" not in str(error)


@given(
    st.sampled_from(["controls", "allow", "trust", "discovery", "lab"]),
    st.sampled_from(
        [
            "hosts",
            "canary",
            "portal",
            "relay",
            "ports",
            "deny_networks",
            "public_roots",
            "ispdb",
            "connect_to",
            "resolver",
            "roots",
        ]
    ),
    st.sampled_from(
        [
            '""',
            '"x"',
            "1",
            "-1",
            "1.5",
            "true",
            "[]",
            "[[]]",
            "[1]",
            '[""]',
            "{}",
            "1979-05-27",
            '["::1"]',
            '"127.0.0.1:99999"',
            '["a:1:b:2"]',
            "nan",
        ]
    ),
)
def test_any_value_of_any_key_is_a_policy_or_a_policy_error(table: str, key: str, value: str) -> None:
    with TemporaryDirectory() as folder:
        try:
            assert isinstance(load(written(Path(folder), f"[{table}]\n{key} = {value}\n")), Policy)
        except PolicyError as error:
            assert "\n" not in str(error)


BOUNDS = """
[allow]
ports = [465, 587]
networks = ["192.0.2.0/24", "2001:db8::/32"]
deny_networks = ["192.0.2.128/25"]
targets = ["example.org"]
deny_targets = ["secret.example.org"]
relay = false
"""


@pytest.mark.parametrize(
    ("asked", "options", "rule"),
    [
        ("jane@example.org", {}, None),
        ("mail.example.org:587", {}, None),
        ("EXAMPLE.org.", {}, None),
        ("jane@example.com", {}, "allow.targets"),
        ("notexample.org", {}, "allow.targets"),
        ("secret.example.org", {}, "allow.deny_targets"),
        ("smtp.secret.example.org:465", {}, "allow.deny_targets"),
        ("mail.example.org:25", {}, "allow.ports"),
        ("mail.example.org", {"ports": (587, 8025)}, "allow.ports"),
        ("192.0.2.7", {}, None),
        ("192.0.2.200", {}, "allow.deny_networks"),
        ("198.51.100.7:587", {}, "allow.networks"),
        ("[2001:db8::7]:587", {}, None),
        ("mail.example.org", {"relay": "smtp.isp.example"}, "allow.relay"),
    ],
)
def test_a_request_beyond_the_policy_names_the_rule(
    tmp_path: Path, asked: str, options: dict[str, object], rule: str | None
) -> None:
    rules = load(written(tmp_path, BOUNDS))
    target, wanted = parse(asked), Options.model_validate(options)
    if rule is None:
        rules.check_request(target, wanted)
        return
    with pytest.raises(Forbidden) as caught:
        rules.check_request(target, wanted)
    assert caught.value.rule == rule
    assert str(caught.value).endswith(f"({rule})")


STATED = """
[organisation]
domain = "example.org"
[expected]
{domains}
servers = [
  {{protocol = "smtp", host = "smtp.example.org", port = 465, security = "tls"}},
  {{protocol = "smtp", host = "smtp.example.org", port = 587, security = "starttls"}},
  {{protocol = "imap", host = "imap.example.org", port = 993, security = "tls"}},
]
"""


@pytest.mark.parametrize(
    ("target", "ports"),
    [
        (parse("jane@example.org"), (465, 587, 993)),
        (parse("example.org"), (465, 587, 993)),
        (parse("jane@example.com"), ()),
        (parse("smtp.example.org:587"), (587,)),
        (parse("imap.example.org:587"), ()),
        (parse("smtp.example.com:587"), ()),
        (Target(input="smtp.example.org", kind="server", host="smtp.example.org"), (465, 587)),
    ],
)
def test_what_is_stated_is_about_accounts_or_about_the_server_that_was_named(
    tmp_path: Path, target: Target, ports: tuple[int, ...]
) -> None:
    rules = load(written(tmp_path, STATED.format(domains="")))
    assert tuple(server.port for server in rules.stated(target)) == ports


def test_domains_that_are_stated_stand_for_the_organisations(tmp_path: Path) -> None:
    rules = load(written(tmp_path, STATED.format(domains='domains = ["example.net"]')))
    assert len(rules.servers_of("example.net")) == 3
    assert rules.servers_of("example.org") == ()
    assert Policy().servers_of("") == ()


def test_a_server_stands_once(tmp_path: Path) -> None:
    server = '{protocol = "imap", host = "a.example", port = 993, security = "tls"}'
    with pytest.raises(PolicyError, match="a server stands twice"):
        load(written(tmp_path, f"[expected]\nservers = [{server}, {server}]\n"))


def test_an_address_is_no_way_round_the_targets(tmp_path: Path) -> None:
    rules = load(written(tmp_path, '[allow]\ntargets = ["example.org"]\n'))
    with pytest.raises(Forbidden) as caught:
        rules.check_request(parse("192.0.2.7:587"), Options())
    assert caught.value.rule == "allow.targets"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[allow]\nprots = [25]\n", "allow.prots: unknown key; did you mean 'ports'?"),
        ("[alow]\n", "alow: unknown key; did you mean 'allow'?"),
        ("[surprise]\n", "surprise: unknown key"),
        ('[[expected.servers]]\nhsot = "a.example"\n', "hsot: unknown key; did you mean 'host'?"),
    ],
)
def test_an_unknown_key_is_named(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(PolicyError) as caught:
        load(written(tmp_path, text))
    assert str(caught.value).endswith(said)


@pytest.mark.parametrize(
    "text",
    [
        "[allow]\nchecks_per_minute = 0\n",
        '[allow]\nnetworks = ["example.org"]\n',
        '[allow]\ntargets = ["a b"]\n',
        '[log]\nto = "printer"\n',
        '[organisation]\nhelp = "http://example.org/"\n',
        '[deploy]\nupdate_url = "ftp://example.org/"\n',
        '[deploy]\nchromium_id = "abc"\n',
        '[deploy]\nfirefox_id = "poterne"\n',
        '[expected]\nservers = [{protocol = "smtp", host = "a.example", port = 587}]\n',
        '[expected]\nservers = [{protocol = "smtp", host = "a.example", port = 1, security = "tls", user = "jane"}]\n',
    ],
)
def test_what_an_administrator_states_is_checked(tmp_path: Path, text: str) -> None:
    with pytest.raises(PolicyError):
        load(written(tmp_path, text))
