"""How often a set worker goes to the drives and back before it answers: told by the clock, as each way takes
a second and nothing else takes any time.
"""

from __future__ import annotations

import pytest
import trio

from rustfs_proto.stamp import NO_STAMP
from rustfs_proto.wire import set_ops
from tests.unit.erasureset.kit import TestSet, running_set

DRIVES = 6
WAY_S = 1.0
PATIENT = {
    "lookup_timeout_s": 100.0,
    "commit_timeout_s": 100.0,
    "hedge_delay_s": 100.0,
    "status_period_s": 10_000.0,
    "resettle_delay_s": 10_000.0,
    "lock_clock_keep_s": 10_000.0,
}


def far_away(one: TestSet) -> None:
    """From now on every drive is a second away."""
    for slot in range(DRIVES):
        one.net.delay("set-0", f"drive-0-{slot}", WAY_S)
        one.net.delay(f"drive-0-{slot}", "set-0", WAY_S)


async def round_trips(one: TestSet, message: object, *frames: bytes) -> float:
    """How many times there and back the answer took."""
    began_s = trio.current_time()
    await one.client.ask(message, *frames)
    return round((trio.current_time() - began_s) / (2 * WAY_S), 2)


@pytest.mark.parametrize("parity", [2, 3])
async def test_of_small_objects(autojump_clock, parity):
    """A write whatever is there takes one round trip, one that expects a version three at most; a read takes
    one, a delete, which tells what it removed, two.
    """
    async with running_set(DRIVES, parity, **PATIENT) as one:
        await one.client.put(b"k", b"body")
        far_away(one)
        info = set_ops.ObjectInfo(etag="e")
        assert await round_trips(one, set_ops.PutSmall("b", b"k", info), b"body") == 1
        creation = set_ops.PutSmall("b", b"new", info, expect=NO_STAMP)
        assert await round_trips(one, creation, b"body") <= 3
        current = (await one.client.ask(set_ops.Get("b", b"k"))).stamp
        replacement = set_ops.PutSmall("b", b"k", info, expect=current)
        assert await round_trips(one, replacement, b"body") <= 3
        assert await round_trips(one, set_ops.Get("b", b"k")) == 1
        assert await round_trips(one, set_ops.Delete("b", (b"k",))) == 2
