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
def wire(tmp_path_factory) -> Iterator[Wire]:
    """A connection to a node of four drives, or to the server that the environment names."""
    with contextlib.ExitStack() as stack:
        named = named_by_environment()
        if named is None:
            folder = tmp_path_factory.mktemp("model")
            stack.callback(shutil.rmtree, folder, ignore_errors=True)
            node = stack.enter_context(RunningNode(folder))
            named = Server(node.url, node.access_key, node.secret_key)
        yield stack.enter_context(contextlib.closing(Wire(named)))
