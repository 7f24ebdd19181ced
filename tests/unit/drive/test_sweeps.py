"""Each path of a drive, ended or failed at every single call that it makes.

Paths are in `paths.py`, what is done and judged in `tests/kit/sweeps.py`, which also says what the model
covers. A run of the suite takes a choice of endings; `SWEEPS=all pytest tests/unit/drive/test_sweeps.py`
takes them all, on both kinds of index, which is some minutes.
"""

from __future__ import annotations

import errno

import pytest

from rustfs_node.seams.memory_files import SECTOR_BYTES
from tests.kit.faulty_files import EVER
from tests.kit.sweeps import (
    CHANGING,
    INDEX_ONLY,
    KILL,
    KILL_AND_GO_ON,
    KILL_AND_RETRY,
    LOSES_ALL,
    WIDE,
    Ending,
    Path,
    endings,
    survive,
    survive_errors,
    survive_twice,
)
from tests.unit.drive.paths import PATHS

pytestmark = pytest.mark.usefixtures("quiet_log")

CHANCE = Ending("chance", seed=10)
SECTORS = Ending("chance of sectors", seed=11, page_bytes=SECTOR_BYTES)
CHANCE_INDEX_KEPT = Ending("chance, index kept", seed=12, keeps_index=True, then=INDEX_ONLY)
WITHOUT_INDEX = tuple(endings(12)) if WIDE else (LOSES_ALL, SECTORS)
WITH_INDEX = tuple(endings(12)) if WIDE else (CHANCE_INDEX_KEPT,)
ONCE, ALWAYS = 1, EVER
READS = frozenset({"read"})

every_path = pytest.mark.parametrize("path", PATHS, ids=[path.name for path in PATHS])


@every_path
@pytest.mark.parametrize("ending", WITHOUT_INDEX, ids=[ending.name for ending in WITHOUT_INDEX])
def test_every_end_of_a_path(path: Path, ending: Ending) -> None:
    """Whatever a life was doing when it ended: nothing acknowledged is lost, nothing is half done."""
    assert survive(path, ending) >= path.cuts_min


@every_path
@pytest.mark.parametrize("ending", WITH_INDEX, ids=[ending.name for ending in WITH_INDEX])
def test_every_end_of_a_path_with_an_index_that_survives(path: Path, ending: Ending, index_at: str) -> None:
    """The same where the index is not made anew each time, but is behind the log, or not."""
    assert survive(path, ending, index_at) >= path.cuts_min


@every_path
def test_every_end_of_the_recovery_that_follows_an_end(path: Path, index_at: str) -> None:
    """A recovery that is itself cut short is repeated by the next one."""
    step = 1 if WIDE else 13
    assert survive_twice(path, SECTORS, LOSES_ALL, step) > 3
    if WIDE:
        assert survive_twice(path, KILL, CHANCE, step, index_at) > 3


ERRORS = (
    (errno.EIO, ONCE, CHANGING, LOSES_ALL),
    (errno.ENOSPC, ONCE, CHANGING, LOSES_ALL),
    (errno.EIO, ALWAYS, READS, KILL),
)
MORE_ERRORS = (
    (errno.EIO, ONCE, CHANGING, KILL_AND_GO_ON),
    (errno.EIO, ALWAYS, CHANGING, CHANCE),
    (errno.EIO, ALWAYS, CHANGING, KILL),
    (errno.EIO, ONCE, READS, LOSES_ALL),
    (errno.ENOSPC, ONCE, CHANGING, KILL_AND_RETRY),
    (errno.ENOSPC, ALWAYS, CHANGING, KILL_AND_RETRY),
    (errno.ENOSPC, ALWAYS, CHANGING, SECTORS),
)


@every_path
@pytest.mark.parametrize(
    ("code", "times", "kinds", "ending"),
    (*ERRORS, *MORE_ERRORS) if WIDE else ERRORS,
    ids=lambda value: (
        getattr(value, "name", "") or {CHANGING: "change", READS: "read"}.get(value, str(value))
    ),
)
def test_every_error_of_a_path(
    path: Path, code: int, times: int, kinds: frozenset[str], ending: Ending
) -> None:
    """A call that fails loses nothing acknowledged: the drive is fenced, or refuses cleanly and goes on.
    Where its log cannot be read it says so, and gives nothing wrong.
    """
    assert survive_errors(path, ending, code, times, kinds) >= 1
