"""Sets of four drives, two of them parity, of which one or two do what failing disks do: no wrong byte,
nothing acknowledged lost, no error but a clean one.
"""

from __future__ import annotations

import errno
import logging
from collections.abc import Iterator

import attrs
import pytest
import structlog
import trio

from rustfs_node.plan import drive_name
from rustfs_proto.wire.drive_ops import DriveState, DriveStatus
from tests.kit.faulty_files import (
    EVER,
    Ages,
    Effect,
    Fails,
    Flips,
    Hangs,
    Lasts,
    Lies,
    Loses,
    Misdirects,
    Tears,
)
from tests.unit.erasureset.kit import TestSet
from tests.unit.erasureset.set_story import SetStory
from tests.unit.erasureset.virtual_set import Drive, Machine, new_machine


@pytest.fixture(autouse=True)
def quiet_log() -> Iterator[None]:
    before = structlog.get_config()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    yield
    structlog.configure(**before)


@attrs.frozen
class Bad:
    """What is wrong with a drive."""

    name: str
    call: str
    effect: Effect
    where: str = ""
    first: int = 1
    times: int = EVER

    def befall(self, drive: Drive) -> None:
        drive.files.inject(self.call, self.effect, self.where, first=self.first, times=self.times)

    def __str__(self) -> str:
        return self.name


SILENT = (
    Bad("log writes are lost", "write", Loses(), "/log/"),
    Bad("one log write is lost", "write", Loses(), "/log/", first=4, times=1),
    Bad("shard writes are lost", "write", Loses(), "/shards/"),
    Bad("log writes are torn", "write", Tears(1), "/log/", first=3),
    Bad("shard writes are torn", "write", Tears(3), "/shards/"),
    Bad("log writes go astray", "write", Misdirects(), "/log/", first=2),
    Bad("shard writes go astray", "write", Misdirects(), "/shards/"),
    Bad("log writes land in the identity", "write", Misdirects(into="/drive/rustfs.json"), "/log/", 3, 1),
    Bad("bits flip in log writes", "write", Flips(), "/log/", first=2),
    Bad("bits flip in shard writes", "write", Flips(), "/shards/"),
    Bad("bits flip in reads", "read", Flips(), "/(log|shards)/"),
)
READING = (
    Bad("bits flip in reads", "read", Flips(), "/(log|shards)/"),
    Bad("reads of the log fail", "read", Fails(errno.EIO), "/log/"),
    Bad("reads of shard files fail", "read", Fails(errno.EIO), "/shards/"),
    Bad("files are stale", "read", Ages(), "/(log|shards)/"),
    Bad("nothing can be opened", "open", Fails(errno.EIO)),
)
LOUD = (
    Bad("log writes fail", "write", Fails(errno.EIO), "/log/", first=4),
    Bad("log syncs fail", "sync", Fails(errno.EIO), "/log/", first=6),
    Bad("one log sync fails", "sync", Fails(errno.EIO), "/log/", first=6, times=1),
    Bad("shard syncs fail", "sync", Fails(errno.EIO), "/shards/"),
    Bad("folder syncs fail", "sync_folder", Fails(errno.EIO), "/shards", first=3),
    Bad("there is no room for shard files", "write", Fails(errno.ENOSPC), "/shards/"),
    Bad("there is no room for segments", "allocate", Fails(errno.ENOSPC)),
    Bad("log syncs take half a minute", "sync", Lasts(30.0), "/log/"),
    Bad("log syncs hang", "sync", Hangs(), "/log/", first=6),
    Bad("shard syncs hang", "sync", Hangs(), "/shards/"),
)


async def told_and_checked(running: TestSet[Drive], story: SetStory) -> None:
    await story.tell(running)
    await story.check(running)


def live_and_check(machine: Machine, story: SetStory) -> None:
    machine.live(lambda running: told_and_checked(running, story))


@pytest.mark.parametrize("bad", SILENT, ids=str)
def test_two_drives_that_damage_silently_what_they_store(bad: Bad) -> None:
    """All is read right while it goes on, and after a new start."""
    machine, story = new_machine(), SetStory()
    machine.live(lambda running: story.put(running.client, b"first", b"x" * 5000))
    for drive in machine.drives[:2]:
        bad.befall(drive)
    live_and_check(machine, story)
    machine.end()
    for drive in machine.drives:
        drive.files.heal()
    machine.live(story.check)


@pytest.mark.parametrize("bad", READING, ids=str)
def test_two_drives_that_cannot_be_read(bad: Bad) -> None:
    """They are started with what they have, and what they lack or get wrong comes from the others."""
    machine, story = new_machine(), SetStory()

    async def tell_then_remember(running: TestSet[Drive]) -> None:
        for drive in machine.drives[:2]:
            drive.files.remember("/drive")
        await story.tell(running)
        for drive in machine.drives[:2]:
            bad.befall(drive)
        await story.check(running)

    machine.live(tell_then_remember)
    machine.live(story.check)


@pytest.mark.parametrize("bad", LOUD, ids=str)
def test_one_drive_that_fails(bad: Bad) -> None:
    """Every write is acknowledged without it, every read is right, and so after a new start."""
    machine, story = new_machine(), SetStory()
    bad.befall(machine.drives[3])
    live_and_check(machine, story)
    assert story.faults == []
    machine.drives[3].files.heal()
    machine.end()
    machine.live(story.check)


@pytest.mark.parametrize("bad", LOUD[:5], ids=str)
def test_a_drive_that_fails_is_fenced(bad: Bad) -> None:
    """It says FAULTY from then on, however well its disk does later."""
    machine, story = new_machine(), SetStory()
    bad.befall(machine.drives[3])

    async def tell_and_ask(running: TestSet[Drive]) -> DriveState:
        await story.tell(running)
        machine.drives[3].files.heal()
        async with trio.open_nursery() as nursery:
            bus = running.net.open_bus("asker", [drive_name(0, 3)])
            await nursery.start(bus.run)
            await trio.sleep(1)
            status = (await bus.call(drive_name(0, 3), DriveStatus(), deadline_s=10)).message
            nursery.cancel_scope.cancel()
        return DriveState(status.state)

    assert machine.live(tell_and_ask) == DriveState.FAULTY


def test_drives_that_lie_up_to_parity() -> None:
    """Two drives forget in a power cut all that they were to keep: the other two have it."""
    machine, story = new_machine(), SetStory()
    for drive in machine.drives[2:]:
        for call in ("sync", "sync_folder"):
            drive.files.inject(call, Lies(), times=EVER)
    live_and_check(machine, story)
    machine.end()
    machine.live(story.check)
