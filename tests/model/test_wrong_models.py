"""A comparison that no wrong model fails proves nothing: each mistake is found within a few hundred steps."""

from __future__ import annotations

import pytest

from tests.model.campaign import run
from tests.model.duel import Arena
from tests.model.wrong_models import WRONG, wrong_model

STEPS = 3000


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_model_differs(wire, name):
    """The mistake makes a difference, and the operations that lead to it are told."""
    lost = run(Arena(wire, wrong_model(name)), 1, STEPS, shrinks=False)
    assert lost is not None, "the mistake was not noticed"
    assert "after\n" in str(lost.difference)
