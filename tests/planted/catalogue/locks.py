"""Locked versions: what they forbid, to whom, and until when."""

from __future__ import annotations

from tests.planted.bug import PlantedBug

STAY = "Locked versions"
LOCKING = "rustfs_proto/locking.py"
TABLE = "tests/unit/test_locking.py"
REMOVALS = "tests/unit/erasureset/test_lock_removals.py"

LOCKS = (
    PlantedBug(
        "lock-not-looked-at",
        "rustfs_node/erasureset/removal.py",
        "            await refuse_locked(state, version.meta.lock, bypass_governance=bypass, trace=trace)\n",
        "",
        "A locked version is removed for good.",
        STAY,
        f"{REMOVALS}::test_locks_of_versions_are_judged_one_by_one",
    ),
    PlantedBug(
        "hold-bypassed",
        LOCKING,
        "    if lock.legal_hold:\n",
        "    if lock.legal_hold and not bypass_governance:\n",
        "Whoever may bypass governance removes a version under a legal hold.",
        STAY,
        f"{TABLE}::test_removal",
    ),
    PlantedBug(
        "compliance-bypassed",
        LOCKING,
        "    if retention.mode == RetentionMode.GOVERNANCE and bypass_governance:\n",
        "    if bypass_governance:\n",
        "The owner removes a version in COMPLIANCE mode before its time.",
        STAY,
        f"{TABLE}::test_removal",
    ),
    PlantedBug(
        "compliance-shortened",
        LOCKING,
        "    if old.mode == RetentionMode.GOVERNANCE and bypass_governance:\n",
        "    if bypass_governance:\n",
        "The owner shortens a retention in COMPLIANCE mode.",
        STAY,
        f"{TABLE}::test_change_of_a_retention",
    ),
    PlantedBug(
        "wall-clock-believed",
        "rustfs_proto/lock_time.py",
        "        self._since_ms += min(behind_ms, passed_ms * self.catch_up_s_per_day / DAY_S)\n",
        "        self._since_ms += behind_ms\n",
        "Setting the machine's clock forward ends every retention.",
        STAY,
        "tests/unit/test_lock_time.py::test_a_jump_of_the_wall_changes_nothing_at_once",
    ),
    PlantedBug(
        "time-told-before-it-is-kept",
        "rustfs_node/erasureset/lock_clock.py",
        "            await _write(state, state.clock.wall_ms(), NO_STAMP, trace)\n",
        "            _take_over(state, state.clock.wall_ms(), NO_STAMP)\n",
        "A power cut after the first lock lets the clock begin anew, with whatever the wall shows then.",
        STAY,
        "tests/unit/erasureset/test_lock_clock.py::test_it_is_kept_before_anybody_hears_of_it",
    ),
    PlantedBug(
        "lock-lost-by-tags",
        "rustfs_node/erasureset/amend.py",
        ", lock=lock),\n",
        ", lock=None if message.lock is None else lock),\n",
        "Changing the tags of a locked version unlocks it.",
        STAY,
        "tests/unit/erasureset/test_lock_changes.py::test_locks_come_with_an_object_and_stay",
    ),
)
