"""Clients, the bus, the start of a node and what it tells of itself: each bug planted there is caught."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.planted.bug import PlantedBug
from tests.planted.catalogue.bus import BUS
from tests.planted.catalogue.clients import CLIENTS
from tests.planted.catalogue.monitoring import MONITORING
from tests.planted.catalogue.start import START
from tests.planted.check import assert_caught, assert_sound, cases_of
from tests.planted.trials import Trials

BUGS = (*BUS, *CLIENTS, *START, *MONITORING)


def test_without_a_bug_nothing_fails(trials: Trials, tmp_path: Path) -> None:
    """The tests that are to catch the bugs, a quarter of them, pass as things are."""
    assert_sound(BUGS[::4], trials, tmp_path)


@pytest.mark.parametrize("bug", cases_of(BUGS))
def test_a_planted_bug_is_caught(bug: PlantedBug, trials: Trials, tmp_path: Path) -> None:
    """The test that is named fails because of this bug."""
    assert_caught(bug, trials, tmp_path)
