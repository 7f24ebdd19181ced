"""How a drive stands to a version, in words for an operator."""

from __future__ import annotations

from rustfs_proto.wire.drive_ops import LookedUp, RowState

WHOLE = "whole"
MISSING = "missing"
UNKNOWN = "missing, being rebuilt"
OLDER = "an older version"
NEWER = "a newer version"
RECORD_DAMAGED = "record damaged"
FILE_MISSING = "shard file missing"
FILE_DAMAGED = "shard file damaged"
NO_ANSWER = "no answer"


def state_of(found: LookedUp, stamp: int) -> str:
    """How a drive that found this as its newest version stands to the one of that stamp; its shard files are
    taken for what the drive says of them.
    """
    if found.stamp > stamp:
        return NEWER
    if found.stamp < stamp:
        absent = MISSING if found.evidence else UNKNOWN
        return OLDER if found.stamp else absent
    if found.state == RowState.DAMAGED:
        return RECORD_DAMAGED
    return FILE_MISSING if found.no_files else WHOLE
