"""The charter of the set as its worker knows it.

It is an object of the set, written by whoever moves slots with the conditional writes that any object has. A
worker needs it to list only what is at home here; everything else is compared by the drives. What is known
here may be old: drives tell the stamp of theirs with each page, and where that is another it is read again.
"""

from __future__ import annotations

import attrs

from rustfs_node.erasureset.resolve import resolve
from rustfs_node.erasureset.row_read import has_moved
from rustfs_node.erasureset.state import SetState
from rustfs_node.erasureset.version import version_of
from rustfs_proto.erasure.charter import CHARTER_KEY, Charter, CharterError, charter_of, pack_slots
from rustfs_proto.erasure.decide import Verdict
from rustfs_proto.s3.names import SYSTEM_BUCKET, is_of_set
from rustfs_proto.wire.drive_ops import Lookup, Space
from rustfs_proto.wire.faults import Fault, FaultCode


@attrs.frozen
class KnownCharter:
    """`stamp` is that of its version, 0 where there is none; `packed` are the slots that it owns."""

    stamp: int = 0
    charter: Charter | None = None
    packed: bytes = b""

    def has(self, bucket: str, key: bytes) -> bool:
        """Whether the key is at home in the set."""
        if self.charter is None or is_of_set(bucket, key):
            return True
        return self.charter.owns(self.charter.slot_of(bucket, key))


async def healing_for(state: SetState, bucket: str, key: bytes) -> bytes:
    """On whose behalf a key is healed that is at home in another set, or about to be in this one: on the
    mover's, as its copies have to be on as many drives as anything else. Raises `Fault` MOVED where the slot
    is owned after all.
    """
    known = await read_charter(state, "")
    if known.charter is None or known.charter.owns(known.charter.slot_of(bucket, key)):
        raise has_moved()
    return known.charter.mover


async def read_charter(state: SetState, trace: str) -> KnownCharter:
    """The charter as the drives have it now. Raises `Fault`."""
    read = await resolve(state, Lookup(Space.OBJECT, SYSTEM_BUCKET, CHARTER_KEY, want_inline=False), trace)
    assert read.decision is not None
    if read.decision.verdict is not Verdict.ABSENT:
        version = await version_of(state, read, trace)
        try:
            charter = charter_of(version.meta.user)
        except CharterError as error:
            raise Fault(FaultCode.DAMAGED, str(error)) from error
        if version.stamp > state.charter.stamp:
            state.charter = KnownCharter(version.stamp, charter, pack_slots(charter.owned()))
    return state.charter
