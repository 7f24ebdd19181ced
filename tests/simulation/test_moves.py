"""Slots move while clients work, whatever dies in the midst of it, on one node and on three.

In the suite a few of the messages at which a process is killed are tried; `SWEEPS=all` tries many.
"""

from __future__ import annotations

import os

import pytest

from tests.kit.sim.moves import THREE_NODES, Kill, run_move

EVERY = os.environ.get("SWEEPS") == "all"
WHO = ("acceptor-0", "set-0", "set-1", "drive-0-0", "drive-1-2", "all")
CALLS = ("WatchSlots", "MoveVersion", "MoveChanges", "MoveRemove")
SAMPLE = (
    ("acceptor-0", "MoveVersion", 60),
    ("set-1", "MoveChanges", 40),
    ("all", "WatchSlots", 1500),
)
KILLS = (
    [(who, call, step) for who in WHO for call in CALLS for step in range(1, 4000, 61)] if EVERY else SAMPLE
)
CLUSTER_KILLS = [
    Kill(who, call, step, down_s, is_cut)
    for at, (who, down_s, is_cut) in enumerate(
        [
            ("acceptor-0", 0.4, False),
            ("acceptor-0", 9.0, True),
            ("acceptor-0", 30.0, True),
            ("acceptor-0.1", 9.0, True),
            ("node0", 12.0, False),
            ("node1", 3.0, False),
            ("set-1.1", 0.4, False),
            ("all", 0.4, False),
        ]
    )
    for call in CALLS
    for step in (range(1, 4000, 61) if EVERY else (17 + 131 * at,))
]


def test_hardly_anybody_notices_a_move() -> None:
    """A pool is left, and everything is as it was. A write that is just under way when its
    slot is frozen may be on some drives and refused by others: that alone is told as unknown.
    """
    told = run_move(None, is_filled_again=False)
    assert not told.failures, "\n".join(told.failures)
    assert told.requests > 30 and told.refused <= 2


@pytest.mark.long
@pytest.mark.parametrize("cancelled_s", [1.0, 3.0, 4.0, 4.5, 5.0, 6.0])
def test_a_change_that_is_cancelled(cancelled_s: float) -> None:
    """What has moved stays, what has not is writable where it was; and the next change begins from there."""
    told = run_move(None, cancelled_s=cancelled_s)
    assert not told.failures, "\n".join(told.failures)


@pytest.mark.long
@pytest.mark.parametrize(("who", "call", "step"), KILLS)
def test_whatever_dies(who: str, call: str, step: int) -> None:
    """What has moved is moved, what has not goes on, and nothing is lost, doubled or brought back."""
    told = run_move(Kill(who, call, step), seed=step)
    assert not told.failures, "\n".join(told.failures)
    assert told.killed or EVERY


def test_all_nodes_know_of_a_move() -> None:
    """While slots move between pools of three nodes, hardly anybody notices; and as soon as it is done each
    acceptor knows where they are, without having asked for one.
    """
    told = run_move(None, geometry=THREE_NODES, is_filled_again=False)
    assert not told.failures, "\n".join(told.failures)
    assert told.requests > 30 and told.refused <= 2


@pytest.mark.long
@pytest.mark.parametrize("kill", CLUSTER_KILLS, ids=str)
def test_another_node_moves_on(kill: Kill) -> None:
    """Whoever moves slots dies, loses its node, or is cut off and comes back as if nothing had been: the
    others end the change, and no write that compares is made twice.
    """
    told = run_move(kill, geometry=THREE_NODES, seed=kill.step)
    assert not told.failures, "\n".join(told.failures)
    assert told.killed or EVERY
