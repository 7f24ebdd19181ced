"""A cluster whose nodes are cut off, stopped and killed does to each key one thing after the other."""

from __future__ import annotations

import pytest

from tests.kit import netns, own_places, wall_clock
from tests.kit.growing import QUICK
from tests.linear.run import Plan, run

pytestmark = pytest.mark.slow

WHY_NOT = netns.why_not() or wall_clock.why_not() or own_places.why_not()
KINDS = {"isolate": 2, "one-way": 2, "pair": 2, "pause-node": 2, "kill-worker": 2, "kill-node": 1, "clock": 1}


@pytest.mark.skipif(bool(WHY_NOT), reason=WHY_NOT or "never")
def test_every_key_of_a_cluster_has_an_order(tmp_path):
    """What clients of all three nodes were answered has one, whatever two of the faults come together; and
    when they are over every node reads every key.
    """
    report = run(tmp_path, Plan(500, seed=1, each=120, nodes=3, drives=2, clients=9, kinds=KINDS))
    assert sum(" + " not in kind for kind in report.kills) >= 3, report.text()
    assert {verdict.zones for verdict in report.verdicts.values()} >= {"agreed", "decided"}, report.text()


@pytest.mark.long
@pytest.mark.skipif(bool(WHY_NOT), reason=WHY_NOT or "never")
def test_every_key_has_an_order_while_slots_move(tmp_path):
    """So it has while pools are left and filled again amid all that, by whichever node is there to do it."""
    kinds = {**KINDS, "layout": 8}
    environment = {**QUICK, "RUSTFS_NODE_PARITY": "1"}
    plan = Plan(
        5000, seed=3, each=200, nodes=3, drives=1, pools=2, clients=9, kinds=kinds, environment=environment
    )
    report = run(tmp_path, plan)
    assert report.kills["layout taken"], report.text()
