"""Bugs on purpose, in a real node: its processes import one module with the bug in it. A verdict that accepts
what such a node does would accept anything.
"""

from __future__ import annotations

import os
from pathlib import Path

from tests.planted.bug import ROOT, PlantedBug
from tests.planted.catalogue.reads import READS
from tests.planted.catalogue.writes import WRITES

CAUGHT_BY = "tests/linear/test_planted.py"
SHARED = ("condition-of-a-delete-not-compared", "failed-drive-counted", "first-answer-speaks-for-all")
"""Of the catalogue, where faster tests catch them."""

BUGS = {
    bug.name: bug
    for bug in (
        *(bug for bug in (*READS, *WRITES) if bug.name in SHARED),
        PlantedBug(
            "expected-version-not-compared-by-the-set",
            "rustfs_node/erasureset/conditional.py",
            "    if current != expect and not (current and _came_as(read, expect)):\n",
            "    if current < 0:\n",
            "Two writes that expect the same version both succeed.",
            "Versions of one key",
            CAUGHT_BY,
        ),
        PlantedBug(
            "answered-by-one-drive",
            "rustfs_node/erasureset/write.py",
            "        needed = quorum or quorum_of(geometry)\n        self._tally",
            "        needed = shards_needed = 1\n        self._tally",
            "A write is answered as soon as one drive has it.",
            "An acknowledged write",
            CAUGHT_BY,
        ),
        PlantedBug(
            "tombstone-forgotten",
            "rustfs_node/erasureset/delete.py",
            "        self._bury(above=max(read.newest_seen, decision.stamp))\n",
            "        self._removed(max(read.newest_seen, decision.stamp))\n",
            "A delete is answered, and no drive is told of it.",
            "Deletes",
            CAUGHT_BY,
        ),
        PlantedBug(
            "creation-not-compared-by-the-set",
            "rustfs_node/erasureset/conditional.py",
            "    if current != expect and not (current and _came_as(read, expect)):\n",
            "    if expect and current != expect and not (current and _came_as(read, expect)):\n",
            "Two writers create one key, and both succeed.",
            "Versions of one key",
            CAUGHT_BY,
        ),
        PlantedBug(
            "erasure-without-effect",
            "rustfs_node/erasureset/removal.py",
            "                return await _bury(state, lookup, version, trace), version.is_marker\n",
            "                return version.stamp, version.is_marker\n",
            "A version is said to be removed, and is there.",
            "Versions that stay",
            CAUGHT_BY,
        ),
        PlantedBug(
            "tags-without-effect",
            "rustfs_node/erasureset/amend.py",
            "    fragments = await fragments_of(state, read, meta, trace)\n",
            "    return Amended(version.stamp, head, meta, version.sub)\n",
            "A tag is said to be set, and is not there.",
            "An acknowledged write",
            CAUGHT_BY,
        ),
        PlantedBug(
            "condition-of-a-write-kept-from-the-set",
            "rustfs_node/acceptor/s3/objects.py",
            "        stored = await store(call, body, info, expect=expect)\n",
            "        stored = await store(call, body, info)\n",
            "What came between the look of the acceptor and the write is overwritten.",
            "Versions of one key",
            CAUGHT_BY,
        ),
        PlantedBug(
            "condition-of-an-upload-kept-from-the-set",
            "rustfs_node/acceptor/s3/multipart.py",
            "        expect,\n",
            "        -1,\n",
            "An upload that is to create a key replaces what has come meanwhile.",
            "Versions of one key",
            CAUGHT_BY,
        ),
        PlantedBug(
            "condition-of-a-delete-kept-from-the-set",
            "rustfs_node/acceptor/s3/delete.py",
            "    deletion = Deletion(call.key_bytes, sub, expect)\n",
            "    deletion = Deletion(call.key_bytes, sub)\n",
            "What came between the look of the acceptor and the delete is deleted.",
            "Versions of one key",
            CAUGHT_BY,
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
