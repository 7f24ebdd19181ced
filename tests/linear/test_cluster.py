"""A cluster whose nodes are cut off, stopped and killed does to each key one thing after the other."""

from __future__ import annotations

import pytest

from tests.kit import netns, wall_clock
from tests.linear.run import Plan, run

pytestmark = pytest.mark.slow

WHY_NOT = netns.why_not() or wall_clock.why_not()
KINDS = {"isolate": 2, "one-way": 2, "pair": 2, "pause-node": 2, "kill-worker": 2, "kill-node": 1, "clock": 1}


@pytest.mark.skipif(bool(WHY_NOT), reason=WHY_NOT or "never")
def test_every_key_of_a_cluster_has_an_order(tmp_path):
    """What clients of all three nodes were answered has one, whatever two of the faults come together; and
    when they are over every node reads every key.
    """
    report = run(tmp_path, Plan(500, seed=1, each=120, nodes=3, drives=2, clients=9, kinds=KINDS))
    assert len(report.kills) >= 3, report.text()
    assert {verdict.zones for verdict in report.verdicts.values()} >= {"agreed", "decided"}, report.text()
