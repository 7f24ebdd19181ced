"""Drives are not asked at one moment: while they answer, writes go on. A read must not take what they said at
different moments for what they all have.
"""

from __future__ import annotations

import pytest
import trio
import trio.testing

from rustfs_proto.erasure.placement import first_slot
from rustfs_proto.wire import drive_ops as ops
from tests.unit.erasureset.kit import running_set
from tests.unit.erasureset.model_drive import ModelDrive

FIRST, SECOND, THIRD = b"first" * 9, b"second" * 9, b"third" * 9


def key_read_from(slot: int) -> bytes:
    """A key whose reads begin at that slot of five."""
    return next(key for key in (b"k%d" % number for number in range(99)) if first_slot("b", key, 5) == slot)


def answer_reads_first(drive: ModelDrive) -> None:
    """As a drive does whose commits wait for their sync."""
    assert drive.held is not None
    drive.held.sort(key=lambda request: not isinstance(request.message, ops.Lookup))
    drive.release()


@pytest.mark.parametrize("has_first", [True, False])
async def test_a_read_overtaken_by_two_writes_finds_one_of_them(autojump_clock, has_first):
    """Two drives tell of the second version, one has only the third any more, and two have not got either
    yet: no version is on k of them, and yet the key was never without one, nor was the first current again.
    """
    key, found = key_read_from(1), []
    async with running_set(5) as a_set, trio.open_nursery() as nursery:
        drives, client = a_set.drives, a_set.client
        if has_first:
            await client.put(key, FIRST)
            await trio.testing.wait_all_tasks_blocked()
        for late in drives[3:]:
            late.hold()
        await client.put(key, SECOND)
        await trio.sleep(0.01)

        async def read() -> None:
            found.append(await client.get(key))

        nursery.start_soon(read)
        await trio.testing.wait_all_tasks_blocked()
        await client.put(key, THIRD)
        await trio.sleep(0.01)
        for late in drives[3:]:
            answer_reads_first(late)
            await trio.testing.wait_all_tasks_blocked()
    assert found in ([SECOND], [THIRD])
