"""What a batch refuses because of the slots of its set, by the charter that holds when a commit's turn comes:
a charter in the batch holds for what follows it there.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import chain

import attrs

from rustfs_node.drive.index import Index
from rustfs_node.drive.renames import KeyName
from rustfs_node.drive.slots import is_charter, read_charter
from rustfs_proto.erasure.charter import Charter
from rustfs_proto.wire.drive_ops import Commit
from rustfs_proto.wire.faults import Fault, FaultCode


@attrs.define
class SlotRules:
    """The charter of the moment: the drive's, or one that the batch brings."""

    index: Index
    _stamp: int = attrs.field(init=False)
    _charter: Charter | None = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        self._stamp, self._charter = self.index.slots.stamp, self.index.slots.charter

    def refuse(self, commit: Commit, opened: Iterable[KeyName]) -> Fault | None:
        """Why the commit may not be; `opened` are keys at which the batch opens renames."""
        if is_charter(commit):
            return self._refuse_charter(commit, opened)
        return self.index.slots.refuse(commit, self._charter, self._stamp)

    def _refuse_charter(self, commit: Commit, opened: Iterable[KeyName]) -> Fault | None:
        charter = read_charter(commit.meta)
        if charter is None:
            return Fault(FaultCode.INVALID, "the charter cannot be read")
        met = self.index.slots.frozen_among(charter, chain(self.index.renames.names(), opened))
        return None if met is None else Fault(FaultCode.UNRESOLVED, "a rename is open in a slot to be frozen")

    def accepted(self, commit: Commit) -> None:
        """It will be."""
        if is_charter(commit):
            self._stamp, self._charter = commit.stamp, read_charter(commit.meta)

    def applied(self, commits: Sequence[Commit]) -> None:
        """They are durable."""
        slots = self.index.slots
        slots.take(self._stamp, self._charter)
        for commit in commits:
            slots.note_change(commit)
