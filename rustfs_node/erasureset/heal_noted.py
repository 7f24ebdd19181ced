"""Heals the keys of which heal notes speak, and takes the notes back.

Each worker of the set goes through the notes on all drives that answer, and heals the keys that fall to it by
their hash; after `heal_leftover_s` it takes what nobody did.

No note is lost that speaks of something else than what was healed:

- a note is taken back by a tombstone just above it, on drives where it is still the newest: one that was
  written since stays, and one that arrives later is newer than the tombstone;
- whoever has noted a key writes no second note for `heal_note_again_s`. What happens to the key within that
  time is spoken for by the first note, so a key is only healed when its note has been known for longer
  (`heal_rest_s`): then it has happened before the healer looks.

A key that cannot be healed now keeps its note. It is tried again after a pause that grows, and at once when
another drive has come, or gone.
"""

from __future__ import annotations

from collections import OrderedDict
from functools import partial

import structlog
import trio

from rustfs_node.bus import Bus
from rustfs_node.erasureset.heal_key import heal_key
from rustfs_node.erasureset.heal_walk import RowWalk
from rustfs_node.erasureset.peers import Rank
from rustfs_node.erasureset.state import SetState
from rustfs_node.erasureset.together import outcomes_of
from rustfs_node.settings.erasureset import SetSettings
from rustfs_proto.erasure.healing import WalkedRow, worker_of
from rustfs_proto.stamp import STAMP_MAX, wall_ms_of
from rustfs_proto.wire.drive_ops import Commit, RowKind, RowName, Space
from rustfs_proto.wire.faults import Fault

log = structlog.get_logger()

KeyName = tuple[str, bytes]


class NoteHealer:
    """`run` goes round and round over the notes."""

    def __init__(self, bus: Bus, state: SetState) -> None:
        self._bus, self._state = bus, state
        self._tried = Tried(state.settings)

    async def run(self) -> None:
        """Heal what is noted, for ever."""
        while True:
            await trio.sleep(self._state.settings.heal_pause_s)
            self._tried.see(self._drives_now())
            try:
                await self._go_round()
            except Fault as fault:
                # Too few drives answer to heal anything. The notes stay.
                log.debug("heal_round_ended", set=self._state.plan.name, reason=str(fault))

    def _drives_now(self) -> tuple[object, ...]:
        """What changes when a drive goes, or comes."""
        peers = self._bus.statistics().peers
        conditions = self._state.drives.conditions
        return tuple(
            (peers[plan.name].incarnation, condition.rank is Rank.AWAY)
            for plan, condition in zip(self._state.plan.drives, conditions, strict=True)
        )

    async def _go_round(self) -> None:
        statuses = [condition.status for condition in self._state.drives.conditions]
        if not any(status.heal_notes for status in statuses if status is not None):
            return
        after: RowName | None = RowName(Space.HEAL)
        settings = self._state.settings
        while after is not None:
            notes, after = await self._some_notes(after)
            mine = [note for note in notes if self._is_mine(note)]
            if mine:
                await trio.sleep(settings.heal_rest_s)
                await outcomes_of([partial(self._heal, note) for note in mine], settings.heal_at_once)

    async def _some_notes(self, after: RowName) -> tuple[list[WalkedRow], RowName | None]:
        """Keys that are noted, and behind which to go on; None at the end."""
        notes: list[WalkedRow] = []
        walk = RowWalk(self._state, after, notes=True)
        for _ in range(self._state.settings.heal_page_rows):
            row = await walk.next()
            if row is None or row.name.space != Space.HEAL:
                return notes, None
            after = row.name
            if _stamps(row):
                notes.append(row)
        return notes, after

    def _is_mine(self, note: WalkedRow) -> bool:
        state, name = self._state, (note.name.bucket, note.name.key)
        if not self._tried.is_due(name, state.clock.monotonic_s()):
            return False
        workers = [worker.name for worker in state.plan.workers]
        own = workers.index(state.plan.name) if state.plan.name in workers else 0
        if worker_of(*name, len(workers)) == own:
            return True
        age_ms = state.clock.wall_ms() - wall_ms_of(max(_stamps(note).values()))
        return age_ms > state.settings.heal_leftover_s * 1000

    async def _heal(self, note: WalkedRow) -> None:
        state, name = self._state, (note.name.bucket, note.name.key)
        try:
            is_healed = await heal_key(state, *name)
        except Fault as fault:
            log.debug("key_not_healed", bucket=name[0], reason=str(fault))
            is_healed = False
        if is_healed:
            state.healing.healed += 1
            self._tried.forget(name)
            await self._take_back(note)
        else:
            state.healing.failed += 1
            self._tried.failed(name, state.clock.monotonic_s())
        await self._state.heal_pace.row_done()

    async def _take_back(self, note: WalkedRow) -> None:
        for slot, stamp in _stamps(note).items():
            if stamp == STAMP_MAX:
                continue
            end = Commit(
                Space.HEAL,
                note.name.bucket,
                note.name.key,
                stamp + 1,
                RowKind.TOMBSTONE,
                note.name.sub,
                expect=stamp,
            )
            try:
                await self._state.drives.write(slot, end, ())
            except Fault as fault:
                # There is a newer note, or the drive went away: the note is met again.
                log.debug("heal_note_stays", slot=slot, reason=str(fault))


def _stamps(note: WalkedRow) -> dict[int, int]:
    """The stamp of the note on each drive that has it."""
    return {slot: row.stamp for slot, row in note.held.items() if row.kind == RowKind.VALUE}


class Tried:
    """Keys that could not be healed, at most `heal_tried_keys`: when to try each again."""

    def __init__(self, settings: SetSettings) -> None:
        self._settings = settings
        self._keys: OrderedDict[KeyName, tuple[float, float]] = OrderedDict()
        self._drives: tuple[object, ...] = ()

    def see(self, drives: tuple[object, ...]) -> None:
        """How the drives are: where that has changed, everything is worth another try."""
        if drives != self._drives:
            self._drives = drives
            self._keys.clear()

    def is_due(self, name: KeyName, now_s: float) -> bool:
        """Whether it is time to try that key."""
        return name not in self._keys or now_s >= self._keys[name][0]

    def failed(self, name: KeyName, now_s: float) -> None:
        """It was tried in vain."""
        pause_s = self._keys.pop(name, (0.0, self._settings.heal_retry_s / 2))[1] * 2
        pause_s = min(pause_s, self._settings.heal_retry_max_s)
        self._keys[name] = (now_s + pause_s, pause_s)
        if len(self._keys) > self._settings.heal_tried_keys:
            self._keys.popitem(last=False)

    def forget(self, name: KeyName) -> None:
        """It is healed."""
        self._keys.pop(name, None)
