import json
import struct
import sys
from collections.abc import Callable, Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from poterne.errors import InvalidRequest
from poterne.native import frames

json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"])),
    lambda children: st.lists(children, max_size=5) | st.dictionaries(st.text(max_size=8), children, max_size=5),
    max_leaves=20,
)


def reader(chunks: Iterator[bytes]) -> Callable[[int], bytes]:
    return lambda size: next(chunks, b"")


def split(data: bytes, sizes: list[int]) -> Iterator[bytes]:
    """The data in pieces of these sizes, over and over; in one piece where there are none."""
    position = 0
    while position < len(data):
        for size in sizes or [len(data)]:
            if piece := data[position : position + size]:
                yield piece
            position += size


@given(st.lists(json_values, max_size=6), st.lists(st.integers(1, 40), max_size=5))
def test_what_is_packed_is_read_again_however_it_is_cut(values: list[object], sizes: list[int]) -> None:
    stream = b"".join(frames.pack(json.dumps(value, ensure_ascii=False)) for value in values)
    read = [frames.parse(frames.unpack(frame)) for frame in frames.read_frames(reader(split(stream, sizes)))]
    assert read == [(value, None) for value in values]


@given(st.lists(st.binary(max_size=300), max_size=6), st.lists(st.integers(1, 40), max_size=5), st.data())
def test_a_cut_stream_gives_the_whole_frames_only(bodies: list[bytes], sizes: list[int], data: st.DataObject) -> None:
    packed = [struct.pack("@I", len(body)) + body for body in bodies]
    stream = b"".join(packed)
    kept = data.draw(st.integers(0, len(stream)))
    whole = [piece for count, piece in enumerate(packed, 1) if len(b"".join(packed[:count])) <= kept]
    assert list(frames.read_frames(reader(split(stream[:kept], sizes)))) == whole


@given(st.binary(max_size=2000))
def test_any_body_is_a_value_or_an_invalid_request(body: bytes) -> None:
    try:
        value, flaw = frames.parse(frames.unpack(struct.pack("@I", len(body)) + body))
    except InvalidRequest as error:
        assert str(error)
    else:
        assert flaw or value == json.loads(body)


@given(st.binary(max_size=4000))
def test_any_stream_ends_or_is_lost(stream: bytes) -> None:
    try:
        total = sum(len(frame) for frame in frames.read_frames(reader(iter([stream] if stream else []))))
    except frames.FrameTooLarge:
        return
    assert total <= len(stream)


def test_the_largest_message_is_read_and_a_larger_one_is_not() -> None:
    largest = struct.pack("@I", frames.MAX_INCOMING) + b" " * frames.MAX_INCOMING
    assert list(frames.read_frames(reader(split(largest, [65_536])))) == [largest]
    for length in (frames.MAX_INCOMING + 1, 0xFFFFFFFF):
        with pytest.raises(frames.FrameTooLarge):
            list(frames.read_frames(reader(iter([struct.pack("@I", length)]))))


def test_frames_before_a_lost_stream_are_read() -> None:
    good = frames.pack("{}")
    read = frames.read_frames(reader(iter([good + b"\xff\xff\xff\xff"])))
    assert next(read) == good
    with pytest.raises(frames.FrameTooLarge):
        next(read)


def test_the_largest_message_is_packed_and_a_larger_one_is_not() -> None:
    assert len(frames.pack("x" * frames.MAX_OUTGOING)) == frames.MAX_OUTGOING + 4
    with pytest.raises(ValueError, match="1048577 bytes"):
        frames.pack("x" * (frames.MAX_OUTGOING - 1) + "é")


def test_the_byte_order_is_the_machines() -> None:
    assert frames.pack("é") == (2).to_bytes(4, sys.byteorder) + "é".encode()


def test_packing_leaves_standard_output_alone(capfd: pytest.CaptureFixture[str]) -> None:
    frames.pack("{}")
    assert capfd.readouterr().out == ""


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"", "empty"),
        (b"\xff\xfe{}", "UTF-8"),
        (b"\xed\xa0\x80", "UTF-8"),
        (b"\xef\xbb\xbf{}", "JSON"),
        (b"{", "JSON"),
        (b"{}{}", "JSON"),
        (b"{'a': 1}", "JSON"),
        (b"\x00", "JSON"),
        (b"[" * 100_000, "nested"),
        (b'{"a":' * 100_000 + b"1" + b"}" * 100_000, "nested"),
    ],
)
def test_what_has_no_value(body: bytes, reason: str) -> None:
    with pytest.raises(InvalidRequest, match=reason):
        frames.parse(frames.unpack(struct.pack("@I", len(body)) + body))


@pytest.mark.parametrize(
    ("text", "value", "reason"),
    [
        ('{"id":"a","id":"b"}', {"id": "a"}, "twice"),
        ('{"id":"a","x":{"y":1,"y":1}}', {"id": "a", "x": {"y": 1}}, "twice"),
        ('{"id":"a","x":' + "9" * 10_000 + "}", {"id": "a", "x": 0}, "range"),
        ('{"id":"a","x":-' + "9" * 20 + "}", {"id": "a", "x": 0}, "range"),
        ('{"id":"a","x":1e999}', {"id": "a", "x": float("inf")}, "range"),
        ('{"id":"a","x":NaN}', {"id": "a", "x": None}, "NaN"),
        ('{"id":"a","x":-Infinity}', {"id": "a", "x": None}, "Infinity"),
    ],
)
def test_a_flaw_leaves_the_value_readable(text: str, value: object, reason: str) -> None:
    parsed, flaw = frames.parse(text)
    assert parsed == value
    assert flaw is not None
    assert reason in flaw
