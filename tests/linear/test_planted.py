"""Bugs on purpose are found: the verdict on a node that has one of them is that it is broken."""

from __future__ import annotations

from pathlib import Path

import attrs
import pytest

from tests.linear.planted import BUGS, environment_of
from tests.linear.run import Plan, run
from tests.linear.verdict import Broken

pytestmark = pytest.mark.slow

SEEDS = (1, 2, 3)
"""Processes race: where one run is lucky the next is not."""

# What each bug does not survive for long. What is answered too early is lost only where drives die.
PLANS = {
    "expected-version-not-compared-by-the-set": Plan(
        250, seed=0, each=120, kinds={}, weights={"replace": 40, "create": 15, "get": 20, "delete": 5}
    ),
    "answered-by-one-drive": Plan(300, seed=0, each=60, kinds={"drives": 1}),
    "tombstone-forgotten": Plan(120, seed=0, each=60, kinds={}),
}


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=pytest.mark.long if number else ()) for number, name in enumerate(BUGS)]
)
def test_a_planted_bug_is_found(tmp_path, name):
    """Some key has a history that no order of its operations explains."""
    BUGS[name].planted()
    assert any(is_found(tmp_path / str(seed), name, seed) for seed in SEEDS)


def is_found(folder: Path, name: str, seed: int) -> bool:
    """Whether the verdict is that a key is broken; another failure is one of this test."""
    environment = environment_of(name, folder / "bug")
    try:
        run(folder / "node", attrs.evolve(PLANS[name], seed=seed, environment=environment))
    except Broken as broken:
        return "has no order" in str(broken)
    return False
