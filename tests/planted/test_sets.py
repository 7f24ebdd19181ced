"""What a set worker acknowledges and answers: each bug planted there is caught."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.planted.bug import PlantedBug
from tests.planted.catalogue.coordinators import COORDINATORS
from tests.planted.catalogue.healing import HEALING
from tests.planted.catalogue.locks import LOCKS
from tests.planted.catalogue.moves import GROWTH
from tests.planted.catalogue.reads import READS
from tests.planted.catalogue.renames import RENAMES
from tests.planted.catalogue.storage_classes import STORAGE_CLASSES
from tests.planted.catalogue.uploads import UPLOADS
from tests.planted.catalogue.versions import VERSIONS
from tests.planted.catalogue.writes import WRITES
from tests.planted.check import assert_caught, assert_sound, cases_of
from tests.planted.trials import Trials

BUGS = (
    *COORDINATORS,
    *GROWTH,
    *HEALING,
    *LOCKS,
    *READS,
    *RENAMES,
    *STORAGE_CLASSES,
    *UPLOADS,
    *VERSIONS,
    *WRITES,
)


def test_without_a_bug_nothing_fails(trials: Trials, tmp_path: Path) -> None:
    """The tests that are to catch the bugs, a quarter of them, pass as things are."""
    assert_sound(BUGS[::4], trials, tmp_path)


@pytest.mark.parametrize("bug", cases_of(BUGS))
def test_a_planted_bug_is_caught(bug: PlantedBug, trials: Trials, tmp_path: Path) -> None:
    """The test that is named fails because of this bug."""
    assert_caught(bug, trials, tmp_path)
