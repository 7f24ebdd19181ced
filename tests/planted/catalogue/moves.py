"""Growing and shrinking: each key has one home, and what was acknowledged comes along."""

from __future__ import annotations

from tests.planted.bug import PlantedBug

MOVES = "Growing and shrinking"
SLOTS = "rustfs_node/drive/slots.py"
CHARTER = "rustfs_proto/erasure/charter.py"
ON_A_DRIVE = "tests/unit/drive/test_slots.py"
IN_A_SET = "tests/unit/erasureset/test_moves.py"
PURE = "tests/unit/erasure/test_charter.py"

GROWTH = (
    PlantedBug(
        "frozen-slot-written",
        SLOTS,
        "            return None if hold is Hold.OWNED else moved()\n",
        "            return None if hold in (Hold.OWNED, Hold.FROZEN) else moved()\n",
        "A write is acknowledged after what was copied last, and is lost when the slot moves.",
        MOVES,
        f"{ON_A_DRIVE}::test_only_what_is_owned_changes[2]",
    ),
    PlantedBug(
        "late-copy-taken",
        SLOTS,
        "        return None if is_movers and hold is not Hold.OWNED else moved()\n",
        "        return None if is_movers else moved()\n",
        "A copy that arrives late brings back what was removed since, or goes before what was written.",
        MOVES,
        f"{ON_A_DRIVE}::test_a_copy_that_is_late_is_refused",
    ),
    PlantedBug(
        "any-mover-obeyed",
        SLOTS,
        "charter is not None and commit.mover == charter.mover\n",
        "charter is not None\n",
        "A mover that was given up goes on copying beside the one that has taken over.",
        MOVES,
        f"{ON_A_DRIVE}::test_the_mover_changes_what_nobody_else_may[3]",
    ),
    PlantedBug(
        "moved-slot-read",
        SLOTS,
        "        return not self.has(lookup.bucket, lookup.key)\n",
        "        return False\n",
        "An acceptor that knows no better is answered by what a key had before its slot moved.",
        MOVES,
        f"{IN_A_SET}::test_what_has_moved_is_answered_by_nobody_here",
    ),
    PlantedBug(
        "freeze-under-a-rename",
        SLOTS,
        "            if before is Hold.OWNED and charter",
        "            if before is Hold.NONE and charter",
        "A slot moves with a rename half done at one of its keys.",
        MOVES,
        f"{ON_A_DRIVE}::test_no_slot_is_frozen_under_an_open_rename",
    ),
    PlantedBug(
        "changes-forgotten",
        SLOTS,
        '            self._watch, self._changed = b"", {}\n',
        "            self._changed = {}\n",
        "Drives forget what was changed, and nobody looks again: writes are lost when their slot moves.",
        MOVES,
        f"{ON_A_DRIVE}::test_a_watch_that_grows_too_large_is_lost",
    ),
    PlantedBug(
        "restarted-watch-believed",
        SLOTS,
        "        is_kept = self._watch == message.watch and not message.begins\n",
        "        is_kept = not message.begins\n",
        "A drive that was started again counts as one that has told all changes.",
        MOVES,
        f"{IN_A_SET}::test_changes_are_told_by_the_drives_that_were_asked_at_first",
    ),
    PlantedBug(
        "foreign-keys-listed",
        "rustfs_node/erasureset/listing.py",
        "        if known.charter is not None:\n",
        "        if known.charter is None:\n",
        "A listing shows copies that are on their way, and what has moved away.",
        MOVES,
        f"{IN_A_SET}::test_what_has_moved_is_answered_by_nobody_here",
    ),
    PlantedBug(
        "pages-of-two-moments",
        CHARTER,
        "    return united == (1 << SLOTS) - 1 and sum(claim.bit_count() for claim in claims) == SLOTS\n",
        "    return united == (1 << SLOTS) - 1\n",
        "A listing shows a key twice, or what it was before beside what it is.",
        MOVES,
        f"{PURE}::test_pages_of_all_sets_are_of_one_moment_where_each_slot_has_one_owner",
    ),
    PlantedBug(
        "origin-of-an-amendment",
        "rustfs_node/erasureset/amend.py",
        "written=written_of(head, version.stamp), origin=0)",
        "written=written_of(head, version.stamp))",
        "A conditional write replaces a version that was changed since it was looked at.",
        MOVES,
        f"{IN_A_SET}::test_an_amended_copy_is_another_version",
    ),
    PlantedBug(
        "charter-not-given",
        "rustfs_node/erasureset/charter_care.py",
        "            if reply.message.stamp < read.decision.stamp:\n",
        "            if reply.message.stamp > read.decision.stamp:\n",
        "A drive that was away tells for ever that keys are elsewhere, and refuses them.",
        MOVES,
        f"{IN_A_SET}::test_a_drive_that_missed_the_charter_is_given_it",
    ),
    PlantedBug(
        "added-sets-own-slots",
        "rustfs_proto/topology/growing.py",
        "        founded_sets=current.founded_sets or len(known),\n",
        "        founded_sets=0,\n",
        "After a pool is added keys are looked for in sets that do not have them.",
        MOVES,
        "tests/unit/supervisor/test_growing.py::test_what_was_added_owns_nothing_at_first",
    ),
)
