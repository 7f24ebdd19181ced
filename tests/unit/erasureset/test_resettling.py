"""What a drive keeps of older versions goes, once it is certain that it is not needed."""

from __future__ import annotations

from pathlib import Path

import pytest
import trio

from rustfs_node.plan import drive_name
from rustfs_proto.wire.drive_ops import Commit, ListUnsettled, Lookup
from rustfs_proto.wire.faults import Fault
from tests.unit.erasureset.kit import Drive, TestSet, running_real_set, running_set
from tests.unit.erasureset.test_objects import body_of

AT_ONCE = {"resettle_delay_s": 0.01, "resettle_pause_s": 0.0}


async def on_all_drives(a_set: TestSet[Drive], key: bytes, stamp: int) -> None:
    """Return when every drive has this version: an answer waits for a write quorum of them only."""
    names = [drive_name(0, slot) for slot in range(len(a_set.drives))]
    bus = a_set.net.open_bus(f"asker of {stamp}", names)
    async with trio.open_nursery() as nursery:
        await nursery.start(bus.run)
        for name in names:
            found = 0
            while found != stamp:
                found = (await bus.call(name, Lookup(0, "b", key), deadline_s=20)).message.stamp
                await trio.sleep(0.01)
        nursery.cancel_scope.cancel()


async def test_a_drive_that_forgot_what_is_settled_is_told_again(tmp_path: Path) -> None:
    """A drive that was killed, or lost its index, shows replaced versions again: they go without anybody
    touching the key.
    """
    async with running_real_set(tmp_path, 4, **AT_ONCE) as a_set:
        for number in range(3):
            stamp = await a_set.client.put(b"k", body_of(30_000, number))
        await on_all_drives(a_set, b"k", stamp)
        drive = a_set.drives[1]
        before = len(a_set.drives[0].shard_files())
        await drive.stop()
        for path in drive.folder.glob("index.sqlite*"):
            path.unlink()
        await drive.start()
        with trio.fail_after(20):
            while drive.keeps_older_versions():  # noqa: ASYNC110 - the drive tells nobody
                await trio.sleep(0.01)
        assert before == 3
        assert await a_set.client.get(b"k") == body_of(30_000, 2)


async def test_what_may_be_needed_stays() -> None:
    """A version on fewer drives than a write quorum may never have been acknowledged: what it replaced is
    kept.
    """
    async with running_set(4, **AT_ONCE) as a_set:
        for drive in a_set.drives:
            drive.refuses_where = lambda message: isinstance(message, ListUnsettled)
        await a_set.client.put(b"k", b"acknowledged")
        for drive in a_set.drives[2:]:
            drive.refuses_where = lambda message: isinstance(message, Commit | ListUnsettled)
        with pytest.raises(Fault):
            await a_set.client.put(b"k", b"perhaps not")
        for drive in a_set.drives:
            drive.seen.clear()
            drive.refuses_where = lambda _message: False
        last = a_set.drives[3]
        with trio.fail_after(20):
            while not any(isinstance(message, ListUnsettled) for message in last.seen):  # noqa: ASYNC110
                await trio.sleep(0.01)
        assert [len(drive.versions("b", b"k")) for drive in a_set.drives] == [2, 2, 1, 1]


async def test_a_write_that_was_given_up_keeps_nothing_from_being_settled() -> None:
    """What a write quorum has is settled although some drives have something newer; older ones go."""
    async with running_set(4, **AT_ONCE) as a_set:
        for drive in a_set.drives:
            drive.loses_settles = True
            drive.refuses_where = lambda message: isinstance(message, ListUnsettled)
        for body in (b"older", b"acknowledged"):
            await on_all_drives(a_set, b"k", await a_set.client.put(b"k", body))
        for drive in a_set.drives[2:]:
            drive.refuses_where = lambda message: isinstance(message, Commit | ListUnsettled)
        with pytest.raises(Fault):
            await a_set.client.put(b"k", b"perhaps not")
        for drive in a_set.drives:
            drive.loses_settles = False
            drive.refuses_where = lambda _message: False
        with trio.fail_after(20):
            kept: list[int] = []
            while kept != [2, 2, 1, 1]:
                await trio.sleep(0.01)
                kept = [len(drive.versions("b", b"k")) for drive in a_set.drives]
