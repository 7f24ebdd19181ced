"""The power of a whole machine, or of one of its drives, goes at one call after the other of everything that
a set does. What happens when it goes once more, or a drive fails, is in `test_set_failures`.

In the suite each test takes every twelfth call, some beginning with the first, others with the second or
third; with SWEEPS=all in the environment each takes every one.
"""

from __future__ import annotations

import errno
import logging
import os
from collections.abc import Callable, Iterator

import pytest
import structlog

from rustfs_node.seams.memory_files import PAGE_BYTES, SECTOR_BYTES
from rustfs_proto.disk.identity import OK
from tests.kit.faulty_files import EVER, Fails, Lies
from tests.unit.erasureset.kit import RRS
from tests.unit.erasureset.set_story import SetStory, leftovers
from tests.unit.erasureset.virtual_set import Machine, chance_of, new_machine

TURNS = 12


@pytest.fixture(autouse=True)
def quiet_log() -> Iterator[None]:
    before = structlog.get_config()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    yield
    structlog.configure(**before)


def calls_of_story(cut_slots: tuple[int, ...], turn: int = 0) -> range:
    """The numbers of changing calls that these drives make in it, starts included: all, or every twelfth from
    the one whose turn it is.
    """
    machine = new_machine()
    machine.cut_slots = cut_slots
    machine.live(SetStory().tell)
    assert machine.calls > 40, f"a story of {machine.calls} calls"
    is_whole = os.environ.get("SWEEPS") == "all"
    return range(1 if is_whole else 1 + turn, machine.calls + 1, 1 if is_whole else TURNS)


def story_at(at: int) -> SetStory:
    """Every second one has objects with less parity among the others."""
    return SetStory(other_class=RRS if at // TURNS % 2 else "STANDARD")


def prove(machine: Machine, story: SetStory) -> None:
    """With all drives, then without one of them, all is there; the set goes on and leaves nothing behind."""
    machine.live(story.check)
    away = machine.drives[machine.seed % len(machine.drives)]
    away.is_out = True
    machine.live(story.check_without_one)
    away.is_out = False
    machine.live(story.go_on)
    for drive in machine.drives:
        assert drive.identity.state == OK, drive.identity
        assert leftovers(drive) == []


ALL_SLOTS = (0, 1, 2, 3)


@pytest.mark.parametrize(
    ("keeps", "turn"), [(lambda _: lambda: False, 0), (chance_of, 1)], ids=["nothing", "chance"]
)
@pytest.mark.parametrize("slots", [ALL_SLOTS, (1,)], ids=["all drives", "one drive"])
def test_the_power_goes(
    slots: tuple[int, ...], keeps: Callable[[int], Callable[[], bool]], turn: int
) -> None:
    """Every write that was acknowledged is there and right, every other one wholly or not at all."""
    for at in calls_of_story(slots, turn):
        machine = new_machine(seed=at, page_bytes=SECTOR_BYTES if at % 2 else PAGE_BYTES)
        machine.cut_slots, machine.at = slots, at
        story = story_at(at)
        machine.live(story.tell)
        assert machine.is_over, at
        machine.end(keeps(at))
        prove(machine, story)


def test_the_sweep_would_notice_drives_that_lie() -> None:
    """Drives that say yes to every sync and make nothing stable lose what was acknowledged."""
    machine, story = new_machine(seed=1), SetStory()
    for drive in machine.drives:
        drive.files.inject("sync", Lies(), times=EVER)
    machine.at = calls_of_story(ALL_SLOTS)[-1]
    machine.live(story.tell)
    machine.end()
    with pytest.raises((AssertionError, BaseExceptionGroup)):
        prove(machine, story)


def test_no_drive_has_room() -> None:
    """Writes are refused cleanly where all drives are full, what was stored is read, and removals go on."""
    machine, story = new_machine(), SetStory()
    machine.live(story.tell)
    for drive in machine.drives:
        drive.files.inject("allocate", Fails(errno.ENOSPC), times=EVER)
        drive.files.inject("create", Fails(errno.ENOSPC), "shards", times=EVER)

    async def fill(running: object) -> None:
        for number in range(30):
            await story.put(running.client, b"more%d" % number, bytes([number]) * 8000)
        await story.check(running)

    machine.live(fill)
    assert story.faults
    for drive in machine.drives:
        drive.files.heal()
    prove(machine, story)
