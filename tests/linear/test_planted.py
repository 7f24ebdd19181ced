"""Bugs on purpose are found: the verdict on a node that has one of them is that it is broken."""

from __future__ import annotations

from pathlib import Path

import attrs
import pytest

from tests.linear.planted import BUGS, environment_of
from tests.linear.requests import Wrong
from tests.linear.run import Plan, run
from tests.linear.verdict import Broken

pytestmark = pytest.mark.slow

SEEDS = (1, 2, 3)
"""Processes race: where one run is lucky the next is not."""


def _of(weights: dict[str, int], *, versioned: bool = False) -> Plan:
    """Nothing dies: clients alone find it, with these operations."""
    return Plan(400, seed=0, each=120, kinds={}, weights=weights, versioned=versioned)


# What each bug does not survive for long. What is answered too early is lost only where drives die.
PLANS = {
    "expected-version-not-compared-by-the-set": Plan(
        250, seed=0, each=120, kinds={}, weights={"replace": 40, "create": 15, "get": 20, "delete": 5}
    ),
    "answered-by-one-drive": Plan(300, seed=0, each=60, kinds={"drives": 1}),
    "tombstone-forgotten": Plan(120, seed=0, each=60, kinds={}),
    "condition-of-a-delete-not-compared": _of({"remove": 30, "put": 20, "get": 20, "create": 10}),
    "condition-of-a-delete-kept-from-the-set": _of({"remove": 30, "put": 30, "get": 30}),
    "failed-drive-counted": Plan(600, seed=0, each=60, kinds={"drives": 1}),
    "first-answer-speaks-for-all": Plan(600, seed=0, each=60, kinds={"drives": 1}),
    "creation-not-compared-by-the-set": _of({"create": 40, "delete": 15, "get": 20}),
    "erasure-without-effect": _of({"put": 20, "erase": 20, "get": 20, "get_version": 20}, versioned=True),
    "tags-without-effect": _of({"put": 10, "tag": 20, "read_tag": 30}),
    "condition-of-a-write-kept-from-the-set": _of({"replace": 40, "put": 20, "get": 20}),
    "condition-of-an-upload-kept-from-the-set": _of({"complete_new": 40, "delete": 15, "get": 20}),
}


def test_each_bug_has_its_plan():
    """There are enough of them, and none is forgotten."""
    assert BUGS.keys() == PLANS.keys() and len(BUGS) >= 10


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=pytest.mark.long if number else ()) for number, name in enumerate(BUGS)]
)
def test_a_planted_bug_is_found(tmp_path, name):
    """Some key has a history that no order of its operations explains, or an answer is wrong by itself."""
    BUGS[name].planted()
    assert any(is_found(tmp_path / str(seed), name, seed) for seed in SEEDS)


def is_found(folder: Path, name: str, seed: int) -> bool:
    """Whether the verdict is that a key is broken, or something was answered that no history makes right;
    another failure is one of this test.
    """
    environment = environment_of(name, folder / "bug")
    try:
        run(folder / "node", attrs.evolve(PLANS[name], seed=seed, environment=environment))
    except Broken as broken:
        return "has no order" in str(broken)
    except Wrong:
        return True
    return False
