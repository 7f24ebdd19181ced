"""How long a version's shard files must be, for those who read them without being asked.

A file tells nothing of its end: one that was cut between two frames is whole as far as it goes. How many it
must have is told by the record.
"""

from __future__ import annotations

from rustfs_proto.erasure.geometry import stripe_count
from rustfs_proto.objects import INLINE, decode_meta
from rustfs_proto.wire.envelope import UNREADABLE


def stripes_of(raw_meta: bytes) -> dict[bytes, int]:
    """Of each shard file that the metadata names, by its data id, how many frames a drive must have."""
    try:
        meta = decode_meta(raw_meta)
    except UNREADABLE:
        # Tombstones have none, and what a later release writes is judged by that release.
        return {}
    return {
        part.data_id: stripe_count(part.size, meta.geometry.stripe_bytes)
        for part in meta.parts
        if part.data_id != INLINE
    }
