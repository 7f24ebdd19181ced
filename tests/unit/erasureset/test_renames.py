"""The set worker's part of a rename, over real drives: opened, marked, decided, ended."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import combinations_with_replacement
from pathlib import Path

import attrs

from rustfs_node.bus import Bus
from rustfs_proto.locking import ObjectLock
from rustfs_proto.objects import Geometry, ObjectHead, ObjectMeta, Rename, encode_head, encode_meta
from rustfs_proto.wire.drive_ops import Commit, ListRenames, RowKind, Space
from rustfs_proto.wire.faults import OPEN_RENAME, Fault, FaultCode
from rustfs_proto.wire.rename_ops import (
    RenameDecide,
    RenameDrop,
    RenameFinish,
    RenameForget,
    RenameMark,
    RenamesOpen,
    RenameStage,
    RenameState,
)
from rustfs_proto.wire.set_ops import Delete, List, ObjectInfo, PutSmall
from tests.unit.erasureset.kit import Client, TestSet, running_real_set
from tests.unit.erasureset.real_drive import RealDrive

DRIVES = 4
MOVED, ENDED, OPEN = RenameState.MOVED, RenameState.ENDED, RenameState.OPEN


@attrs.frozen
class Renaming:
    """A set of four drives, two of them parity, and a way past the set worker to each of them."""

    a_set: TestSet[RealDrive]
    probe: Bus

    @property
    def client(self) -> Client:
        return self.a_set.client

    async def stage(self, rename: Rename, body: bytes = b"body", expect: int = 0) -> bytes:
        request = RenameStage("b", rename.target, rename, ObjectInfo(etag="e"), expect)
        return (await self.client.ask(request, body)).rename_id

    async def decide(self, key: bytes, rename_id: bytes, *, gives_up: bool = True) -> RenameState:
        return RenameState((await self.client.ask(RenameDecide("b", key, rename_id, gives_up))).state)

    async def commit(self, slot: int, commit: Commit) -> None:
        """On that drive, once it has the object: the last of four may take it a moment later."""
        while True:
            try:
                await self.probe.call(f"drive-0-{slot}", commit, deadline_s=10)
            except Fault as fault:
                if fault.code is not FaultCode.CONFLICT:
                    raise
            else:
                return

    async def get(self, key: bytes) -> bytes | FaultCode:
        """What the key has, once no drive has a rename open there: the last may end it a moment later."""
        while True:
            try:
                return await self.client.get(key)
            except Fault as fault:
                if fault.code is not FaultCode.UNRESOLVED:
                    return fault.code

    async def rows(self) -> int:
        """Renames that are open on any drive."""
        held = [
            (await self.probe.call(f"drive-0-{slot}", ListRenames("b"), deadline_s=10)).message
            for slot in range(DRIVES)
        ]
        return sum(len(one.rows) for one in held)

    async def all_ended(self) -> None:
        """Wait until none is open on any drive: the last may end it a moment later."""
        while await self.rows():
            pass


@asynccontextmanager
async def renaming(folder: Path) -> AsyncIterator[Renaming]:
    async with running_real_set(folder, DRIVES) as a_set:
        names = [drive.name for drive in a_set.drives]
        probe = a_set.net.open_bus("probe", names)
        a_set.drives[0].nursery.start_soon(probe.run)
        yield Renaming(a_set, probe)


def mark_of(rename: Rename, rename_id: bytes, stamp: int) -> Commit:
    """The mark as the set worker writes it."""
    meta = encode_meta(ObjectMeta(Geometry(2, 2, 1024), rename=rename))
    return Commit(
        Space.RENAME,
        "b",
        rename.source,
        stamp,
        RowKind.VALUE,
        rename_id,
        head=encode_head(ObjectHead(0, "")),
        meta=meta,
        expect=rename.stamp,
        of_key=True,
    )


async def test_from_beginning_to_end(tmp_path: Path) -> None:
    """Each step does its own part, once, however often it is asked for; in the end nothing is open."""
    async with renaming(tmp_path) as it:
        client = it.client
        rename = Rename(b"s", b"t", await client.put(b"s", b"body"))
        rename_id = await it.stage(rename)
        assert await client.get_fault(b"t") is FaultCode.UNRESOLVED
        assert await client.fault_of(List("b")) is FaultCode.UNRESOLVED
        assert await client.fault_of(PutSmall("b", b"t", ObjectInfo()), b"x") in OPEN_RENAME
        assert (await client.delete(b"t")).faults == (FaultCode.UNRESOLVED,)
        assert await client.get(b"s") == b"body"
        assert await it.decide(b"s", rename_id, gives_up=False) is OPEN
        await client.ask(RenameMark("b", b"s", rename_id, rename))
        for gives_up in (False, True):
            assert await it.decide(b"s", rename_id, gives_up=gives_up) is MOVED
        assert await client.get_fault(b"s") is FaultCode.UNRESOLVED
        (found,) = (await client.ask(RenamesOpen("b"))).renames
        assert (found.rename_id, found.rename) == (rename_id, rename)
        for _ in range(2):
            await client.ask(RenameFinish("b", b"t", rename_id))
            assert await it.get(b"t") == b"body"
        for _ in range(2):
            await client.ask(RenameForget("b", b"s", rename_id))
            assert await it.get(b"s") is FaultCode.NOT_FOUND
        await it.all_ended()
        assert not (await client.ask(RenamesOpen("b"))).renames
        await client.put(b"s", b"new")
        assert await it.decide(b"s", rename_id) is ENDED
        await client.ask(RenameForget("b", b"s", rename_id))
        assert await client.get(b"s") == b"new"


async def test_what_is_given_up_leaves_everything_as_it_was(tmp_path: Path) -> None:
    """No mark is taken afterwards, and the target has what it had."""
    async with renaming(tmp_path) as it:
        client = it.client
        rename = Rename(b"s", b"t", await client.put(b"s", b"body"))
        rename_id = await it.stage(rename, expect=await client.put(b"t", b"before"))
        assert await it.decide(b"s", rename_id) is ENDED
        late = RenameMark("b", b"s", rename_id, rename)
        assert await client.fault_of(late) is FaultCode.NO_QUORUM
        await client.ask(RenameDrop("b", b"t", rename_id))
        assert await it.get(b"t") == b"before" and await it.get(b"s") == b"body"
        await it.all_ended()


async def test_what_was_overtaken_is_not_renamed(tmp_path: Path) -> None:
    """Neither over another version than the one expected, nor where the source has another one now."""
    async with renaming(tmp_path) as it:
        client = it.client
        rename = Rename(b"s", b"t", await client.put(b"s", b"body"))
        for expect in (1, rename.stamp):
            stage = RenameStage("b", b"t", rename, ObjectInfo(), expect)
            assert await client.fault_of(stage, b"x") is FaultCode.CONFLICT
        rename_id = await it.stage(rename)
        await client.put(b"s", b"newer")
        mark = RenameMark("b", b"s", rename_id, rename)
        assert await client.fault_of(mark) is FaultCode.CONFLICT
        await client.ask(Delete("b", (b"s",)))
        assert await client.fault_of(mark) is FaultCode.CONFLICT
        assert await it.decide(b"s", rename_id) is ENDED


async def test_what_is_locked_stays(tmp_path: Path) -> None:
    """A locked version is neither renamed nor replaced, by whatever way it came there."""
    held = ObjectLock(legal_hold=True)
    async with renaming(tmp_path) as it:
        client = it.client
        locked = await client.put(b"locked", b"body", lock=held)
        free = await client.put(b"free", b"body")
        stage = RenameStage("b", b"locked", Rename(b"free", b"locked", free), ObjectInfo(), locked)
        assert await client.fault_of(stage, b"x") is FaultCode.LOCKED
        rename = Rename(b"locked", b"t", locked)
        rename_id = await it.stage(rename)
        mark = RenameMark("b", b"locked", rename_id, rename)
        assert await client.fault_of(mark) is FaultCode.LOCKED
        assert await client.get(b"locked") == b"body"


async def test_one_decision_whatever_drives_have(tmp_path: Path) -> None:
    """Marks and ends on any number of drives: what a write quorum has stands, the rest is decided one way for
    all, and the source is frozen or free by that.
    """
    async with renaming(tmp_path) as it:
        client = it.client
        kinds = ("nothing", "mark", "end")
        for number, states in enumerate(combinations_with_replacement(kinds, DRIVES)):
            key = b"%d" % number
            rename = Rename(key, b"t%d" % number, await client.put(key, b"body"))
            rename_id = key.rjust(16, b"0")
            for slot, state in enumerate(states):
                commit = mark_of(rename, rename_id, rename.stamp + 1)
                if state == "end":
                    commit = Commit(
                        Space.RENAME, "b", key, rename.stamp + 2, RowKind.TOMBSTONE, rename_id, expect=0
                    )
                if state != "nothing":
                    await it.commit(slot, commit)
            marks, ends = states.count("mark"), states.count("end")
            decided = await it.decide(key, rename_id)
            assert decided is (MOVED if marks and ends < 2 else ENDED), states
            assert decided is MOVED or marks < 3, states
            assert decided is ENDED or ends < 3, states
            assert await it.decide(key, rename_id) is decided, states
            found = (
                await client.fault_of(PutSmall("b", key, ObjectInfo()), b"x") if decided is MOVED else None
            )
            assert found is None or found in OPEN_RENAME, states
            if decided is ENDED:
                await client.put(key, b"x")


async def test_a_drive_that_was_away_does_not_bring_a_rename_back(tmp_path: Path) -> None:
    """What it still has open is found to have ended, and ends there too."""
    async with renaming(tmp_path) as it:
        client, away = it.client, it.a_set.drives[3]
        rename = Rename(b"s", b"t", await client.put(b"s", b"body"))
        rename_id = await it.stage(rename)
        await client.ask(RenameMark("b", b"s", rename_id, rename))
        await away.stop()
        await client.ask(RenameFinish("b", b"t", rename_id))
        await client.ask(RenameForget("b", b"s", rename_id))
        await client.put(b"t", b"newer")
        await away.start()
        assert await it.rows() == 2
        for one in (await client.ask(RenamesOpen("b"))).renames:
            assert await it.decide(one.rename.source, one.rename_id) is ENDED
            await client.ask(RenameDrop("b", b"t", one.rename_id))
        assert await it.get(b"t") == b"newer" and await it.get(b"s") is FaultCode.NOT_FOUND
        await it.all_ended()


async def test_what_has_happened_stands_with_as_many_drives_lost_as_can_be(tmp_path: Path) -> None:
    """Two of four come back empty: the mark that the others have is believed, what was brought is read."""
    async with renaming(tmp_path) as it:
        client = it.client
        rename = Rename(b"s", b"t", await client.put(b"s", b"body"))
        rename_id = await it.stage(rename)
        await client.ask(RenameMark("b", b"s", rename_id, rename))
        for drive in it.a_set.drives[:2]:
            await drive.empty()
        for gives_up in (True, False):
            assert await it.decide(b"s", rename_id, gives_up=gives_up) is MOVED
        await client.ask(RenameFinish("b", b"t", rename_id))
        await client.ask(RenameForget("b", b"s", rename_id))
        assert await it.get(b"t") == b"body" and await it.get(b"s") is FaultCode.NOT_FOUND


async def test_what_drives_lack_that_have_lost_something_gives_nothing_up(tmp_path: Path) -> None:
    """Two of four come back empty before there was a mark: too few are left to tell that there is none."""
    async with renaming(tmp_path) as it:
        client = it.client
        rename = Rename(b"s", b"t", await client.put(b"s", b"body"))
        rename_id = await it.stage(rename)
        for drive in it.a_set.drives[:2]:
            await drive.empty()
        asked = RenameDecide("b", b"s", rename_id, gives_up=False)
        assert await client.fault_of(asked) is FaultCode.NO_QUORUM
        assert await it.decide(b"s", rename_id) is ENDED
        assert await client.fault_of(RenameMark("b", b"s", rename_id, rename)) in {
            FaultCode.NO_QUORUM,
            FaultCode.CONFLICT,
        }
