"""Requests over the bus, to a drive worker and to a set worker with drives, in one trio program on a clock of
its own.

The envelope is right; the message in it is any bytes under any name. Every call is answered, by a reply or by
a fault that blames the request; afterwards the worker serves as before. A worker that dies of a message takes
all its clients' requests along, so nothing may leave its handler.

An input is a sequence of messages: name, line feed, msgpack body, and each payload behind a mark.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from functools import partial
from random import Random
from typing import Any

import attrs
import msgspec
import trio
import trio.testing

from rustfs_node.bus import MemoryNet, TrioClock
from rustfs_node.bus.memory_link import MemoryLink
from rustfs_node.drive.worker import run_drive
from rustfs_node.erasureset.worker import run_set
from rustfs_node.plan import DrivePlan, SetPlan, drive_name
from rustfs_node.seams.threads import InlineThreads
from rustfs_node.settings.erasureset import SetSettings
from rustfs_proto.wire import drive_ops, set_ops, upload_ops
from rustfs_proto.wire.envelope import (
    CALL,
    FAULT,
    NIL,
    NOTICE,
    PROTOCOL_MAJOR,
    REPLY,
    UNREADABLE,
    Envelope,
    Header,
    Malformed,
    decode_fault,
    pack,
    payload_of,
    unpack,
)
from rustfs_proto.wire.faults import FaultCode
from rustfs_proto.wire.registry import OPERATIONS, REQUESTS, decoder_of, encode_message
from tests.fuzz.campaign import Target
from tests.fuzz.mutation import INTEGERS
from tests.fuzz.targets.drive_kit import SETTINGS, memory_copy
from tests.fuzz.targets.wire_samples import DRIVE_SAMPLES, HANDLE, SET_SAMPLES, UPLOAD
from tests.kit.drives import TestDrive, memory_drive
from tests.unit.erasureset.kit import SeededRandomness

MESSAGE_MARK = b"\xc1\xc1\n"
PAYLOAD_MARK = b"\xc1=\n"
DRIVE = drive_name(0, 0)
SET = "set-0"
ANSWER_S = 100.0
"""On the program's own clock, which jumps: longer than any deadline below."""
_OUR_FAULT = frozenset({FaultCode.INTERNAL, FaultCode.DRIVE_FAULT, FaultCode.TIMEOUT, FaultCode.PEER_DOWN})
_SET_SETTINGS = SetSettings(stripe_bytes=4096, inline_bytes_max=1024)
_MESSAGES_MAX = 40


@attrs.define
class Wire:
    """A client that sends what it is told and waits for the answer."""

    link: MemoryLink
    peer: str
    upload: bytes = UPLOAD
    handle: bytes = HANDLE.to_bytes(8, "big")
    last_id: int = 0

    async def exchange(self, name: str, body: bytes, payload: Sequence[bytes]) -> object:
        """The reply, the fault, or None to a notice."""
        body = body.replace(UPLOAD, self.upload).replace(HANDLE.to_bytes(8, "big"), self.handle)
        self.last_id += 1
        request = REQUESTS.get(name)
        is_notice = request is not None and OPERATIONS[request] is None
        kind = NOTICE if is_notice else CALL
        stated = (None,) * len(payload)
        envelope = Envelope(kind, self.last_id, name, 60_000, "", msgspec.Raw(body or NIL), stated)
        sent_ms = int(trio.current_time() * 1000)
        header = Header(PROTOCOL_MAJOR, "fuzzer", 1, 0, sent_ms, [envelope])
        sent = pack(header, payload)
        self.link.send(self.peer, sent)
        return None if is_notice or not _is_message(sent) else await self._answer(request)

    async def _answer(self, request: type | None) -> object:
        with trio.fail_after(ANSWER_S):
            while True:
                for arrival in self.link.receive(100)[0]:
                    header = unpack(arrival.frames, 100)
                    for envelope in header.envelopes:
                        if envelope.kind in (REPLY, FAULT) and envelope.id == self.last_id:
                            return self._read(envelope, arrival.frames, request)
                await self.link.wait()

    def _read(self, envelope: Envelope, frames: list[bytes], request: type | None) -> object:
        payload_of(envelope, frames, 1)
        if envelope.kind == FAULT:
            fault = decode_fault(envelope.body)
            assert fault.code not in _OUR_FAULT, fault
            return fault.code
        assert request is not None
        reply_class = OPERATIONS[request]
        assert reply_class is not None
        reply = decoder_of(reply_class).decode(envelope.body)
        if isinstance(reply, set_ops.PutOpened):
            self.handle = reply.handle.to_bytes(8, "big")
        if isinstance(reply, upload_ops.UploadCreated):
            self.upload = reply.upload_id
        return reply


