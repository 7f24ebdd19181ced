"""Numbers in requests that no drive has a row or a fragment for.

Messages carry integers of 64 bits, SQLite and file offsets have 63. What is beyond is refused here: deeper
down it would be an error of Python's, which no handler expects.
"""

from __future__ import annotations

from rustfs_proto.stamp import STAMP_MAX
from rustfs_proto.wire.drive_ops import Lookup, Scan, SettledRow, ShardRead, Space
from rustfs_proto.wire.faults import Fault, FaultCode
from rustfs_proto.wire.heal_ops import CheckRow, ListRows

_SPACE_MAX = max(Space)
_INDEX_MAX = 1 << 32
"""Stripes of one file: more than any object has bytes for."""


def no_such_row(message: Lookup | Scan) -> Fault | None:
    """Why the request cannot be looked for."""
    if not 0 <= message.space <= _SPACE_MAX:
        return Fault(FaultCode.INVALID, f"space {message.space} does not exist")
    if isinstance(message, Lookup) and not 0 <= message.stamp <= STAMP_MAX:
        return Fault(FaultCode.INVALID, f"stamp {message.stamp} is out of range")
    if message.current and message.space != Space.OBJECT:
        return Fault(FaultCode.INVALID, f"space {message.space} has no current versions")
    return None


def no_such_place(message: ListRows) -> Fault | None:
    """Why no row lies behind that place."""
    if 0 <= message.after.space <= _SPACE_MAX:
        return None
    return Fault(FaultCode.INVALID, f"space {message.after.space} does not exist")


def no_such_version(message: CheckRow) -> Fault | None:
    """Why no version has those files."""
    is_place = 0 <= message.row.space <= _SPACE_MAX and 0 < message.stamp <= STAMP_MAX
    if is_place and 0 <= message.index < _INDEX_MAX:
        return None
    return Fault(FaultCode.INVALID, f"{message.row}, stamp {message.stamp}, frame {message.index}")


def can_be_settled(row: SettledRow) -> bool:
    """Whether there may be such a version. Nobody waits for the answer to a settlement."""
    return 0 <= row.space <= _SPACE_MAX and 0 < row.stamp <= STAMP_MAX


def no_such_fragments(message: ShardRead) -> Fault | None:
    """Why no file has those fragments."""
    if 0 <= message.index < _INDEX_MAX and 0 < message.count < _INDEX_MAX:
        return None
    return Fault(FaultCode.INVALID, f"fragments {message.index} + {message.count} are out of range")
