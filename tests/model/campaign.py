"""A run of many machines from one seed: rounds of them until so many steps are done.

Each round has a seed of its own, so that what fails is found again without the rounds before it.
"""

from __future__ import annotations

import attrs
from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.model.duel import Arena, Difference
from tests.model.full_machine import FullMachine

EXAMPLES = 20
"""Machines of a round."""

STEPS = 50
"""Rules of a machine at most."""


@attrs.frozen
class Lost:
    """The difference, and the seed of the round that found it."""

    seed: int
    difference: Difference


def run(arena: Arena, first_seed: int, steps: int, *, shrinks: bool = True) -> Lost | None:
    """Rounds from `first_seed` on until `steps` are done; the first difference, made small."""
    number = first_seed
    while arena.steps < steps:
        try:
            run_round(arena, number, shrinks=shrinks)
        except Difference as difference:
            return Lost(number, difference)
        number += 1
    return None


def run_round(arena: Arena, number: int, *, shrinks: bool = True) -> None:
    """The machines of one seed; raises Difference."""

    class Machine(FullMachine):
        pass

    Machine.arena = arena
    run_state_machine_as_test(
        seed(number)(Machine),
        settings=settings(
            max_examples=EXAMPLES,
            stateful_step_count=STEPS,
            phases=[Phase.generate, *([Phase.shrink] if shrinks else [])],
            derandomize=False,
            database=None,
            deadline=None,
            report_multiple_bugs=False,
            suppress_health_check=list(HealthCheck),
        ),
    )
