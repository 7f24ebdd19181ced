"""The set worker's writes: who must have a version before it counts, and what becomes of older ones."""

from __future__ import annotations

from tests.planted.bug import PlantedBug

ACKED = "An acknowledged write"
UNACKED = "A write that was not acknowledged"
ORDER = "Versions of one key"
DELETES = "Deletes"
TALLY = "rustfs_proto/erasure/writes.py"
TALLIES = "tests/unit/erasure/test_writes.py"
DOUBTS = "tests/unit/erasureset/test_doubts.py"
QUORUMS = "tests/unit/erasureset/test_quorums.py"

WRITES = (
    PlantedBug(
        "answer-before-quorum",
        TALLY,
        "        if self.committed >= self.quorum and self.shards",
        "        if self.committed >= self.quorum - 1 and self.shards",
        "A completed upload is acknowledged when one drive too few has its record.",
        ACKED,
        "tests/unit/erasure/test_two_counts.py::test_a_completion_needs_a_quorum_of_records_too",
    ),
    PlantedBug(
        "write-answered-before-quorum",
        "rustfs_node/erasureset/write.py",
        "Tally(state.n, state.write_quorum, shards_needed or state.write_quorum)\n",
        "Tally(state.n, state.write_quorum - 1, state.write_quorum - 1)\n",
        "The set worker answers a write one drive before its quorum.",
        ACKED,
        f"{QUORUMS}::test_writes_need_their_quorum_and_no_more[4-small]",
    ),
    PlantedBug(
        "drive-counted-twice",
        TALLY,
        "        self.committed += 1\n",
        "        self.committed += 1 + (self.committed == 1)\n",
        "One of the drives counts for two towards the quorum.",
        ACKED,
        f"{TALLIES}::test_every_sequence_of_answers",
    ),
    PlantedBug(
        "failed-drive-counted",
        "rustfs_node/erasureset/write.py",
        "            tally.faults.append(answer)\n",
        "            tally.commit()\n",
        "A drive that refused the commit counts as one that has it.",
        ACKED,
        f"{QUORUMS}::test_writes_need_their_quorum_and_no_more[4-small]",
    ),
    PlantedBug(
        "missing-shards-not-counted",
        TALLY,
        "self.committed >= self.quorum and self.shards >= self.shards_needed:",
        "self.committed >= self.quorum:",
        "A write is acknowledged although too few drives have its bytes.",
        ACKED,
        f"{TALLIES}::test_a_commit_without_its_shard_file_does_not_count_for_reading",
    ),
    PlantedBug(
        "quorum-of-k",
        "rustfs_proto/erasure/geometry.py",
        "    return k + 1 if k == m else k\n",
        "    return k\n",
        "Two write quorums of a set with k = m need not meet.",
        ACKED,
        "tests/unit/erasure/test_geometry.py::test_quorums_meet",
    ),
    PlantedBug(
        "settled-before-quorum",
        "rustfs_node/erasureset/write.py",
        "        if self._tally.state is not WriteState.ACKNOWLEDGED:\n            return\n",
        "",
        "Drives drop the acknowledged version for one that failed.",
        UNACKED,
        f"{QUORUMS}::test_a_partial_overwrite_does_not_harm_the_version_before",
    ),
    PlantedBug(
        "unfinished-shard-named",
        "rustfs_node/drive/worker.py",
        "            if waiting.missing and waiting.commit.whole:\n",
        "            if waiting.missing and not waiting.missing:\n",
        "A drive that lacks a shard file commits a record of the object all the same.",
        ACKED,
        "tests/unit/drive/test_worker.py::test_a_commit_that_must_be_whole_is_refused_without_its_files",
    ),
    PlantedBug(
        "no-heal-note",
        "rustfs_node/erasureset/write.py",
        "        if tally.is_finished and tally.committed and (tally.faults or tally.gaps):\n",
        "        if tally.is_finished and not tally.committed:\n",
        "That a drive missed a write is written down nowhere.",
        ACKED,
        f"{DOUBTS}::test_a_drive_that_missed_a_write_is_noted_by_the_write",
    ),
    PlantedBug(
        "conflict-although-taken",
        TALLY,
        "        tally.committed == 0 and len(faults) == tally.drives and all(",
        "        len(faults) > 0 and all(",
        "A write that a drive has taken is told to have had no effect.",
        UNACKED,
        f"{TALLIES}::test_what_is_told_is_true",
    ),
    PlantedBug(
        "retry-below-the-newest",
        "rustfs_node/erasureset/write.py",
        "            self._send(above=newer)\n",
        "            self._send(above=0)\n",
        "A clock that was set back makes every later write lose.",
        ORDER,
        f"{QUORUMS}::test_drives_that_have_seen_a_later_version_make_the_write_later_still",
    ),
    PlantedBug(
        "stamps-follow-the-clock",
        "rustfs_proto/stamp.py",
        "        floor = max(self.last, above)\n",
        "        floor = above\n",
        "Two writes of one millisecond get the same stamp.",
        ORDER,
        "tests/unit/test_stamp.py::test_stamps_rise_whatever_the_clock_does",
    ),
    PlantedBug(
        "condition-not-compared",
        "rustfs_node/erasureset/conditional.py",
        "    if current != expect:\n",
        "    if current and not expect:\n",
        "A conditional write succeeds on a version that the client does not know.",
        ORDER,
        f"{QUORUMS}::test_conditional_writes",
    ),
    PlantedBug(
        "condition-kept-from-drives",
        "rustfs_node/erasureset/write.py",
        "                expect=ANY_STAMP if expects is None else expects[slot],\n",
        "                expect=ANY_STAMP,\n",
        "Between question and commit of a conditional write somebody else's write is overwritten.",
        ORDER,
        f"{DOUBTS}::test_a_version_that_comes_between_question_and_commit_is_not_overwritten",
    ),
    PlantedBug(
        "tombstone-gone-with-quorum",
        "rustfs_node/erasureset/write.py",
        " and self._tally.committed == self._state.n:\n",
        ":\n",
        "A tombstone is given up while a drive that was away still has the object.",
        DELETES,
        f"{QUORUMS}::test_a_removed_key_does_not_come_back_with_a_drive_that_was_away",
    ),
    PlantedBug(
        "handle-of-a-former-life",
        "rustfs_node/erasureset/handles.py",
        '            handle = int.from_bytes(self._randomness.token(8), "big") >> 1\n',
        "            handle = len(self._streams) + 1\n",
        "The blocks of one client's object are appended to another's.",
        UNACKED,
        "tests/unit/erasureset/test_handles.py::test_a_handle_means_nothing_to_the_next_life",
    ),
    PlantedBug(
        "gap-in-a-stream",
        "rustfs_node/erasureset/stream_write.py",
        "    if not is_next or not is_after_whole_ones or not 0",
        "    if not 0",
        "An object is stored without one of its blocks.",
        ACKED,
        "tests/unit/erasureset/test_uploads.py::test_blocks_must_follow_one_another",
    ),
)
