"""Reads of keys with versions, one after the other, where drives differ."""

from __future__ import annotations

import pytest

from rustfs_proto.erasure.placement import first_slot
from rustfs_proto.versions import Versioning
from rustfs_proto.wire.drive_ops import Commit
from rustfs_proto.wire.faults import Fault
from rustfs_proto.wire.set_ops import Get, ObjectInfo, PutDone, PutSmall
from tests.unit.erasureset.kit import Client, running_set


async def put(client: Client, body: bytes) -> PutDone:
    request = PutSmall("b", b"k", ObjectInfo(etag="e"), versioning=Versioning.ENABLED)
    done = await client.ask(request, body)
    assert isinstance(done, PutDone)
    return done


@pytest.mark.parametrize("drives", [2, 4, 6])
async def test_what_a_read_has_returned_later_ones_return_too(drives: int) -> None:
    """A version that a failed write left on half of the drives is not shown by these and then hidden by the
    others, which were well all the time.
    """
    async with running_set(drives, lookup_timeout_s=0.5) as a_set:
        client = a_set.client
        await put(client, b"older")
        # Reads begin with the drives that have the data shards.
        start = first_slot("b", b"k", drives)
        turned = [a_set.drives[(start + number) % drives] for number in range(drives)]
        first, others = turned[: drives // 2], turned[drives // 2 :]
        for drive in others:
            drive.refuses_where = lambda message: isinstance(message, Commit)
        with pytest.raises(Fault):
            await put(client, b"newer")
        for drive in others:
            drive.refuses_where = lambda _message: False
        seen = (await client.bus.call("set-0", Get("b", b"k"), deadline_s=20)).frames[0]
        # From now on they are slow.
        for drive in first:
            drive.hold()
        again = (await client.bus.call("set-0", Get("b", b"k"), deadline_s=20)).frames[0]
        assert again == seen
