"""A running node answers what S3 answers, whatever is done in whatever order; `python -m tests.model` does
more of it.
"""

from __future__ import annotations

import pytest

from tests.model.campaign import run
from tests.model.duel import Arena

pytestmark = pytest.mark.slow

SEED, STEPS = 1, 1000


def test_no_difference(wire):
    """Random sequences of all operations leave nothing in which node and model differ."""
    arena = Arena(wire)
    lost = run(arena, SEED, STEPS)
    again = f"again: python -m tests.model --seed {lost.seed} --steps 1" if lost else ""
    assert lost is None, f"{lost.difference}\n{again}"
    assert len({operation for operation, _ in arena.outcomes}) >= 20, arena.outcomes
