"""Renames: in one step, whatever dies, and never of what was overtaken."""

from __future__ import annotations

from tests.planted.bug import PlantedBug

STEP = "Renames"
RULES = "rustfs_node/drive/rename_rules.py"
ON_A_DRIVE = "tests/unit/drive/test_renames.py"
IN_A_SET = "tests/unit/erasureset/test_renames.py"
SIMULATED = "tests/simulation/test_renames.py"
UNFINISHED = f"{SIMULATED}::test_whatever_dies[target-1-RenameFinish-False]"
UNFORGOTTEN = f"{SIMULATED}::test_whatever_dies[acceptor-1-RenameForget-False]"

RENAMES = (
    PlantedBug(
        "renamed-key-changes",
        RULES,
        "        if (opened and opened != aside) or self",
        "        if (opened and opened != aside) and self",
        "A write is acknowledged at a key at which a rename is open, and lost when that is finished.",
        STEP,
        f"{ON_A_DRIVE}::test_a_key_stays_as_it_is_while_a_rename_is_open",
    ),
    PlantedBug(
        "ended-rename-opened-again",
        RULES,
        "in self._ended or any(row.kind == RowKind.TOMBSTONE for row in here):",
        "in self._ended:",
        "A mark is taken after its rename was given up: the object is gone from both keys.",
        STEP,
        f"{ON_A_DRIVE}::test_what_has_ended_is_never_opened_again",
    ),
    PlantedBug(
        "mark-without-compare",
        "rustfs_node/drive/commit.py",
        "        if not commit.of_key:\n            return decide",
        "        if not commit.of_key or commit.space != Space.OBJECT:\n            return decide",
        "A rename happens although its source was overwritten: what was written is removed with it.",
        STEP,
        f"{ON_A_DRIVE}::test_a_row_is_compared_with_what_is_current",
    ),
    PlantedBug(
        "open-rename-ignored",
        "rustfs_node/erasureset/row_read.py",
        "        if self._is_renamed or self._is_elsewhere:\n",
        "        if self._is_renamed and not self.lookup.current:\n",
        "A read takes for the answer what a rename has changed already.",
        STEP,
        UNFORGOTTEN,
    ),
    PlantedBug(
        "open-rename-ignored-by-listings",
        "rustfs_node/erasureset/listing.py",
        "    if scan.is_renamed:\n",
        "    if scan.is_renamed and query.prefix:\n",
        "A listing shows an object that was renamed at both of its keys.",
        STEP,
        UNFORGOTTEN,
    ),
    PlantedBug(
        "mark-forgotten-early",
        "rustfs_node/acceptor/renames.py",
        "        await sets.ask_home(sets.lead(bucket, rename.target), finish, Done, trace=trace)\n"
        "        forget = RenameForget(bucket, rename.source, rename_id)\n"
        "        await sets.ask_home(sets.lead(bucket, rename.source), forget, Done, trace=trace)\n",
        "        forget = RenameForget(bucket, rename.source, rename_id)\n"
        "        await sets.ask_home(sets.lead(bucket, rename.source), forget, Done, trace=trace)\n"
        "        await sets.ask_home(sets.lead(bucket, rename.target), finish, Done, trace=trace)\n",
        "The mark is gone before the target has the object: whoever comes next gives the rename up.",
        STEP,
        UNFINISHED,
    ),
    PlantedBug(
        "decided-by-few",
        "rustfs_node/erasureset/rename_decide.py",
        "    if rows.ended >= needed:\n",
        "    if rows.ended >= 1:\n",
        "A rename that has happened is given up, because one drive took its end first.",
        STEP,
        f"{IN_A_SET}::test_one_decision_whatever_drives_have",
    ),
    PlantedBug(
        "locked-version-renamed",
        "rustfs_node/erasureset/rename_source.py",
        "        await refuse_locked(state, version.meta.lock, bypass_governance=False, trace=trace)\n",
        "",
        "A locked version is removed from its key by a rename.",
        "Locked versions",
        f"{IN_A_SET}::test_what_is_locked_stays",
    ),
    PlantedBug(
        "listing-of-two-moments",
        "rustfs_node/acceptor/s3/steady.py",
        "        if not any(told[-1]):\n",
        "        if len(heard) == 1 or not any(told[-1]):\n",
        "A listing that hears one set before a rename and the other after it shows both keys, or neither.",
        STEP,
        f"{SIMULATED}::test_listings_that_hear_sets_one_after_the_other",
    ),
    PlantedBug(
        "token-is-no-proof",
        "rustfs_node/acceptor/s3/rename.py",
        "    if done.request != wanted.digest:\n",
        "    if not done.request:\n",
        "Another request with the token of one before is answered as if it had been done.",
        STEP,
        "tests/unit/acceptor/test_s3_rename.py::test_tokens",
    ),
)
