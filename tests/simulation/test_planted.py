"""Bugs on purpose are found within a few seeds: a simulation that finds none of them proves nothing."""

from __future__ import annotations

import pytest

from tests.kit.sim.atlas import Swarm
from tests.kit.sim.node import Geometry
from tests.kit.sim.planted import PLANTED
from tests.kit.sim.run import run_seed
from tests.kit.sim.workload import Load

SEEDS = range(1, 31)


def swarm(*kinds: str) -> Swarm:
    """Faults that such a bug does not survive for long."""
    return Swarm(Geometry(3, 1), is_loss=False, kinds=kinds, pause_s=1.5)


FAULTS = {
    "answers_before_quorum": swarm("power_amid", "crash", "stuck"),
    "drive_answers_before_sync": swarm("blackout"),
    "shard_files_unsynced": swarm("blackout"),
    "delete_without_tombstone": swarm("crash"),
    "first_answer_believed": swarm("crash_drive", "stuck"),
    "failed_sync_forgiven": swarm("sync_error"),
}


@pytest.mark.parametrize("name", PLANTED)
def test_a_planted_bug_is_found(name: str) -> None:
    """One of the seeds fails."""
    with PLANTED[name]():
        assert any(run_seed(seed, FAULTS[name], Load(operations=15)).failures for seed in SEEDS)
