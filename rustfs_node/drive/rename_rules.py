"""What a batch refuses because of renames.

Compared drive by drive, as every condition is: a key at which a rename is open does not change but on behalf
of it, and a rename that has ended is never opened again. That both hold on each drive by itself is all that
its being in one step rests on.
"""

from __future__ import annotations

import attrs

from rustfs_node.drive.index import Index
from rustfs_node.drive.renames import KeyName
from rustfs_proto.wire.drive_ops import RENAME_ID_BYTES, Commit, RowKind, Space
from rustfs_proto.wire.faults import Fault, FaultCode


@attrs.define
class RenameRules:
    """What a batch refuses because of renames: those that were open before, and those that it opens or ends.

    What it ends counts as open until the next batch.
    """

    index: Index
    open_max: int
    _opened: dict[KeyName, bytes] = attrs.field(factory=dict)
    _ended: set[tuple[KeyName, bytes]] = attrs.field(factory=set)

    @property
    def opened(self) -> tuple[KeyName, ...]:
        """Keys at which this batch opens renames."""
        return tuple(self._opened)

    def refuse(self, commit: Commit) -> Fault | None:
        """Why the commit may not be."""
        if commit.mover:
            # Where it may work no rename is open on a write quorum.
            return None
        if commit.space == Space.OBJECT:
            return self._refuse_change(commit, commit.rename)
        if commit.space != Space.RENAME or commit.kind == RowKind.TOMBSTONE:
            return None
        name = (commit.bucket, commit.key)
        if len(commit.sub) != RENAME_ID_BYTES:
            return Fault(FaultCode.INVALID, f"the id of a rename has {RENAME_ID_BYTES} bytes")
        here = self.index.versions((commit.space, commit.bucket, commit.key, commit.sub))
        if (name, commit.sub) in self._ended or any(row.kind == RowKind.TOMBSTONE for row in here):
            return Fault(FaultCode.NOT_FOUND, "this rename has ended and is not opened again")
        if self.index.renames.count + len(self._opened) >= self.open_max:
            return Fault(FaultCode.OVERLOADED, f"{self.open_max} renames are open: try again later")
        return self._refuse_change(commit, commit.sub)

    def _refuse_change(self, commit: Commit, aside: bytes) -> Fault | None:
        opened = self._opened and self._opened.get((commit.bucket, commit.key))
        if (opened and opened != aside) or self.index.renames.is_open(commit.bucket, commit.key, aside):
            return Fault(FaultCode.UNRESOLVED, "a rename is open at this key")
        return None

    def accepted(self, commit: Commit) -> None:
        """It will be."""
        if commit.space != Space.RENAME:
            return
        name = (commit.bucket, commit.key)
        if commit.kind == RowKind.TOMBSTONE:
            self._ended.add((name, commit.sub))
        else:
            self._opened[name] = commit.sub
