"""Outboxes: what is to go to one place is gathered here and leaves as few messages as the limits allow, once
per turn.

While a peer is busy answering, small calls to it are held back until its next answer, or for a moment: one
message of many calls costs it, and this process, far less than many of one. The same idea as Nagle's for TCP
(RFC 896). A peer that owes no answer, or has given none of late, never makes anything wait.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable, Sequence
from itertools import islice

import attrs
import msgspec

from rustfs_node.bus.link import Link, Route, Sent
from rustfs_node.bus.values import Counts
from rustfs_node.seams.clock import Clock
from rustfs_node.settings.bus import BusSettings
from rustfs_proto.wire.envelope import NOTICE, PROTOCOL_MAJOR, REPLY, Envelope, Header, pack, split_payload
from rustfs_proto.wire.registry import encode_message


@attrs.define(eq=False)
class Item:
    """One envelope with the payload frames that travel on their own. Unsent by `deadline`, it is dropped."""

    envelope: Envelope
    frames: list[bytes]
    size_bytes: int
    deadline: float = math.inf


@attrs.define(eq=False)
class Outbox:
    """Envelopes for one route, in order. A shut one gathers; `target` is the incarnation of the receiver, 0
    unknown. `owes_answer`: calls were sent since the last answer, which came at `answered_at`. `is_timed`:
    there is a timer for what is held back.
    """

    route: Route
    is_open: bool
    target: int = 0
    notice_bytes: int = 0
    waiting_bytes: int = 0
    owes_answer: bool = False
    answered_at: float = -math.inf
    is_timed: bool = False
    items: deque[Item] = attrs.field(factory=deque)

    def held_until(self, settings: BusSettings) -> float:
        """How long what waits is held back: its receiver is busy answering, and what waits is little."""
        if not self.owes_answer or self.waiting_bytes >= settings.gather_bytes:
            return -math.inf
        return self.answered_at + settings.gather_s

    def answered(self, now: float) -> None:
        """The receiver has answered something: what waits may go with this turn."""
        self.owes_answer, self.answered_at, self.is_timed = False, now, False

    def forget_all(self) -> None:
        """Drop what waits, and what was known of the receiver."""
        self.items.clear()
        self.notice_bytes = self.waiting_bytes = 0
        self.owes_answer = self.is_timed = False


def message_item(
    kind: int, call_id: int, message: object, frames: Sequence[bytes], inline_bytes: int, trace: str = ""
) -> Item:
    """A CALL, NOTICE or REPLY, ready to be queued."""
    body = encode_message(message)
    size_bytes = len(body)
    stated: tuple[bytes | None, ...] = ()
    own: list[bytes] = []
    if frames:
        stated, own = split_payload(frames, inline_bytes)
        size_bytes += sum(map(len, frames))
    operation = "" if kind == REPLY else type(message).__name__
    return Item(Envelope(kind, call_id, operation, 0, trace, msgspec.Raw(body), stated), own, size_bytes)


def too_large(item: Item, settings: BusSettings) -> str | None:
    """Why a receiver would refuse the item, however it is batched."""
    if item.size_bytes <= settings.frame_bytes_max and len(item.frames) < settings.frames_max:
        return None
    if len(item.frames) >= settings.frames_max:
        return f"{len(item.frames)} frames of their own, at most {settings.frames_max - 1}"
    in_header = item.size_bytes - sum(map(len, item.frames))
    largest = max([in_header, *map(len, item.frames)])
    if largest > settings.frame_bytes_max:
        return f"{largest} bytes in one frame, at most {settings.frame_bytes_max}"
    return None


@attrs.frozen
class Batch:
    """What goes in one message; `taken` is how many items it uses up, expired ones included."""

    envelopes: list[Envelope]
    frames: list[bytes]
    taken: int
    notice_bytes: int
    has_calls: bool


def next_batch(items: deque[Item], now: float, settings: BusSettings) -> Batch:
    """The longest beginning of `items` within the limits, at least one; calls learn how much time is left to
    them.
    """
    envelopes: list[Envelope] = []
    frames: list[bytes] = []
    size_bytes = taken = notice_bytes = 0
    has_calls = False
    for item in islice(items, settings.batch_calls):
        size_bytes += item.size_bytes
        if taken and (
            size_bytes > settings.batch_bytes or len(frames) + len(item.frames) >= settings.frames_max
        ):
            break
        taken += 1
        envelope = item.envelope
        if envelope.kind == NOTICE:
            notice_bytes += item.size_bytes
        if item.deadline != math.inf:
            # At least 1: the receiver takes 0 for "too late", which is for the clock here to say.
            envelope.ttl_ms = math.ceil((item.deadline - now) * 1000)
            if envelope.ttl_ms <= 0:
                continue
            has_calls = True
        envelopes.append(envelope)
        frames += item.frames
    return Batch(envelopes, frames, taken, notice_bytes, has_calls)


@attrs.define(eq=False)
class Outboxes:
    """All outboxes with something in them. `wake` is called when the first item of a turn is put in."""

    own_name: str
    incarnation: int
    link: Link
    settings: BusSettings
    clock: Clock
    counts: Counts
    wake: Callable[[], None] = attrs.field(default=lambda: None)
    _dirty: dict[Route, Outbox] = attrs.field(factory=dict)

    def put(self, outbox: Outbox, item: Item) -> None:
        """Queue for the end of the turn, or until the outbox is opened."""
        outbox.items.append(item)
        outbox.waiting_bytes += item.size_bytes
        if outbox.is_open:
            self._dirty[outbox.route] = outbox
            # A turn for one item more of what is held back would be for nothing.
            if not outbox.is_timed or outbox.waiting_bytes >= self.settings.gather_bytes:
                self.wake()

    def open(self, outbox: Outbox, target: int) -> None:
        """Let what was gathered go."""
        outbox.is_open, outbox.target = True, target
        if outbox.items:
            self._dirty[outbox.route] = outbox
            self.wake()

    def shut(self, outbox: Outbox) -> None:
        """Drop what was gathered and gather from now on."""
        outbox.is_open = False
        outbox.forget_all()
        self._dirty.pop(outbox.route, None)

    def send_now(self, outbox: Outbox, kind: int) -> None:
        """A sign of life, past the queue. It may get lost: those who wait for one ask again at the next
        heartbeat.
        """
        self._send(outbox, [Envelope(kind)], [])

    def flush(self, *, at_once: bool = False) -> float:
        """Send what there is, but for what is held back, unless it is to go `at_once`. The answer is when to
        flush again, infinity for only when there is more: the link may not have taken everything.
        """
        again_at = math.inf
        if not self._dirty:
            return again_at
        dirty, self._dirty = self._dirty, {}
        now = self.clock.monotonic_s()
        for route, outbox in dirty.items():
            held_until = outbox.held_until(self.settings)
            if now < held_until and not at_once:
                outbox.is_timed = True
                again_at = min(again_at, held_until)
            elif not self._flush_one(outbox, now):
                again_at = min(again_at, now + self.settings.blocked_retry_s)
            else:
                continue
            self._dirty[route] = outbox
        return again_at

    def _flush_one(self, outbox: Outbox, now: float) -> bool:
        items = outbox.items
        while items:
            batch = next_batch(items, now, self.settings)
            if batch.envelopes:
                sent = self._send(outbox, batch.envelopes, batch.frames)
                if sent is Sent.BLOCKED:
                    return False
                if sent is Sent.GONE:
                    self.counts.unanswerable += len(items)
                    outbox.forget_all()
                    return True
                outbox.owes_answer |= batch.has_calls
            outbox.notice_bytes -= batch.notice_bytes
            for _ in range(batch.taken):
                items.popleft()
        outbox.waiting_bytes, outbox.is_timed = 0, False
        return True

    def _send(self, outbox: Outbox, envelopes: list[Envelope], frames: list[bytes]) -> Sent:
        sent_ms = int(self.clock.monotonic_s() * 1000)
        header = Header(PROTOCOL_MAJOR, self.own_name, self.incarnation, outbox.target, sent_ms, envelopes)
        sent = self.link.send(outbox.route, pack(header, frames))
        if sent is Sent.SENT:
            self.counts.messages_sent += 1
        return sent
