"""A node under faults, seed by seed. Each failing one is a bug; `python -m tests.simulation` runs more of
them.
"""

from __future__ import annotations

import pytest

from tests.kit.sample import sampled
from tests.kit.sim.chance import Chance
from tests.kit.sim.nemesis import LOSS, TRANSIENT, draw_swarm
from tests.kit.sim.run import run_seed

SEEDS = range(1, 25)


@pytest.mark.parametrize("seed", sampled(SEEDS))
def test_a_seed(seed: int) -> None:
    """Whatever happened: histories are linearizable, nothing acknowledged is lost, nothing is left behind."""
    result = run_seed(seed)
    again = f"python -m tests.simulation --seeds {seed} --trace trace.txt"
    assert not result.failures, "\n".join([str(result), *result.failures, f"again: {again}"])


def test_the_seeds_have_every_kind_of_fault() -> None:
    """The seeds together have every kind of fault, both modes, and six geometries or more."""
    swarms = [draw_swarm(Chance(seed).fork("swarm")) for seed in SEEDS]
    assert {swarm.is_loss for swarm in swarms} == {True, False}
    assert len({swarm.geometry for swarm in swarms}) >= 6
    kinds = {kind for swarm in swarms for kind in swarm.kinds}
    assert kinds == {*TRANSIENT, *LOSS}
