"""Bugs on purpose, in a real node: its processes import one module with the bug in it. A verdict that accepts
what such a node does would accept anything.
"""

from __future__ import annotations

import os
from pathlib import Path

from tests.planted.bug import ROOT, PlantedBug

BUGS = {
    bug.name: bug
    for bug in (
        PlantedBug(
            "expected-version-not-compared-by-the-set",
            "rustfs_node/erasureset/conditional.py",
            "    if current != expect and not (current and _came_as(read, expect)):\n",
            "    if current < 0:\n",
            "Two writes that expect the same version both succeed.",
            "Versions of one key",
            "tests/linear/test_planted.py",
        ),
        PlantedBug(
            "answered-by-one-drive",
            "rustfs_node/erasureset/write.py",
            "        needed = quorum or quorum_of(geometry)\n        self._tally",
            "        needed = shards_needed = 1\n        self._tally",
            "A write is answered as soon as one drive has it.",
            "An acknowledged write",
            "tests/linear/test_planted.py",
        ),
        PlantedBug(
            "tombstone-forgotten",
            "rustfs_node/erasureset/delete.py",
            "        self._bury(above=max(read.newest_seen, decision.stamp))\n",
            "        self._removed(max(read.newest_seen, decision.stamp))\n",
            "A delete is answered, and no drive is told of it.",
            "Deletes",
            "tests/linear/test_planted.py",
        ),
    )
}


def environment_of(name: str, folder: Path) -> dict[str, str]:
    """With this every Python process has the bug; `folder` is where it finds out about it."""
    folder.mkdir(parents=True, exist_ok=True)
    source = (
        "from tests.linear.planted import BUGS\nfrom tests.planted.soil import plant\n"
        f"plant(BUGS[{name!r}])\n"
    )
    # Python imports a module of this name at its start, before anything of the program.
    (folder / "sitecustomize.py").write_text(source)
    return {"PYTHONPATH": os.pathsep.join([str(folder), str(ROOT)])}
