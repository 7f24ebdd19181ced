"""A rename is one step for everybody, whatever dies in the midst of it.

In the suite a few of the messages at which a process is killed are tried; `SWEEPS=all` tries every one.
"""

from __future__ import annotations

import os

import pytest

from tests.kit.sim.pairs import Op, explained, run_pairs
from tests.kit.sim.rename_listings import run_listings
from tests.kit.sim.renames import GEOMETRY, Kill, run_rename

EVERY = os.environ.get("SWEEPS") == "all"
STEPS_MAX = 240
"""More messages than a small rename and its readers send."""
WHO = ("acceptor", "source", "target", "all", "drive-0-0", f"drive-1-{GEOMETRY.drives - 1}")
SAMPLE = (
    ("acceptor", 1, "RenameMark", False),
    ("acceptor", 1, "RenameFinish", False),
    ("acceptor", 1, "RenameForget", False),
    ("source", 6, "RenameMark", True),
    ("target", 1, "RenameFinish", False),
    ("all", 9, "RenameFinish", True),
)
KILLS = (
    [(who, step, "", same) for who in WHO for step in range(1, STEPS_MAX) for same in (True, False)]
    if EVERY
    else SAMPLE
)
SEEDS = range(1, 200) if EVERY else range(1, 3)


@pytest.mark.parametrize("same_set", [True, False])
def test_a_rename_is_one_step(same_set: bool) -> None:
    """Readers and listings see the object at exactly one of its keys, small or in shard files."""
    for body in (b"moved", b"x" * 20_000):
        told = run_rename(None, same_set=same_set, body=body)
        assert not told.failures and told.status == 200 and told.is_moved


@pytest.mark.parametrize(("who", "step", "call", "same_set"), KILLS)
def test_whatever_dies(who: str, step: int, call: str, same_set: bool) -> None:
    """It has happened or it has not, the same for all; and what it leaves is ended by who comes next."""
    told = run_rename(Kill(who, step, call), same_set=same_set, replaces=step % 4 == 0)
    assert not told.failures, "\n".join(told.failures)


@pytest.mark.parametrize("seed", SEEDS)
def test_renames_among_other_writes(seed: int) -> None:
    """One order of all that clients did with two keys explains what they were told."""
    seen = run_pairs(seed)
    assert not seen.failures, "\n".join([*seen.failures, *map(str, seen.ops)])


def test_listings_that_hear_sets_one_after_the_other() -> None:
    """They show an object at exactly one of two keys, though it is renamed between the two answers."""
    failures, answered = run_listings(1)
    assert not failures, "\n".join(failures)
    assert answered > 6


def test_what_no_order_explains() -> None:
    """An object that is lost, doubled or renamed before it was there is noticed; one in doubt is none."""
    inf = float("inf")
    written = Op("put", 0, 1, 200, 0, 1)
    renamed = Op("rename", 0, 0, 200, 2, 3)
    assert explained([written, renamed, Op("get", 1, 1, 200, 4, 5), Op("get", 0, 0, 404, 4, 5)])
    assert explained([written, Op("rename", 0, 0, 503, 2, inf), Op("get", 0, 1, 200, 4, 5)])
    for wrong in (
        [written, renamed, Op("get", 1, 0, 404, 4, 5)],
        [written, renamed, Op("get", 0, 1, 200, 4, 5)],
        [written, Op("rename", 0, 0, 404, 2, 3)],
        [renamed, Op("get", 1, 1, 200, 4, 5)],
        [written, renamed, Op("put", 1, 2, 200, 4, 5), Op("get", 1, 1, 200, 6, 7)],
    ):
        assert not explained(wrong)
