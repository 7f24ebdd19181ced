"""Messages of the bus as frames, joined here by a mark. What was decoded encodes to the same again."""

from __future__ import annotations

import msgspec

from rustfs_proto.objects import Geometry, ObjectHead, ObjectMeta, Part, decode_head, decode_meta, encode_meta
from rustfs_proto.wire import drive_ops, set_ops
from rustfs_proto.wire.envelope import (
    CALL,
    FAULT,
    HELLO,
    NOTICE,
    PROTOCOL_MAJOR,
    REPLY,
    UNREADABLE,
    Envelope,
    Header,
    Malformed,
    OtherMajor,
    decode_fault,
    encode_fault,
    pack,
    payload_of,
    unpack,
)
from rustfs_proto.wire.faults import Fault, FaultCode
from rustfs_proto.wire.registry import OPERATIONS, REQUESTS, decoder_of, encode_message
from tests.fuzz.campaign import Target
from tests.fuzz.targets.wire_samples import SAMPLES

MARK = b"\xc1--\n"
"""0xC1 is the one byte that msgpack never uses."""
FRAMES_MAX = 16


def check(data: bytes) -> str:
    """See the module."""
    frames = data.split(MARK)
    try:
        header = unpack(frames, FRAMES_MAX)
    except Malformed as error:
        return f"malformed: {str(error)[:24]}"
    except OtherMajor as error:
        return "other version" if error.major != PROTOCOL_MAJOR else str(error)
    assert unpack(pack(header, frames[1:]), FRAMES_MAX) == header
    position, labels = 1, []
    for envelope in header.envelopes:
        payload, position = payload_of(envelope, frames, position)
        assert all(isinstance(frame, bytes) for frame in payload)
        labels.append(_check_body(envelope))
    assert position == len(frames)
    return " ".join(labels)


def _check_body(envelope: Envelope) -> str:
    """As each message that it could be, and as what records hold."""
    for decode in (decode_head, decode_meta):
        try:
            value = decode(envelope.body)
        except UNREADABLE:
            continue
        assert decode(encode_message(value)) == value
    fault = decode_fault(envelope.body)
    again = decode_fault(encode_fault(fault))
    assert (again.code, again.message, again.newest) == (fault.code, fault.message, fault.newest)
    request = REQUESTS.get(envelope.op)
    classes = (
        [cls for cls in (request, OPERATIONS.get(request)) if cls]
        if request
        else [drive_ops.LookedUp, set_ops.Got]
    )
    found = []
    for cls in classes:
        try:
            message = decoder_of(cls).decode(envelope.body)
        except UNREADABLE:
            continue
        assert decoder_of(cls).decode(encode_message(message)) == message
        found.append(cls.__name__)
    return "+".join(found) or "unreadable"


def seeds() -> list[bytes]:
    found = []
    for number, (message, frames) in enumerate(SAMPLES):
        kind = NOTICE if OPERATIONS[type(message)] is None else CALL
        body = msgspec.Raw(encode_message(message))
        stated = tuple(frame if len(frame) < 8 else None for frame in frames)
        envelope = Envelope(kind, number, type(message).__name__, 1000, "trace", body, stated)
        own = [frame for frame in frames if len(frame) >= 8]
        found.append(_message([envelope], own))
    meta = ObjectMeta(Geometry(2, 2, 4096), (Part(1, 5, b"", "e", {"CRC32": "x"}),), {"a": "b"}, {"c": "d"})
    head = ObjectHead(5, "e")
    fault = encode_fault(Fault(FaultCode.STALE, "newer", 7))
    looked_up = drive_ops.LookedUp(1, evidence=True, stamp=3, meta=encode_meta(meta), priors=(1, 2))
    replies = [
        Envelope(REPLY, 1, body=msgspec.Raw(encode_message(value))) for value in (looked_up, meta, head)
    ]
    found.append(_message([Envelope(HELLO)], []))
    found.append(_message([*replies, Envelope(FAULT, 2, body=fault)], []))
    return found


def _message(envelopes: list[Envelope], own: list[bytes]) -> bytes:
    return MARK.join(pack(Header(PROTOCOL_MAJOR, "acceptor-0", 7, 0, 12345, envelopes), own))


TARGET = Target(
    "bus_frames",
    check,
    seeds,
    executions=5000,
    tokens=(
        MARK, b"\xc0", b"\xc1", b"\xc2", b"\xc3", b"\x80", b"\x90", b"\x91" * 500, b"\x81\xa1a" * 300,
        b"\xdd\xff\xff\xff\xff", b"\xdf\xff\xff\xff\xff",
        b"\xc6\xff\xff\xff\xff", b"\xdb\x7f\xff\xff\xff", b"\xcf" + b"\xff" * 8, b"\xd3\x80" + b"\0" * 7,
        b"\xcb\x7f\xf8" + b"\0" * 6, b"\xa1\xff",
        b"\xd7\xff" + b"\0" * 8, b"\xc7\x0c\xff", *(name.encode() for name in REQUESTS),
    ),
    suffix=".dump",
    max_bytes=2048,
)  # fmt: skip
