"""Nodes for the tests of this folder."""

from __future__ import annotations

import pytest

from tests.kit.node import RunningNode


@pytest.fixture
def node(tmp_path):
    """A running node of four drives."""
    with RunningNode(tmp_path / "node") as running:
        yield running