def _is_message(frames: list[bytes]) -> bool:
    """Whether the receiver can tell to what it should answer: a body that is not one value garbles the
    header.
    """
    try:
        return len(unpack(frames, 100).envelopes) == 1
    except Malformed:
        return False


async def start_drive(nursery: trio.Nursery, net: MemoryNet, name: str, drive: TestDrive) -> None:
    """The worker of that drive."""
    bus = net.open_bus(name)
    serve = partial(
        run_drive,
        bus,
        drive.address,
        SETTINGS,
        drive.files,
        TrioClock(),
        InlineThreads(),
        index_at=":memory:",
    )
    await nursery.start(serve)
    await nursery.start(bus.run)


@asynccontextmanager
async def drive_world() -> AsyncIterator[Wire]:
    """A drive worker over a drive with a history."""
    net = MemoryNet()
    async with trio.open_nursery() as nursery:
        await start_drive(nursery, net, DRIVE, memory_copy({}))
        yield _dial(net, DRIVE)
        nursery.cancel_scope.cancel()


@asynccontextmanager
async def set_world() -> AsyncIterator[Wire]:
    """A set worker over three new drives."""
    net = MemoryNet()
    names = [drive_name(0, slot) for slot in range(3)]
    plans = tuple(DrivePlan(slot, name, "", "", "") for slot, name in enumerate(names))
    async with trio.open_nursery() as nursery:
        for name in names:
            await start_drive(nursery, net, name, memory_drive(SETTINGS))
        serve = partial(
            run_set,
            net.open_bus(SET, names),
            SetPlan(0, SET, "", 2, 1, plans),
            _SET_SETTINGS,
            TrioClock(),
            SeededRandomness(),
            writer=1,
        )
        await nursery.start(serve)
        yield _dial(net, SET)
        nursery.cancel_scope.cancel()


def _dial(net: MemoryNet, peer: str) -> Wire:
    link = MemoryLink(net, "fuzzer", 1_000, [peer])
    link.open()
    return Wire(link, peer)


async def _check_drive(wire: Wire) -> None:
    status = await wire.exchange("DriveStatus", encode_message(drive_ops.DriveStatus()), ())
    assert isinstance(status, drive_ops.DriveStatusReply) and status.state == drive_ops.DriveState.ONLINE, (
        status
    )


async def _check_set(wire: Wire) -> None:
    status = await wire.exchange("SetStatus", encode_message(set_ops.SetStatus()), ())
    assert isinstance(status, set_ops.SetStatusReply) and status.readable and status.writable, status
    put = set_ops.PutSmall("last", b"k", set_ops.ObjectInfo("e"))
    done = await wire.exchange("PutSmall", encode_message(put), (b"bytes",))
    assert isinstance(done, set_ops.PutDone), done
    got = await wire.exchange("Get", encode_message(set_ops.Get("last", b"k")), ())
    assert isinstance(got, set_ops.Got) and got.head.size == 5, got


