"""Outboxes: what is to go to one place is gathered here and leaves as few messages as the limits allow, once
per turn.
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
    unknown.
    """

    route: Route
    is_open: bool
    target: int = 0
    notice_bytes: int = 0
    items: deque[Item] = attrs.field(factory=deque)


def message_item(
    kind: int, call_id: int, message: object, frames: Sequence[bytes], inline_bytes: int, trace: str = ""
) -> Item:
    """A CALL, NOTICE or REPLY, ready to be queued."""
    body = encode_message(message)
    stated, own = split_payload(frames, inline_bytes)
    size_bytes = len(body) + sum(map(len, frames))
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


def next_batch(items: deque[Item], now: float, settings: BusSettings) -> Batch:
    """The longest beginning of `items` within the limits, at least one; calls learn how much time is left to
    them.
    """
    envelopes: list[Envelope] = []
    frames: list[bytes] = []
    size_bytes = taken = notice_bytes = 0
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
        envelopes.append(envelope)
        frames += item.frames
    return Batch(envelopes, frames, taken, notice_bytes)


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
        if outbox.is_open:
            self._dirty[outbox.route] = outbox
            self.wake()

    def open(self, outbox: Outbox, target: int) -> None:
        """Let what was gathered go."""
        outbox.is_open, outbox.target = True, target
        if outbox.items:
            self._dirty[outbox.route] = outbox
            self.wake()

    def shut(self, outbox: Outbox) -> None:
        """Drop what was gathered and gather from now on."""
        outbox.is_open, outbox.notice_bytes = False, 0
        outbox.items.clear()
        self._dirty.pop(outbox.route, None)

    def send_now(self, outbox: Outbox, kind: int) -> None:
        """A sign of life, past the queue. It may get lost: those who wait for one ask again at the next
        heartbeat.
        """
        self._send(outbox, [Envelope(kind)], [])

    def flush(self) -> bool:
        """Send what there is. False where the link did not take everything: then flush again soon."""
        if not self._dirty:
            return True
        dirty, self._dirty = self._dirty, {}
        now = self.clock.monotonic_s()
        for route, outbox in dirty.items():
            if not self._flush_one(outbox, now):
                self._dirty[route] = outbox
        return not self._dirty

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
                    items.clear()
                    return True
            outbox.notice_bytes -= batch.notice_bytes
            for _ in range(batch.taken):
                items.popleft()
        return True

    def _send(self, outbox: Outbox, envelopes: list[Envelope], frames: list[bytes]) -> Sent:
        sent_ms = int(self.clock.monotonic_s() * 1000)
        header = Header(PROTOCOL_MAJOR, self.own_name, self.incarnation, outbox.target, sent_ms, envelopes)
        sent = self.link.send(outbox.route, pack(header, frames))
        if sent is Sent.SENT:
            self.counts.messages_sent += 1
        return sent
