"""Which policy files a browser reads, and what they say."""

import os
import socket
from pathlib import Path

import pytest

from poterne.errors import SetupError
from poterne.install import policy_files

# Each was given to Chromium 156, which takes it.
TAKEN = {
    "plain": '{"X": 1}',
    "comments": '// one\n{ /* two */ "X": 1 // three\n}\n/* four */',
    "a trailing comma": '{"X": [1, 2,], "Y": {"a": 1,},}',
    "a comment behind a trailing comma": '{"X": [1, /* two */], // three\n}',
    "comments wherever there may be space": '{"X" /*a*/ : /*b*/ 1 /*c*/ , /*d*/ }',
    "a byte-order mark": '\ufeff{"X": 1}',
    "CRLF": '// one\r\n{"X": 1}\r\n',
    "no end of line": '{"X": 1}// one',
    "what only looks like a comment": '{"X": "/* no */ // no"}',
    "large numbers": '{"X": 123456789012345678901234567890, "Y": 0.1234567890123456789}',
    "escapes": r'{"X": "\u0000\ud83d\ude00\/\u00e9"}',
    "a name twice": '{"X": 1, "X": 2}',
}
REFUSED = {
    "nothing": "",
    "a comment only": "// one",
    "a hash": '# one\n{"X": 1}',
    "an array": "[1]",
    "two": "{}{}",
    "what follows": '{"X": 1} x',
    "a NUL behind": '{"X": 1}\0',
    "what some take for a whole comment": '{"X": 1, /*/ "Y": 2, /**/ "Z": 3}',
    "and at the beginning": '/*/*/{"X": 1}',
    "a comma too much": '{"X": 1,,}',
    "only a comma": "{,}",
    "a comment without end": '{"X": 1} /* one',
    "apostrophes": "{'X': 1}",
    "a name without quotes": "{X: 1}",
    "NaN": '{"X": NaN}',
    "Infinity": '{"X": [-Infinity]}',
    "too large a number": '{"X": 1e309}',
    "half a pair": r'{"X": "\ud83d"}',
    "a tab in a string": '{"X": "\t"}',
    "two byte-order marks": '\ufeff\ufeff{"X": 1}',
    "a carriage return that ends no comment": '// one\r{"X": 1}',
    "a truncated one": '{"X": {"Y": 1}',
    "a nest": '{"X": ' + "[" * 100_000,
}


def told(text: str) -> object:
    return policy_files.understand(text.encode(), policy_files.chromium, Path("org"))


@pytest.mark.parametrize("text", TAKEN.values(), ids=TAKEN)
def test_what_chromium_takes(text: str) -> None:
    found = told(text)

    assert isinstance(found, dict)
    assert "X" in found
    again = policy_files.dump(found)
    assert policy_files.understand(again, policy_files.strict, Path("org")) == found


def test_the_last_of_two_names_counts_and_numbers_are_not_rounded() -> None:
    assert told(TAKEN["a name twice"]) == {"X": 2}
    assert told(TAKEN["large numbers"]) == {"X": 123456789012345678901234567890, "Y": 0.1234567890123456789}


@pytest.mark.parametrize("text", REFUSED.values(), ids=REFUSED)
def test_what_chromium_refuses(text: str) -> None:
    with pytest.raises(SetupError, match=r"^org cannot be understood \([^\n]+\)$"):
        told(text)


@pytest.mark.parametrize(
    "data", ['{"X": "é"}'.encode("latin-1"), '{"X": 1}'.encode("utf-16"), b'{"X": "\xed\xa0\x80"}']
)
def test_what_is_not_utf_8(data: bytes) -> None:
    with pytest.raises(SetupError, match="it is not UTF-8"):
        policy_files.understand(data, policy_files.chromium, Path("org"))


@pytest.mark.parametrize("text", ["// one\n{}", '{"X": 1,}', "\ufeff{}", '{"X": NaN}', "[]", '{"X": 1e999}'])
def test_firefox_takes_strict_json_only(text: str) -> None:
    with pytest.raises(SetupError):
        policy_files.understand(text.encode(), policy_files.strict, Path("org"))


def test_half_a_pair_in_strict_json_stays_what_it_is() -> None:
    found = policy_files.understand(rb'{"X": "\ud83d"}', policy_files.strict, Path("org"))

    assert policy_files.understand(policy_files.dump(found), policy_files.strict, Path("org")) == found


@pytest.mark.parametrize("text", ['"' * 1_000_000, '"\\' * 500_000, "/*" * 500_000, "[" * 1_000_000])
def test_the_longest_way_through_a_file_is_once(text: str) -> None:
    with pytest.raises(SetupError):
        told(text)


def test_where_the_mistake_is() -> None:
    with pytest.raises(SetupError, match=r"^org cannot be understood \(line 3: "):
        told('{\n"X": 1,\n"Y" 2}')


def test_every_name_counts_but_no_folder_and_the_last_by_its_bytes_comes_last(tmp_path: Path) -> None:
    for name in ("org", "org.json", "org.json~", ".hidden", "Z.json", "é.json", "org.json.dpkg-old"):
        (tmp_path / name).write_text("{}")
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "no.json").write_text("{}")
    (tmp_path / "link").symlink_to("sub")
    with open(os.fsencode(tmp_path) + b"/\xc2.json", "wb") as file:  # noqa: PTH123 (a name that is no text)
        file.write(b"{}")

    names = [os.fsencode(path.name) for path in policy_files.listing(tmp_path)]

    texts = [b".hidden", b"Z.json", b"org", b"org.json", b"org.json.dpkg-old", b"org.json~", b"\xc2.json"]
    assert names == [*texts, "é.json".encode()]
    assert policy_files.listing(tmp_path / "nowhere") == []


def test_nothing_is_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "nowhere").symlink_to("gone")
    (tmp_path / "round").symlink_to("round")
    (tmp_path / "device").symlink_to("/dev/zero")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(tmp_path / "socket"))
    (tmp_path / "large").write_bytes(b" " * (policy_files.MAX_BYTES + 1))

    for path in policy_files.listing(tmp_path):
        with pytest.raises(SetupError, match=f"^{path} "):
            policy_files.read(path)
    assert policy_files.read(tmp_path / "gone") is None
