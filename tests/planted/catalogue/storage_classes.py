"""Storage classes with less parity: what counts for a version is its own geometry, not that of its set."""

from __future__ import annotations

from tests.planted.bug import PlantedBug

ACKED = "An acknowledged write"
UNACKED = "A write that was not acknowledged"
READ = "A read"
CLASSES = "Storage classes"
DECIDE = "rustfs_proto/erasure/decide.py"
DECISIONS = "tests/unit/erasure/test_decide_classes.py"
SETS = "tests/unit/erasureset/test_storage_classes.py"

STORAGE_CLASSES = (
    PlantedBug(
        "acknowledged-by-the-sets-quorum",
        "rustfs_node/erasureset/write.py",
        "        needed = quorum or quorum_of(geometry)\n        self._tally",
        "        needed = quorum or state.write_quorum\n        self._tally",
        "An object with little parity is acknowledged by fewer drives than it takes to read it.",
        ACKED,
        f"{SETS}::test_a_write_needs_the_quorum_of_its_class[small]",
    ),
    PlantedBug(
        "blocks-taken-by-the-sets-quorum",
        "rustfs_node/erasureset/stream.py",
        "        self.quorum = quorum_of(geometry)\n",
        "        self.quorum = state.write_quorum\n",
        "A stream goes on to its commit with fewer drives than its object needs.",
        CLASSES,
        f"{SETS}::test_blocks_are_taken_by_the_quorum_of_the_class",
    ),
    PlantedBug(
        "agreed-by-the-sets-quorum",
        DECIDE,
        "    if len(answers) < quorum_to_say(first, k, m):\n",
        "    if len(answers) < write_quorum(k, m):\n",
        "Drives agree on a version that others rule out, because it needs more than those.",
        UNACKED,
        f"{DECISIONS}::test_a_quorum_of_the_set_does_not_agree_on_what_needs_more",
    ),
    PlantedBug(
        "most-agree-by-the-sets-quorum",
        DECIDE,
        "            if alike >= quorum_to_say(first, k, m):\n",
        "            if alike >= w:\n",
        "The current one of several versions is one that may never be acknowledged.",
        UNACKED,
        f"{DECISIONS}::test_a_quorum_of_the_set_does_not_agree_on_what_needs_more",
    ),
    PlantedBug(
        "judged-by-the-sets-geometry",
        DECIDE,
        "own_k, own_w = (k, w) if own is None else (own.k, quorum_of(own))\n",
        "own_k, own_w = k, w\n",
        "A version is the answer with fewer shards than its parity asks for.",
        READ,
        f"{DECISIONS}::test_every_past_of_four_drives",
    ),
    PlantedBug(
        "settled-by-the-sets-quorum",
        "rustfs_node/erasureset/resettle.py",
        "len(whole) >= quorum_to_say(whole[0], self._state.k, self._state.m)\n",
        "len(whole) >= self._state.write_quorum\n",
        "Drives drop an acknowledged version for one that too few of them have.",
        UNACKED,
        f"{SETS}::test_what_a_failed_write_of_less_parity_would_replace_stays",
    ),
    PlantedBug(
        "joined-from-the-sets-k",
        "rustfs_node/erasureset/read.py",
        "        if len(intact) < meta.geometry.k:\n",
        "        if len(intact) < state.k:\n",
        "A small object is put together from fewer fragments than it was cut into.",
        READ,
        f"{SETS}::test_each_class_has_its_shards_and_bears_their_loss[4]",
    ),
    PlantedBug(
        "class-of-another-stream",
        "rustfs_node/erasureset/stream_commit.py",
        "    if state.geometry_of(info.storage_class) != geometry:\n",
        "    if not geometry:\n",
        "An object says of itself that it has more parity than it was written with.",
        CLASSES,
        f"{SETS}::test_a_write_cannot_claim_another_class_than_it_was_streamed_for",
    ),
    PlantedBug(
        "part-of-another-class",
        "rustfs_node/erasureset/stream_write.py",
        "        return upload.geometry\n",
        "        return upload.geometry if not upload else state.geometry\n",
        "Parts of an upload are cut otherwise than its object will say.",
        CLASSES,
        f"{SETS}::test_an_upload_has_the_class_that_it_was_begun_with[0]",
    ),
    PlantedBug(
        "more-parity-than-the-set",
        "rustfs_proto/erasure/storage_classes.py",
        "    if least <= parity <= set_parity:\n",
        "    if least <= parity:\n",
        "A class with more parity than its set has quorums that meet no others.",
        CLASSES,
        "tests/unit/erasure/test_storage_classes.py::test_a_parity_that_cannot_be",
    ),
)
