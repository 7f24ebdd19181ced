"""Every test that takes `stage` runs over each kind of connection; one that takes `nursery` opens its buses
itself.
"""

from __future__ import annotations

import tempfile
from collections.abc import AsyncIterator

import pytest
import trio

from tests.conformance.nets import CurveNet, InMemory, Net, Stage, ZmqNet


@pytest.fixture(params=["memory", "zmq", "curve"])
async def stage(request: pytest.FixtureRequest) -> AsyncIterator[Stage]:
    """Room for buses that end with the test; a test that hangs fails."""
    with tempfile.TemporaryDirectory(prefix="bus") as folder, trio.fail_after(30):
        nets: dict[str, Net] = {"memory": InMemory(), "zmq": ZmqNet(folder), "curve": CurveNet()}
        async with trio.open_nursery() as nursery:
            yield Stage(nets[request.param], nursery)
            nursery.cancel_scope.cancel()


@pytest.fixture
async def nursery() -> AsyncIterator[trio.Nursery]:
    """Ends with the test; a test that hangs fails."""
    with trio.fail_after(30):
        async with trio.open_nursery() as nursery:
            yield nursery
            nursery.cancel_scope.cancel()
