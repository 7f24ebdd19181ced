"""Durable notes of keys that want healing: a row in the HEAL space of a few drives, for the healer to find.

A note is written after the client has its answer, and never makes anybody wait. A key is noted again only
`again_s` later: reads of a damaged object must not write a record each. Healing waits for longer than that
(`heal_noted`), and so comes after whatever was not noted again. Notes of one pass of the event loop leave
together, so drives commit them as one batch.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable

import structlog
import trio

from rustfs_node.bus import Reply
from rustfs_node.erasureset.answer import Answer
from rustfs_node.erasureset.peers import Drives
from rustfs_node.erasureset.settle import Settler
from rustfs_node.seams.clock import Clock
from rustfs_proto.stamp import StampIssuer
from rustfs_proto.wire.drive_ops import Commit, Committed, RowKind, Space
from rustfs_proto.wire.faults import Fault, FaultCode

log = structlog.get_logger()


def _nobody_waits(_: bool) -> None:
    """Notes of reads and writes are written for whoever heals, and not for whoever noted."""


class HealNotes:
    """Collects keys; `run` writes them down. `copies` drives get each note: one more than may be lost."""

    def __init__(
        self,
        drives: Drives,
        settler: Settler,
        issuer: StampIssuer,
        clock: Clock,
        copies: int,
        remembered: int,
        again_s: float,
    ) -> None:
        self._drives, self._settler, self._issuer, self._clock = drives, settler, issuer, clock
        self._copies = copies
        self._remembered_max = remembered
        self._again_s = again_s
        self._remembered: OrderedDict[tuple[str, bytes], float] = OrderedDict()
        self._waiting: list[tuple[str, bytes]] = []
        self._has_notes = trio.Event()
        self.written = self.lost = 0

    def note(self, bucket: str, key: bytes) -> None:
        """That key wants healing."""
        name = (bucket, key)
        now_s = self._clock.monotonic_s()
        if now_s < self._remembered.get(name, now_s):
            return
        self._remembered[name] = now_s + self._again_s
        self._remembered.move_to_end(name)
        if len(self._remembered) > self._remembered_max:
            self._remembered.popitem(last=False)
        self._waiting.append(name)
        self._has_notes.set()

    async def keep(self, bucket: str, key: bytes) -> bool:
        """Write that key down now, whatever was noted before; whether a drive has the note."""
        answered: Answer[bool] = Answer()
        self._write((bucket, key), answered.set)
        return await answered.wait()

    async def run(self) -> None:
        """Write down what is collected, as soon as there is something."""
        while True:
            await self._has_notes.wait()
            waiting, self._waiting = self._waiting, []
            self._has_notes = trio.Event()
            for name in waiting:
                self._write(name)

    def _write(
        self, name: tuple[str, bytes], on_end: Callable[[bool], None] = _nobody_waits, above: int = 0
    ) -> None:
        bucket, key = name
        stamp = self._issuer.issue(self._clock.wall_ms(), above)
        note = Commit(Space.HEAL, bucket, key, stamp, RowKind.VALUE)
        slots = self._drives.well_slots()[: self._copies]
        open_calls = len(slots)
        written = newest = 0

        def on_answer(_slot: int, answer: Reply | Fault) -> None:
            nonlocal open_calls, written, newest
            open_calls -= 1
            is_stale = isinstance(answer, Fault) and answer.code is FaultCode.STALE
            written += isinstance(answer, Reply) or is_stale
            newest = max(newest, answer.newest if isinstance(answer, Fault) and is_stale else 0)
            if (
                isinstance(answer, Reply)
                and isinstance(answer.message, Committed)
                and answer.message.replaced
            ):
                self._settler.add(note, complete=False)
            if open_calls:
                return
            if newest and not above:
                # By a clock that is ahead: it may be an older note than this one, or the end of one, and what
                # happened since would be spoken for by none. What comes above this is newer indeed.
                self._write(name, on_end, newest)
                return
            if written:
                self.written += 1
            else:
                self._lost(name)
            on_end(written > 0)

        if not slots:
            self._lost(name)
            on_end(False)
        for slot in slots:
            self._drives.ask_write(slot, note, (), on_answer)

    def _lost(self, name: tuple[str, bytes]) -> None:
        """No drive took the note: the next read or write that meets the damage shall try again."""
        self._remembered.pop(name, None)
        self.lost += 1
        log.warning("heal_note_lost", bucket=name[0], key=name[1].decode(errors="replace"))
