"""The scrub: that it reads everything, and that nothing of what it finds is lost."""

from __future__ import annotations

from tests.planted.bug import PlantedBug

PROMISE = "Scrubbing"
DRIVE = "tests/unit/drive/test_scrub.py"
ORDERS = "tests/unit/drive/test_scrub_orders.py"
SETS = "tests/unit/erasureset/test_scrubbing.py"
SCRUB = "rustfs_node/drive/scrub.py"

SCRUBBING = (
    PlantedBug(
        "cut-file-taken-for-whole",
        "rustfs_node/drive/scrub_read.py",
        "stripes.get(data_id, 0)",
        "min(1, stripes.get(data_id, 0))",
        "A shard file is not read to its end.",
        PROMISE,
        f"{DRIVE}::test_each_kind_of_damage_is_found_and_counted",
    ),
    PlantedBug(
        "place-kept-beyond-findings",
        SCRUB,
        "engine.findings.safe_place(self._place)",
        "self._place",
        "A worker that dies loses what its scrub had found.",
        PROMISE,
        f"{DRIVE}::test_what_was_not_noted_is_found_again_on_the_way",
    ),
    PlantedBug(
        "round-ended-before-its-findings-are-noted",
        SCRUB,
        "        while len(self._engine.findings):",
        "        while self._engine.findings.is_full:",
        "A round is over while what it found is known to one process alone.",
        PROMISE,
        f"{DRIVE}::test_each_kind_of_damage_is_found_and_counted",
    ),
    PlantedBug(
        "moved-record-taken-for-damaged",
        SCRUB,
        "        if now is None or engine.reader.is_whole(now):\n",
        "        if now is None:\n",
        "What compaction moved meanwhile is healed, though nothing is wrong with it.",
        PROMISE,
        f"{DRIVE}::test_what_changed_meanwhile_is_no_damage",
    ),
    PlantedBug(
        "longer-wrong-file-stays",
        "rustfs_node/drive/shards.py",
        "if not writer.replaces and self._is_longer",
        "if self._is_longer",
        "A shard file that is longer than the one that belongs there is never mended.",
        PROMISE,
        f"{SETS}::test_what_is_damaged_is_found_and_healed[swapped]",
        is_slow=True,
    ),
    PlantedBug(
        "identity-given-to-any-folder",
        "rustfs_node/drive/engine.py",
        "        if not self._is_own_log():\n",
        "        if False:\n",
        "An empty folder in the place of a drive becomes that drive.",
        "Drives",
        "tests/unit/drive/test_fence.py::test_a_mount_that_goes_away_fences[empty_folder]",
    ),
    PlantedBug(
        "scrub-in-the-way-of-clients",
        SCRUB,
        "        while is_called and (now_s",
        "        while not is_called and (now_s",
        "The scrub reads on while clients wait.",
        PROMISE,
        f"{DRIVE}::test_clients_come_first_and_not_for_ever",
    ),
    PlantedBug(
        "stopped-round-taken-for-full",
        SCRUB,
        "self._move(self._place.given_up())",
        "self._move(self._place.ended(0))",
        "A drive that was read in part counts as scrubbed, and is not read for another month.",
        PROMISE,
        f"{ORDERS}::test_a_round_that_is_stopped_was_never_ordered",
    ),
    PlantedBug(
        "findings-of-a-stopped-round-forgotten",
        SCRUB,
        "elif self._is_given_up and not len(self._engine.findings):",
        "elif self._is_given_up:",
        "What a scrub found that was stopped is known to one process alone.",
        PROMISE,
        f"{ORDERS}::test_what_a_stopped_round_found_is_noted_all_the_same",
    ),
    PlantedBug(
        "repaired-before-it-was-read-again",
        "rustfs_node/drive/scrub_repairs.py",
        "is_well = (await self.threads.run(read)).fault is None",
        "is_well = (await self.threads.run(read)) is not None",
        "What was found damaged is told as repaired, whatever became of it.",
        PROMISE,
        f"{ORDERS}::test_what_was_found_is_told_as_repaired_when_it_reads_well",
    ),
    PlantedBug(
        "finding-forgotten-unnoted",
        "rustfs_node/erasureset/heal_found.py",
        " if is_kept is True)",
        ")",
        "A finding is given up that no drive took the note of.",
        PROMISE,
        f"{SETS}::test_a_finding_stays_until_it_is_noted",
    ),
    PlantedBug(
        "lost-file-read-on-where-it-is-open",
        SCRUB,
        "        engine.shard_readers.forget(wanted.data_id)\n",
        "",
        "A file that is found missing is healed by a look at its open descriptor, which is whole.",
        PROMISE,
        f"{DRIVE}::test_a_lost_file_is_not_read_on_where_it_is_open",
    ),
)
