"""The shortest sweeps that need each promise of a drive: one path, one kind of end, in a second or less.

Beside the wide sweeps, so that a single broken promise is found quickly and by name.
"""

from __future__ import annotations

from pathlib import Path as FolderPath

import pytest

from rustfs_node.drive.index_file import IN_MEMORY
from tests.kit.sweeps import INDEX_ONLY, KILL, KILL_AND_GO_ON, KILL_AND_RETRY, LOSES_ALL, Ending, survive
from tests.unit.drive.paths import PATHS

BY_NAME = {path.name: path for path in PATHS}
IN_ORDER = Ending("first four", kept=4)
CHANCE = Ending("chance", seed=1)

SWEEPS = {
    "first put, power cut": ("first start and inline put", LOSES_ALL, False),
    "first put, power cut by chance": ("first start and inline put", CHANCE, False),
    "shard files, power cut": ("put of shard files", LOSES_ALL, False),
    "shard files, kill, new files": ("put of shard files", KILL_AND_GO_ON, False),
    "shard files, kill, the same files": ("put of shard files", KILL_AND_RETRY, False),
    "multipart, power cut": ("multipart", LOSES_ALL, False),
    "segment change, power cut": ("segment change", LOSES_ALL, False),
    "compaction, power cut": ("compaction", LOSES_ALL, False),
    "compaction, kill": ("compaction", KILL, False),
    "compaction, power cut that loses the index": ("compaction", LOSES_ALL, True),
    "sweep, power cut": ("sweep", LOSES_ALL, False),
    "sweep, kill": ("sweep", KILL, False),
    "torn tail, power cut in order": ("recovery of a torn tail", IN_ORDER, False),
    "kill, power cut that keeps the index": ("recovery after a kill", INDEX_ONLY, True),
    "damage, power cut": ("recovery of damage", LOSES_ALL, False),
    "damage, kill": ("recovery of damage", KILL, False),
}


@pytest.mark.parametrize("name", SWEEPS)
def test_every_end_is_survived(name: str, tmp_path: FolderPath) -> None:
    """Wherever on this path the drive ends so, it keeps what it acknowledged."""
    path, ending, is_on_disk = SWEEPS[name]
    survive(BY_NAME[path], ending, str(tmp_path / "index.sqlite") if is_on_disk else IN_MEMORY)
