"""The two questions that every catalogue is asked."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.kit.sample import sampled
from tests.planted.bug import PlantedBug
from tests.planted.judge import why_not_caught
from tests.planted.trials import Trial, Trials

SOUND_LIMIT_S = 300


def cases_of(bugs: Sequence[PlantedBug]) -> list[object]:
    """For `parametrize`: each by its name; the suite takes every third, and none that is slow."""
    slow = {True: [pytest.mark.long], False: []}
    return sampled([pytest.param(bug, id=bug.name, marks=slow[bug.is_slow]) for bug in bugs])


def assert_caught(bug: PlantedBug, trials: Trials, folder: Path) -> None:
    """The bug applies, and the test that is named fails because of it."""
    bug.planted()
    outcome = trials.run(Trial(bug.name, [bug.caught_by], bug.limit_s, str(folder)))
    reason = why_not_caught(bug, outcome)
    words = f"planted bug {bug.name!r} ({bug.breaks}) was not caught by {bug.caught_by}: {reason}"
    assert not reason, f"{words}\n{outcome.output[-3000:]}"


def assert_sound(bugs: Sequence[PlantedBug], trials: Trials, folder: Path) -> None:
    """Without any bug all the tests that are named pass."""
    tests = list(dict.fromkeys(bug.caught_by for bug in bugs))
    outcome = trials.run(Trial("", tests, SOUND_LIMIT_S, str(folder)))
    assert outcome.status == 0 and not outcome.signal, f"without a bug: {outcome.output[-3000:]}"
