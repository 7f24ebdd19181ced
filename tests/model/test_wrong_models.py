"""A comparison that no wrong model fails proves nothing: each mistake is found within some thousand steps."""

from __future__ import annotations

import os

import pytest

from tests.model.campaign import Lost, run
from tests.model.duel import Arena, Difference, Duel, repeat
from tests.model.wire import Wire
from tests.model.wrong_models import WRONG, wrong_model

pytestmark = pytest.mark.slow

STEPS = 3000


def lose(wire: Wire, name: str) -> Lost | None:
    """Run the wrong model until it is caught."""
    return run(Arena(wire, wrong_model(name)), 1, STEPS, shrinks=False)


SOON = frozenset({"keeps_tags", "keeps_deleted", "reveals_nothing"})
"""The others are met after some thousand steps only."""


@pytest.mark.parametrize(
    "name", [name if name in SOON else pytest.param(name, marks=pytest.mark.long) for name in WRONG]
)
def test_a_wrong_model_differs(wire, name):
    """The mistake makes a difference, and the operations that lead to it are told."""
    lost = lose(wire, name)
    assert lost is not None, "the mistake was not noticed"
    assert "after\n" in str(lost.difference)


def test_what_is_printed_can_be_done_again(wire):
    """The operations of a difference lead to it again, and the right model goes through them without one."""
    lost = lose(wire, "keeps_deleted")
    assert lost is not None
    lines = str(lost.difference).partition("after\n")[2].splitlines()
    with pytest.raises(Difference):
        repeat(Duel(Arena(wire, wrong_model("keeps_deleted")), f"m-wrong-{os.getpid()}"), lines)
    repeat(Duel(Arena(wire), f"m-right-{os.getpid()}"), lines)
