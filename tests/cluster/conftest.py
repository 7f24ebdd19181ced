"""A cluster of three nodes for tests that leave it as they found it."""

from __future__ import annotations

import shutil
from collections.abc import Iterator

import pytest

from tests.kit.cluster import RunningCluster


@pytest.fixture(scope="module")
def cluster(tmp_path_factory) -> Iterator[RunningCluster]:
    """Three nodes with two drives each: one set of 3+3."""
    folder = tmp_path_factory.mktemp("cluster")
    try:
        with RunningCluster(folder, nodes=3, drives=2) as running:
            yield running
    finally:
        shutil.rmtree(folder, ignore_errors=True)
