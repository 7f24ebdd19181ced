"""How calls are packed into messages: everything that goes to one peer in one tick is one multipart message.

    frame 0      the header: msgpack [major, sender, incarnation, target, sent_ms, [envelope ...]]
    frame 1 ...  payloads that are too large to be copied into the header, in the order of their envelopes

Structs are arrays: a receiver skips elements beyond those it knows and gives the missing ones their defaults.
The first element stays an integer in every version to come, so that two incompatible releases can tell each
other so. Nothing here trusts its input: whatever bytes come in, `unpack` returns a header or raises one of
its two errors.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Annotated

import msgspec

from rustfs_proto.wire.faults import Fault, FaultCode

PROTOCOL_MAJOR = 1
"""Raised when releases can no longer understand each other; a new field or operation does not raise it."""

HELLO = 0
"""Who I am (all of it stands in the header). The dialled side answers with its own."""
PING = 1
PONG = 2
CALL = 3
"""A request that wants one REPLY or FAULT with the same id within `ttl_ms`."""
NOTICE = 4
REPLY = 5
FAULT = 6
BYE = 7
"""The sender is about to stop and has answered all that it ever will."""
LEAVING = 8
"""The sender is going to stop and still answers: whoever has the choice asks others. A release that does not
know it goes on asking until BYE."""

NIL = msgspec.Raw(b"\xc0")

UNREADABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
"""What decoding bytes from outside may raise: not msgpack, or not of this shape; no UTF-8; too deep."""


class Malformed(Exception):
    """These frames are no message of this protocol; the text says what is wrong with them."""


class OtherMajor(Exception):
    """The sender speaks an incompatible version of the protocol."""

    def __init__(self, major: int) -> None:
        super().__init__(f"bus protocol {major}, this process speaks {PROTOCOL_MAJOR}: update the older one")
        self.major = major


class Envelope(msgspec.Struct, array_like=True, gc=False):
    """One call or answer. `frames` has the bytes of each small payload, and None for each that is a frame of
    its own.
    """

    kind: int
    id: int = 0
    op: str = ""
    ttl_ms: int = 0
    trace: str = ""
    body: msgspec.Raw = NIL
    frames: tuple[bytes | None, ...] = ()


class Header(msgspec.Struct, array_like=True):
    """Frame 0. `incarnation` tells two lives of the same process apart; `target` is the receiver's as far as
    the sender knows (0: it does not): calls meant for an earlier life are not served. `sent_ms` is on the
    sender's monotonic clock.
    """

    major: int
    sender: Annotated[str, msgspec.Meta(min_length=1, max_length=128)]
    incarnation: int
    target: int
    sent_ms: int
    envelopes: list[Envelope]


class _Opening(msgspec.Struct, array_like=True):
    """What every version of the header begins with."""

    major: int


class _FaultBody(msgspec.Struct, array_like=True):
    code: str
    message: str
    newest: int = 0


_encode = msgspec.msgpack.Encoder().encode
_decode_header = msgspec.msgpack.Decoder(Header).decode
_decode_opening = msgspec.msgpack.Decoder(_Opening).decode
_decode_fault = msgspec.msgpack.Decoder(_FaultBody).decode


def split_payload(
    payload: Sequence[bytes], inline_bytes: int
) -> tuple[tuple[bytes | None, ...], list[bytes]]:
    """What an envelope says of the payload frames, and those of them that travel as frames of their own."""
    if not payload:
        return (), []
    stated = tuple([frame if len(frame) < inline_bytes else None for frame in payload])
    return stated, [frame for frame in payload if len(frame) >= inline_bytes]


def pack(header: Header, own_frames: Iterable[bytes]) -> list[bytes]:
    """The frames of a message."""
    return [_encode(header), *own_frames]


def unpack(frames: Sequence[bytes], frames_max: int) -> Header:
    """The header of a message of these frames; raises `Malformed` or `OtherMajor`."""
    if not 0 < len(frames) <= frames_max:
        raise Malformed(f"{len(frames)} frames: want 1 to {frames_max}")
    try:
        header = _decode_header(frames[0])
    except UNREADABLE as error:
        raise _why_not(frames[0], error) from None
    if header.major != PROTOCOL_MAJOR:
        raise OtherMajor(header.major)
    stated = 0
    for envelope in header.envelopes:
        if envelope.frames:
            stated += envelope.frames.count(None)
    if stated != len(frames) - 1:
        raise Malformed(f"{len(frames) - 1} payload frames where the header states {stated}")
    return header


def _why_not(raw: bytes, error: Exception) -> Malformed | OtherMajor:
    try:
        major = _decode_opening(raw).major
    except UNREADABLE:
        return Malformed(f"no header: {error}")
    return Malformed(f"header: {error}") if major == PROTOCOL_MAJOR else OtherMajor(major)


def payload_of(envelope: Envelope, frames: Sequence[bytes], position: int) -> tuple[tuple[bytes, ...], int]:
    """The payload of an envelope whose own frames begin at `position`, and where those of the next begin."""
    if not envelope.frames:
        return (), position
    payload = []
    for inline in envelope.frames:
        if inline is None:
            payload.append(frames[position])
            position += 1
        else:
            payload.append(inline)
    return tuple(payload), position


def encode_fault(fault: Fault) -> msgspec.Raw:
    """The body of a FAULT."""
    return msgspec.Raw(_encode(_FaultBody(fault.code, fault.message, fault.newest)))


def decode_fault(body: msgspec.Raw) -> Fault:
    """The fault in a FAULT's body; one that is garbled, or of a later release, becomes INTERNAL."""
    try:
        decoded = _decode_fault(body)
        return Fault(FaultCode(decoded.code), decoded.message, decoded.newest)
    except (*UNREADABLE, ValueError) as error:
        return Fault(FaultCode.INTERNAL, f"the peer answered with a fault unknown here: {error}")
