"""Every test that takes `stage` runs on both links."""

from __future__ import annotations

import tempfile
from collections.abc import AsyncIterator

import pytest
import trio

from tests.conformance.nets import InMemory, Net, Stage, ZmqNet


@pytest.fixture(params=["memory", "zmq"])
async def stage(request: pytest.FixtureRequest) -> AsyncIterator[Stage]:
    """Room for buses that end with the test; a test that hangs fails."""
    with tempfile.TemporaryDirectory(prefix="bus") as folder, trio.fail_after(30):
        net: Net = InMemory() if request.param == "memory" else ZmqNet(folder)
        async with trio.open_nursery() as nursery:
            yield Stage(net, nursery)
            nursery.cancel_scope.cancel()
