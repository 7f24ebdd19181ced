"""What a drive believes of its index and its bytes: each bug planted there is caught."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.planted.bug import PlantedBug
from tests.planted.catalogue.drive_content import DRIVE_CONTENT
from tests.planted.catalogue.drive_index import DRIVE_INDEX
from tests.planted.check import assert_caught, assert_sound, cases_of
from tests.planted.trials import Trials

BUGS = (*DRIVE_CONTENT, *DRIVE_INDEX)


def test_without_a_bug_nothing_fails(trials: Trials, tmp_path: Path) -> None:
    """The tests that are to catch the bugs, a quarter of them, pass as things are."""
    assert_sound(BUGS[::4], trials, tmp_path)


@pytest.mark.parametrize("bug", cases_of(BUGS))
def test_a_planted_bug_is_caught(bug: PlantedBug, trials: Trials, tmp_path: Path) -> None:
    """The test that is named fails because of this bug."""
    assert_caught(bug, trials, tmp_path)
