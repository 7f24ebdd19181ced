"""How a call over the bus can fail.

A fault is a code from this table, a sentence for a person, and the few numbers that a caller decides by.
Faults are values: they travel in replies and are raised by whoever asked. Nothing here knows S3; the acceptor
has the one table that turns a fault into an S3 error.
"""

from __future__ import annotations

from enum import StrEnum

import attrs


class FaultCode(StrEnum):
    """Why a call failed. The comment says what the caller knows of the effect."""

    STALE = "stale"  # not applied: a newer version is there, `newest` has its stamp
    CONFLICT = "conflict"  # not applied: the expected version is not the current one, `newest` has its stamp
    NOT_FOUND = "not_found"  # not applied: no such key, version, upload, handle or shard file
    DAMAGED = "damaged"  # not applied: what is there fails its checksum or is another's
    FULL = "full"  # not applied: the drive keeps its last bytes for deletes and heal
    FULL_UNKNOWN = "full_unknown"  # unknown: too few drives have room, but some may have taken it
    DRIVE_FAULT = "drive_fault"  # unknown: an I/O error; the drive is fenced
    NO_QUORUM = "no_quorum"  # unknown: fewer drives than the quorum answered well
    EXPIRED = "expired"  # not applied: the deadline had passed before work began
    TIMEOUT = "timeout"  # unknown: no answer by the deadline
    PEER_DOWN = "peer_down"  # unknown: the peer is not there, or went away before it answered
    OVERLOADED = "overloaded"  # not applied: a bounded queue is full
    INVALID = "invalid"  # not applied: the message breaks a rule of its operation
    UNKNOWN_OP = "unknown_op"  # not applied: the peer does not know this operation
    INTERNAL = "internal"  # unknown: a bug, the log of the peer has the traceback
    INVALID_PART = "invalid_part"  # not applied: a part named in a completion is absent or differs
    INVALID_PART_ORDER = "invalid_part_order"  # not applied: part numbers do not rise
    PART_TOO_SMALL = "part_too_small"  # not applied: a part before the last is below the least size
    LOCKED = "locked"  # not applied: the version's lock forbids it
    UNRESOLVED = "unresolved"  # not applied: a rename is open at the key or in the bucket, to be ended first
    UNRESOLVED_UNKNOWN = "unresolved_unknown"  # unknown: the same, but some drives may have taken it
    MOVED = "moved"  # not applied: the slot of the key moves to another set, or has moved there
    MOVED_UNKNOWN = "moved_unknown"  # unknown: the same, but some drives may have taken it


NOT_APPLIED = frozenset(
    {
        FaultCode.STALE,
        FaultCode.CONFLICT,
        FaultCode.NOT_FOUND,
        FaultCode.DAMAGED,
        FaultCode.FULL,
        FaultCode.EXPIRED,
        FaultCode.OVERLOADED,
        FaultCode.INVALID,
        FaultCode.UNKNOWN_OP,
        FaultCode.INVALID_PART,
        FaultCode.INVALID_PART_ORDER,
        FaultCode.PART_TOO_SMALL,
        FaultCode.LOCKED,
        FaultCode.UNRESOLVED,
        FaultCode.MOVED,
    }
)
"""After these nothing has changed, so the caller may try again blindly; after any other the effect is
unknown.
"""


OPEN_RENAME = frozenset({FaultCode.UNRESOLVED, FaultCode.UNRESOLVED_UNKNOWN})
"""The call may be made again once the rename has ended."""


@attrs.define(auto_exc=True, str=False)
class Fault(Exception):
    """A failed call: raised by the one who asked, a value in the reply of the one who answers. `is_unsent`:
    it never left this process, which is not told to anybody else.
    """

    code: FaultCode
    message: str
    newest: int = 0
    is_unsent: bool = False

    def __str__(self) -> str:
        return f"{self.code}: {self.message}"

    @property
    def not_applied(self) -> bool:
        """True when the call certainly changed nothing."""
        return self.is_unsent or self.code in NOT_APPLIED
