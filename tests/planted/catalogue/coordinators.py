"""Several set workers of one set: what one of them must not take for granted about the others."""

from __future__ import annotations

from tests.planted.bug import PlantedBug

UNACKED = "A write that was not acknowledged"
ORDER = "Versions of one key"
NODES = "Several nodes"
CONDITIONAL = "rustfs_node/erasureset/conditional.py"
RESOLVE = "rustfs_node/erasureset/resolve.py"
TESTS = "tests/unit/erasureset/test_coordinators.py"

COORDINATORS = (
    PlantedBug(
        "drives-in-doubt-count-for-a-comparison",
        CONDITIONAL,
        "            if not compared.in_doubt:\n",
        "            if True:\n",
        "A conditional write succeeds on top of one that succeeds at another worker.",
        ORDER,
        f"{TESTS}::test_a_write_that_compares_never_passes_over_one_that_succeeds[False]",
    ),
    PlantedBug(
        "removal-in-doubt-overlooked",
        CONDITIONAL,
        "        if answer.stamp != decided and not (expect == NO_STAMP and _is_gone(answer))\n",
        "        if answer.stamp != decided and expect != NO_STAMP\n",
        "Two workers create one key, and both succeed.",
        ORDER,
        f"{TESTS}::test_a_write_that_compares_never_passes_over_one_that_succeeds[True]",
    ),
    PlantedBug(
        "place-claimed-on-too-few-drives",
        CONDITIONAL,
        "    return _Compared(expects, frozenset(in_doubt), state.n - least + 1)\n",
        "    return _Compared(expects, frozenset(in_doubt), 1)\n",
        "A conditional write goes on although another worker's may still be acknowledged.",
        ORDER,
        f"{TESTS}::test_a_write_that_compares_never_passes_over_one_that_succeeds[False]",
    ),
    PlantedBug(
        "write-in-doubt-made-twice",
        "rustfs_proto/erasure/writes.py",
        "        return newest_seen(self.faults) if self.is_void else 0\n",
        "        return newest_seen(self.faults)\n",
        "What a client wrote once is read, is gone, and is read again.",
        UNACKED,
        f"{TESTS}::test_a_write_of_which_a_read_may_know_is_not_made_twice",
    ),
    PlantedBug(
        "answered-although-passed",
        RESOLVE,
        "    return needs <= 0, is_newer_there\n",
        "    return True, is_newer_there\n",
        "A read answers with a version that no later read finds.",
        UNACKED,
        f"{TESTS}::test_a_version_that_cannot_be_completed_because_of_a_newer_one_is_no_answer",
    ),
    PlantedBug(
        "version-under-way-fails-reads",
        RESOLVE,
        "        if is_in_doubt and number < rounds - 1:\n",
        "        if False:\n",
        "While a drive is away, reads fail by every write at another worker.",
        NODES,
        f"{TESTS}::test_a_write_of_another_worker_does_not_disturb_reads_while_a_drive_is_away",
    ),
    PlantedBug(
        "claim-taken-for-acknowledged",
        "rustfs_node/erasureset/write.py",
        "        if self._is_claim or self._tally.state is not WriteState.ACKNOWLEDGED:\n",
        "        if self._tally.state is not WriteState.ACKNOWLEDGED:\n",
        "A conditional write that goes no further has taken the version before it from some drives.",
        "An acknowledged write",
        f"{TESTS}::test_a_place_that_was_claimed_settles_nothing",
    ),
    PlantedBug(
        "compared-and-then-stamped-below",
        CONDITIONAL,
        "        stamp = state.new_stamp(max(above, *compared.expects))\n",
        "        stamp = state.new_stamp(above)\n",
        "A conditional write through a node whose clock is behind never succeeds.",
        NODES,
        f"{TESTS}::test_a_worker_whose_clock_is_behind_writes_above_the_others[True-1]",
    ),
    PlantedBug(
        "one-writer-number-for-all",
        "rustfs_node/erasureset/worker.py",
        "    issuer = StampIssuer(writer, randomness.token(1)[0] & LIFE_MAX)\n",
        "    issuer = StampIssuer(0)\n",
        "Two workers give two versions one stamp, and drives take them for the same.",
        NODES,
        f"{TESTS}::test_two_workers_that_write_at_one_moment_write_two_versions",
    ),
)
