"""A drive of a set fails at one call after the other of all that a set does, and the power goes a second
time: the other half of `test_set_sweeps`.
"""

from __future__ import annotations

import errno

import pytest

from tests.kit.faulty_files import EVER
from tests.kit.sweeps import CHANGING, Failer
from tests.unit.erasureset.set_story import SetStory
from tests.unit.erasureset.test_set_sweeps import (  # noqa: F401 - a fixture among them
    ALL_SLOTS,
    calls_of_story,
    prove,
    quiet_log,
    story_at,
)
from tests.unit.erasureset.virtual_set import chance_of, new_machine


def test_the_power_goes_again_while_the_drives_recover() -> None:
    """A second cut in the recovery that follows the first."""
    for at in calls_of_story(ALL_SLOTS, 2):
        machine = new_machine(seed=at)
        machine.at = at
        story = story_at(at)
        machine.live(story.tell)
        machine.end(chance_of(at))
        machine.calls, machine.at = 0, 1 + at % 30
        machine.live(story.check)
        machine.end()
        prove(machine, story)


@pytest.mark.parametrize(
    ("code", "times", "turn"), [(errno.EIO, 1, 0), (errno.EIO, EVER, 1), (errno.ENOSPC, EVER, 2)]
)
def test_a_drive_fails_at_a_call(code: int, times: int, turn: int) -> None:
    """Nobody notices: every write is acknowledged, every read right; started again, the drive is well."""
    for at in calls_of_story((2,), turn):
        machine = new_machine(seed=at)
        failer = Failer(at, code, times, CHANGING)
        machine.drives[2].files.on_call = failer
        story = story_at(at)

        async def tell(running: object, story: SetStory = story) -> None:
            await story.tell(running)
            await story.check(running)

        machine.live(tell)
        assert failer.hits and not story.faults, (at, story.faults)
        machine.drives[2].files.on_call = lambda *_: None
        machine.cut_slots = ALL_SLOTS
        machine.end()
        prove(machine, story)
