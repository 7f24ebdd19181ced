"""A short storm: processes of a node killed while clients write, and nothing promised is broken."""

from __future__ import annotations

import pytest

from tests.node.storm.run import run_storm

pytestmark = pytest.mark.slow

KILLS = 40
SEED = 1
SERVING_S = 3.0
"""Within this time after a kill the node serves again, counted without what others took on this machine."""


def test_a_storm_of_kills(tmp_path):
    """Every acknowledged write is there and right, every other one wholly there or not at all; nothing stays
    behind, nothing but what was killed died, and the node serves again in time.
    """
    report = run_storm(tmp_path, KILLS, SEED)
    assert {kill.kind for kill in report.kills} >= {"drive", "set", "acceptor", "forge", "supervisor", "all"}
    assert max(kill.own_s for kill in report.kills) <= SERVING_S, report.text()
    assert sum(report.operations.values()) > KILLS, report.text()
