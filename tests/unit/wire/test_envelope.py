"""Packing and unpacking of messages, and that no bytes whatever can do harm."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rustfs_proto.wire.envelope import (
    CALL,
    NIL,
    PROTOCOL_MAJOR,
    Envelope,
    Header,
    Malformed,
    OtherMajor,
    decode_fault,
    encode_fault,
    pack,
    payload_of,
    split_payload,
    unpack,
)
from rustfs_proto.wire.faults import Fault, FaultCode

INLINE_BYTES = 8
PAYLOADS = st.lists(st.lists(st.binary(max_size=20), max_size=5), max_size=6)


def message(payloads: list[list[bytes]]) -> list[bytes]:
    """A message with one call for each payload."""
    envelopes, own = [], []
    for call_id, payload in enumerate(payloads):
        stated, frames = split_payload(payload, INLINE_BYTES)
        body = msgspec.Raw(msgspec.msgpack.encode({"call": call_id}))
        envelopes.append(Envelope(CALL, call_id, "Get", 500, "trace", body, stated))
        own += frames
    return pack(Header(PROTOCOL_MAJOR, "set-0", 7, 8, 9, envelopes), own)


@given(PAYLOADS)
def test_what_is_packed_comes_out_again(payloads: list[list[bytes]]) -> None:
    """Every envelope gets its own payload back, wherever each frame of it travelled."""
    frames = message(payloads)
    header = unpack(frames, 100)
    assert (header.sender, header.incarnation, header.target, header.sent_ms) == ("set-0", 7, 8, 9)
    position = 1
    for call_id, (envelope, payload) in enumerate(zip(header.envelopes, payloads, strict=True)):
        assert (envelope.kind, envelope.id, envelope.op, envelope.ttl_ms) == (CALL, call_id, "Get", 500)
        assert msgspec.msgpack.decode(envelope.body) == {"call": call_id}
        got, position = payload_of(envelope, frames, position)
        assert got == tuple(payload)
    assert position == len(frames)


@given(PAYLOADS)
def test_only_large_frames_travel_on_their_own(payloads: list[list[bytes]]) -> None:
    """Frames below the limit are in the header, the others are not copied."""
    expected = [frame for payload in payloads for frame in payload if len(frame) >= INLINE_BYTES]
    assert message(payloads)[1:] == expected


@given(st.lists(st.binary(max_size=200), max_size=5))
def test_arbitrary_frames_are_refused_in_order(frames: list[bytes]) -> None:
    """Whatever comes in, the answer is a header or one of two errors."""
    try_unpack(frames)


@given(PAYLOADS, st.data())
def test_damaged_messages_are_refused_in_order(payloads: list[list[bytes]], data: st.DataObject) -> None:
    """The same for messages that were whole once: bytes changed, cut off, frames lost or added."""
    frames = message(payloads)
    header = bytearray(frames[0])
    for _ in range(data.draw(st.integers(0, 3))):
        header[data.draw(st.integers(0, len(header) - 1))] = data.draw(st.integers(0, 255))
    frames[0] = bytes(header[: data.draw(st.integers(0, len(header)))])
    try_unpack(frames[data.draw(st.integers(0, 1)) :] + [b"x"] * data.draw(st.integers(0, 2)))


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.floats() | st.text() | st.binary(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    )
)
def test_other_documents_are_refused_in_order(document: object) -> None:
    """Valid msgpack of any other shape is no header."""
    try_unpack([msgspec.msgpack.encode(document)])
    try_unpack([msgspec.msgpack.encode([PROTOCOL_MAJOR, "a", 1, 1, 1, [document]])])
    try_unpack([msgspec.msgpack.encode([PROTOCOL_MAJOR, "a", 1, 1, 1, [[3, document, document]]])])


def try_unpack(frames: list[bytes]) -> None:
    """Unpack, and touch all that a receiver would."""
    try:
        header = unpack(frames, 4)
    except (Malformed, OtherMajor):
        return
    position = 1
    for envelope in header.envelopes:
        _, position = payload_of(envelope, frames, position)
        assert isinstance(decode_fault(envelope.body), Fault)
    assert position == len(frames)


def test_deep_nesting_is_malformed_and_not_a_crash() -> None:
    """A header of brackets only exhausts no stack."""
    with pytest.raises(Malformed):
        unpack([b"\x91" * 100_000], 4)


def test_too_many_frames_are_malformed() -> None:
    """The bound is checked before anything is decoded."""
    with pytest.raises(Malformed, match="5 frames: want 1 to 4"):
        unpack([b"x"] * 5, 4)
    with pytest.raises(Malformed, match="0 frames"):
        unpack([], 4)


def test_elements_of_a_later_release_are_skipped() -> None:
    """A header and envelopes with more elements than are known here can be read."""
    body = msgspec.Raw(b"\xc0")
    envelope = [CALL, 1, "Get", 500, "trace", body, [b"x"], "new", {"newer": 1}]
    raw = msgspec.msgpack.encode([PROTOCOL_MAJOR, "a", 1, 1, 1, [envelope], "new"])
    assert unpack([raw], 4).envelopes == [Envelope(CALL, 1, "Get", 500, "trace", body, (b"x",))]


def test_elements_that_an_earlier_release_lacks_have_defaults() -> None:
    """An envelope may end early."""
    raw = msgspec.msgpack.encode([PROTOCOL_MAJOR, "a", 1, 1, 1, [[CALL, 5]]])
    assert unpack([raw], 4).envelopes == [Envelope(CALL, 5, "", 0, "", NIL, ())]


@pytest.mark.parametrize("rest", [[], ["a", 1, 1, 1, []], [{"every": "thing"}, None]])
def test_another_major_version_is_recognised_whatever_follows(rest: list[object]) -> None:
    """The first element is all that versions have in common."""
    with pytest.raises(OtherMajor, match=f"bus protocol 9, this process speaks {PROTOCOL_MAJOR}"):
        unpack([msgspec.msgpack.encode([9, *rest])], 4)


@pytest.mark.parametrize("code", list(FaultCode))
def test_every_fault_travels(code: FaultCode) -> None:
    """Code, text and stamp come back."""
    fault = decode_fault(encode_fault(Fault(code, "wörds", newest=1 << 62)))
    assert (fault.code, fault.message, fault.newest) == (code, "wörds", 1 << 62)


@pytest.mark.parametrize("document", [None, [], ["no_such_code", "text"], {"code": "full"}, ["full", 3]])
def test_a_fault_that_cannot_be_read_is_internal(document: object) -> None:
    """A code of a later release, or garbage, is still the end of a call."""
    assert decode_fault(msgspec.Raw(msgspec.msgpack.encode(document))).code == FaultCode.INTERNAL
