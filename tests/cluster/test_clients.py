"""Some of the tests of clients, through a node of a cluster and through haproxy; `python -m
tests.cluster.clients` runs all of them.
"""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator

import pytest

from tests.cluster.clients import endpoints, run_suite

SELECTED = {
    "node 3": ("tests/clients/test_boto3_versioning.py",),
    "haproxy": ("tests/clients/test_boto3_conditions.py", "tests/clients/test_boto3_uploads.py"),
}


@pytest.fixture(scope="module")
def urls(tmp_path_factory) -> Iterator[dict[str, str]]:
    """A cluster of three nodes with haproxy before it."""
    folder = tmp_path_factory.mktemp("clients")
    try:
        with endpoints(folder, nodes=3, drives=1) as found:
            yield found
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@pytest.mark.long
@pytest.mark.parametrize("name", SELECTED)
def test_clients_find_in_a_cluster_what_they_find_in_a_node(urls, name):
    """Versions behave through any node, and conditions and uploads through the balancer."""
    status, said = run_suite(urls[name], SELECTED[name], subprocess.PIPE)
    assert status == 0, said[-4000:]