def check_with(world: Callable[[], Any], check_after: Callable[[Wire], Any], data: bytes) -> str:
    """Send all messages of the input in turn; see the module."""
    answers: list[str] = []

    async def run() -> None:
        async with world() as wire:
            for message in data.split(MESSAGE_MARK)[:_MESSAGES_MAX]:
                name, _, rest = message.partition(b"\n")
                body, *payload = rest.split(PAYLOAD_MARK)
                answer = await wire.exchange(name.decode("utf-8", "replace"), body, payload)
                shown = str(answer) if isinstance(answer, FaultCode) else type(answer).__name__
                answers.append(shown)
            await check_after(wire)

    trio.run(run, clock=trio.testing.MockClock(autojump_threshold=0))
    return " ".join(sorted(set(answers)))


def seeds_of(samples: Sequence[tuple[object, tuple[bytes, ...]]]) -> list[bytes]:
    """All in one, and each alone."""
    single = [
        PAYLOAD_MARK.join([type(message).__name__.encode() + b"\n" + encode_message(message), *payload])
        for message, payload in samples
    ]
    return [MESSAGE_MARK.join(single), *single]


def reshape(random: Random, data: bytes) -> bytes:
    """Give one field of one message another value of msgpack, so that the message decodes more often."""
    messages = data.split(MESSAGE_MARK)
    index = random.randrange(len(messages))
    name, _, rest = messages[index].partition(b"\n")
    body, *payload = rest.split(PAYLOAD_MARK)
    try:
        fields = msgspec.msgpack.decode(body)
    except UNREADABLE:
        return data
    if not isinstance(fields, dict) or not fields:
        return data
    _change(random, fields)
    try:
        changed = encode_message(fields)
    except (UnicodeEncodeError, OverflowError):
        return data
    messages[index] = PAYLOAD_MARK.join([name + b"\n" + changed, *payload])
    return MESSAGE_MARK.join(messages)


def _change(random: Random, fields: dict[Any, Any]) -> None:
    """In place, at any depth."""
    key = random.choice([*fields])
    old = fields[key]
    match old:
        case dict() if old and random.random() < 0.8:
            _change(random, old)
        case list() if old and isinstance(old[0], dict) and random.random() < 0.6:
            _change(random, old[0])
        case list():
            fields[key] = random.choice(([], old * 2, old[::-1], old * 700, [*old, b""]))
        case bool():
            fields[key] = not old
        case int():
            near = (old + 1, old - 1, -old, -1, -(2**63), 2**64 - 1)
            fields[key] = random.choice((*near, *(n for n in INTEGERS if n < 2**64)))
        case bytes():
            fields[key] = random.choice(
                (b"", b"\0", b"\xff" * 3, old + b"/", old[:-1], old * 2, b"x" * 70_000, random.randbytes(16))
            )
        case str():
            fields[key] = random.choice(
                ("", "\0", "\u00e4", "\U0010ffff", old + "/", "x" * 20_000, "bucket", ".rustfs.sys")
            )
        case _:
            fields[key] = random.choice((None, 0, -1, "", b"", [], {}))


_TOKENS = (
    MESSAGE_MARK, PAYLOAD_MARK, b"\xc0", b"\xc2", b"\xc3", b"\x80", b"\x90", b"\xcf" + b"\xff" * 8,
    b"\xd3\x80" + b"\0" * 7, b"\xff",
    b"\xa1\xff", b"\x91" * 500, UPLOAD, *(name.encode() + b"\n" for name in REQUESTS),
)  # fmt: skip

DRIVE_TARGET = Target(
    "drive_requests",
    partial(check_with, drive_world, _check_drive),
    partial(seeds_of, DRIVE_SAMPLES),
    executions=150,
    tokens=_TOKENS,
    suffix=".dump",
    max_bytes=100_000,
    reshape=reshape,
)
SET_TARGET = Target(
    "set_requests",
    partial(check_with, set_world, _check_set),
    partial(seeds_of, SET_SAMPLES),
    executions=60,
    tokens=_TOKENS,
    suffix=".dump",
    max_bytes=100_000,
    reshape=reshape,
)
