"""Handles of streamed writes."""

from __future__ import annotations

from typing import cast

import pytest

from rustfs_node.erasureset.handles import Handles
from rustfs_node.erasureset.stream import Stream
from rustfs_node.seams.clock import SystemClock
from rustfs_node.seams.randomness import SystemRandomness
from rustfs_proto.wire.faults import Fault, FaultCode

STREAM = cast("Stream", object())


def test_a_handle_means_nothing_to_the_next_life() -> None:
    """Whoever still holds a handle of a set worker that died never meets another's stream under it."""
    lives = [Handles(8, 60.0, SystemClock(), SystemRandomness()) for _ in range(2)]
    old = {lives[0].add(STREAM) for _ in range(8)}
    new = {lives[1].add(STREAM) for _ in range(8)}
    assert len(old | new) == 16
    for handle in old:
        with pytest.raises(Fault) as caught:
            lives[1].get(handle)
        assert caught.value.code is FaultCode.NOT_FOUND
