"""A short storm: processes of a node killed while clients write, and nothing promised is broken."""

from __future__ import annotations

import pytest

from tests.node.storm.run import run_storm

pytestmark = pytest.mark.slow

SEED = 1
SERVING_S = 3.0
"""Within this time after a kill the node serves again, counted without what others took on this machine."""


@pytest.mark.parametrize(("drives", "kills"), [(4, 12), pytest.param(5, 12, marks=pytest.mark.long)])
def test_a_storm_of_kills(tmp_path, drives, kills):
    """Every acknowledged write is there and right, every other one wholly there or not at all; nothing stays
    behind, nothing but what was killed died, and the node serves again in time. With k = m as with more.
    """
    report = run_storm(tmp_path, kills, SEED, drives=drives)
    assert {kill.kind for kill in report.kills} >= {"drive", "set", "acceptor", "forge", "supervisor", "all"}
    assert max(kill.own_s for kill in report.kills) <= SERVING_S, report.text()
    assert sum(report.operations.values()) > kills, report.text()
