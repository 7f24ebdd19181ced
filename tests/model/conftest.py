"""One node for all tests of the model, and a connection to it."""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Iterator

import pytest

from tests.clients.server import Server, named_by_environment
from tests.kit.node import RunningNode
from tests.model.wire import Wire


@pytest.fixture(scope="session")
def served(tmp_path_factory) -> Iterator[Server]:
    """A node of four drives, or the server that the environment names."""
    named = named_by_environment()
    if named is not None:
        yield named
        return
    folder = tmp_path_factory.mktemp("model")
    try:
        with RunningNode(folder) as node:
            yield Server(node.url, node.access_key, node.secret_key)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def wire(served) -> Iterator[Wire]:
    """A connection of the test's own: the server closes one that was idle between two tests."""
    with contextlib.closing(Wire(served)) as connection:
        yield connection
