"""Whether a drive's shard file of a version can be read to its end."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from rustfs_node.erasureset.state import SetState
from rustfs_proto.erasure.geometry import stripe_count
from rustfs_proto.erasure.placement import shard_of_slot
from rustfs_proto.objects import ObjectMeta, Part
from rustfs_proto.wire.drive_ops import ShardRead
from rustfs_proto.wire.faults import Fault, FaultCode

_LOST = frozenset({FaultCode.DAMAGED, FaultCode.NOT_FOUND})


async def is_readable(
    state: SetState,
    key_name: tuple[str, bytes],
    meta: ObjectMeta,
    part: Part,
    slot: int,
    spend: Callable[[int], Awaitable[None]] | None = None,
) -> bool:
    """Read the file of that part, which is not inline, on the drive in `slot`; `spend` is told of the bytes
    of each step. Raises `Fault` where the drive does not tell.
    """
    bucket, key = key_name
    shard = shard_of_slot(bucket, key, slot, state.n)
    stripes = stripe_count(part.size, meta.geometry.stripe_bytes)
    at_once = max(1, state.settings.block_stripes_max)
    for first in range(0, stripes, at_once):
        count = min(at_once, stripes - first)
        try:
            reply = await state.drives.read(slot, ShardRead(part.data_id, bucket, key, shard, first, count))
        except Fault as fault:
            if fault.code in _LOST:
                return False
            raise
        if spend is not None:
            await spend(sum(map(len, reply.frames)))
    return True
