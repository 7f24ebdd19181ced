"""A node whose workers are killed does to each key one thing after the other."""

from __future__ import annotations

import pytest

from tests.linear.run import Plan, run

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("versioned", [False, True])
def test_every_key_has_an_order(tmp_path, versioned):
    """What eight clients were answered about each key, by writes, conditional writes, deletes of objects and
    of versions, copies, uploads, tags and reads, has an order that explains all of it; both checkers say so.
    """
    report = run(tmp_path, Plan(800, seed=1, each=150, versioned=versioned))
    assert report.kills["set"] and report.kills["drive"] and report.kills["acceptor"], report.text()
    assert {verdict.zones for verdict in report.verdicts.values()} >= {"agreed", "decided"}, report.text()
