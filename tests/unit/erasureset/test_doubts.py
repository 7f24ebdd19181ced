"""What the set worker must not believe or skip, one doubt at a time."""

from __future__ import annotations

import pytest
import trio
import trio.testing
import xxhash

from rustfs_proto.erasure.placement import first_slot
from rustfs_proto.wire import drive_ops as ops
from rustfs_proto.wire.faults import Fault, FaultCode
from rustfs_proto.wire.set_ops import Delete
from tests.unit.erasureset.kit import running_set
from tests.unit.erasureset.model_drive import ModelDrive, Stored
from tests.unit.erasureset.test_objects import body_of

SMALL, LARGE = body_of(300), body_of(30000)
KEY = b"k"


def key_read_from(slot: int) -> bytes:
    """A key whose reads begin at that slot of four."""
    return next(key for key in (b"k%d" % number for number in range(99)) if first_slot("b", key, 4) == slot)


async def test_fragments_damaged_on_their_way_are_read_around(monkeypatch: pytest.MonkeyPatch) -> None:
    """A drive that read well and whose bytes arrive changed counts as one that has none."""
    async with running_set(4) as a_set:
        await a_set.client.put(KEY, LARGE)
        read = ModelDrive._read  # noqa: SLF001 - the bytes change behind it, on their way

        def read_and_flip(
            drive: ModelDrive, message: ops.ShardRead
        ) -> tuple[ops.ShardFragments, tuple[bytes, ...]]:
            fragments, frames = read(drive, message)
            if drive in a_set.drives[:2]:
                frames = tuple(bytes([frame[0] ^ 1]) + frame[1:] for frame in frames)
            return fragments, frames

        monkeypatch.setattr(ModelDrive, "_read", read_and_flip)
        assert await a_set.client.get(KEY) == LARGE


async def test_a_drive_without_all_fragments_gets_no_record() -> None:
    """It missed a block in the middle, is well again at the end, and must not seem to have the object."""
    async with running_set(4) as a_set:
        drive = a_set.drives[1]
        drive.refuses_where = lambda message: isinstance(message, ops.ShardWrite) and message.index == 2
        await a_set.client.put(KEY, LARGE)
        # Some drives commit after the answer.
        await trio.testing.wait_all_tasks_blocked()
        assert drive.versions("b", KEY) == {}
        assert all(other.versions("b", KEY) for other in a_set.drives if other is not drive)


async def test_a_drive_that_missed_a_write_is_noted_by_the_write() -> None:
    """Not only by a read that happens to meet the gap."""
    async with running_set(4) as a_set:
        a_set.drives[1].refuses = FaultCode.PEER_DOWN
        await a_set.client.put(KEY, SMALL)
        with trio.fail_after(5):
            while not any(drive.heal_notes() for drive in a_set.drives):
                await trio.testing.wait_all_tasks_blocked(0.02)


async def test_absence_takes_a_write_quorum() -> None:
    """With k = m the k drives asked first may be just those that lack what the others would agree on."""
    key = key_read_from(2)
    async with running_set(4) as a_set:
        stamp = await a_set.client.put(key, SMALL)
        for drive in a_set.drives[2:]:
            del drive.versions("b", key)[stamp]
        assert await a_set.client.get(key) == SMALL


async def test_the_first_answer_does_not_speak_for_the_others() -> None:
    """A drive that missed the newest write may answer before all that have it."""
    key = key_read_from(1)
    async with running_set(4) as a_set:
        await a_set.client.put(key, b"old")
        # Not a reason to ask that drive last.
        a_set.drives[2].refuses = FaultCode.OVERLOADED
        await a_set.client.put(key, SMALL)
        a_set.drives[2].refuses = None
        a_set.drives[1].hold()
        found: list[bytes] = []

        async def read() -> None:
            found.append(await a_set.client.get(key))

        async with trio.open_nursery() as nursery:
            nursery.start_soon(read)
            await trio.testing.wait_all_tasks_blocked()
            a_set.drives[1].release()
        assert found == [SMALL]


def come_between(monkeypatch: pytest.MonkeyPatch, first: int) -> None:
    """Let another worker's write of KEY, with the stamp `first` + 1, reach each drive right before ours."""
    commit = ModelDrive._commit  # noqa: SLF001 - another writer comes before it

    def commit_late(drive: ModelDrive, message: ops.Commit, frames: tuple[bytes, ...]) -> ops.Committed:
        versions = drive.versions("b", KEY)
        if message.key == KEY and first + 1 not in versions:
            between = ops.Commit(
                ops.Space.OBJECT, "b", KEY, first + 1, ops.RowKind.VALUE,
                inline_check=xxhash.xxh3_128_digest(b"theirs"),
            )  # fmt: skip
            versions[first + 1] = Stored(between, b"theirs")
        return commit(drive, message, frames)

    monkeypatch.setattr(ModelDrive, "_commit", commit_late)


async def test_a_version_that_comes_between_question_and_commit_is_not_overwritten(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Another set worker's write, which no lock of this one keeps away."""
    async with running_set(4) as a_set:
        first = await a_set.client.put(KEY, SMALL)
        come_between(monkeypatch, first)
        with pytest.raises(Fault, match="conflict"):
            await a_set.client.put(KEY, b"ours", expect=first)
        assert all(max(drive.versions("b", KEY)) == first + 1 for drive in a_set.drives)


async def test_a_version_that_comes_between_question_and_commit_is_not_removed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A conditional delete compares on every drive too, whoever wrote there since it looked."""
    async with running_set(4) as a_set:
        first = await a_set.client.put(KEY, SMALL)
        come_between(monkeypatch, first)
        answer = await a_set.client.ask(Delete("b", (KEY,), (first,)))
        # Told as unknown where not every drive was waited for.
        assert answer.faults[0] in {"conflict", "no_quorum"}
        assert all(max(drive.versions("b", KEY)) == first + 1 for drive in a_set.drives)


async def test_what_a_delete_did_not_find_does_not_come_up_after_it() -> None:
    """A write that was given up lies on a drive that is away: the delete goes above it all the same."""
    async with running_set(4) as a_set:
        for drive in a_set.drives[1:]:
            drive.refuses_where = lambda message: isinstance(message, ops.Commit)
        with pytest.raises(Fault):
            await a_set.client.put(KEY, SMALL)
        a_set.drives[0].refuses = FaultCode.PEER_DOWN
        for drive in a_set.drives[1:]:
            drive.refuses_where = lambda _message: False
        await a_set.client.delete(KEY)
        a_set.drives[0].refuses = None
        newest = [max(drive.versions("b", KEY).items())[1].commit.kind for drive in a_set.drives[1:]]
        assert newest == [ops.RowKind.TOMBSTONE] * 3


async def test_what_no_drive_has_gets_no_tombstone() -> None:
    """Deletes of keys that never were leave nothing behind."""
    async with running_set(4) as a_set:
        await a_set.client.delete(KEY)
        assert [drive.versions("b", KEY) for drive in a_set.drives] == [{}] * 4
