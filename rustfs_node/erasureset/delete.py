"""Delete: a tombstone for each key that has a current version.

A tombstone is a version like any other, without bytes. It goes to all drives, and they keep it until all have
it: a drive that was away must not bring the key back. Keys of one request are removed side by side, a bounded
number at a time.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence

from rustfs_node.bus import Request
from rustfs_node.erasureset.row_read import RowRead, barred_by
from rustfs_node.erasureset.state import SetState
from rustfs_node.erasureset.write import RowWrite
from rustfs_proto.erasure.decide import Decision, Verdict
from rustfs_proto.wire.drive_ops import Commit, LookedUp, Lookup, RowKind, RowState, Space
from rustfs_proto.wire.faults import Fault
from rustfs_proto.wire.set_ops import Delete, Deleted

OnRemoved = Callable[[int | Fault], None]
"""Takes the stamp of the tombstone (0: nothing was there) or the fault."""


class BatchDelete:
    """The keys of one request that expects nothing of them."""

    def __init__(self, state: SetState, request: Request, message: Delete) -> None:
        self._state, self._request, self._message = state, request, message
        self._outcomes: list[int | Fault] = [0] * len(message.keys)
        self._left = len(message.keys)
        self._waiting: Iterator[int] = iter(range(len(message.keys)))

    def start(self) -> None:
        """Begin with as many keys as may be under way together."""
        if not self._left:
            self._request.reply(Deleted((), ()))
        for _ in range(min(self._left, self._state.settings.delete_concurrency)):
            self._begin_next()

    def _begin_next(self) -> None:
        index = next(self._waiting, None)
        if index is None:
            return

        def removed(outcome: int | Fault) -> None:
            self._outcomes[index] = outcome
            self._left -= 1
            self._begin_next()
            if not self._left:
                self._answer()

        RowRemoval(
            self._state, Space.OBJECT, self._message.bucket, self._message.keys[index], b"", removed
        ).start(self._request.trace)

    def _answer(self) -> None:
        self._request.reply(deleted_of(self._outcomes))


def deleted_of(outcomes: Sequence[int | Fault]) -> Deleted:
    """The answer to a `Delete`, from what became of each key."""
    stamps = tuple(0 if isinstance(outcome, Fault) else outcome for outcome in outcomes)
    faults = tuple(outcome.code.value if isinstance(outcome, Fault) else "" for outcome in outcomes)
    return Deleted(stamps, faults)


class RowRemoval:
    """One row: looked up, and given a tombstone if there may be something. Tries again above a
    newer version. `spared` are slots that get no tombstone. `mover` as in `Commit`.
    """

    __slots__ = (
        "_lookup", "_mover", "_removed", "_retries_left", "_row_write", "_spared", "_stamp", "_state",
        "_trace",
    )  # fmt: skip

    def __init__(
        self,
        state: SetState,
        space: Space,
        bucket: str,
        key: bytes,
        sub: bytes,
        removed: OnRemoved,
        spared: Collection[int] = (),
        mover: bytes = b"",
    ) -> None:
        self._state, self._removed, self._spared, self._mover = state, removed, spared, mover
        self._lookup = Lookup(space, bucket, key, sub, want_inline=False, mover=mover)
        self._retries_left = state.settings.retries

    def start(self, trace: str = "", *, known_stamp: int = 0) -> None:
        """Look whether there is something to remove; not needed where a version is known to be there."""
        self._trace = trace
        if known_stamp:
            self._bury(above=known_stamp)
            return
        RowRead(self._state, self._lookup, self._looked, trace).start()

    def _looked(self, read: RowRead) -> None:
        decision = read.decision
        assert decision is not None
        if decision.verdict is Verdict.BARRED:
            self._removed(read.barred())
        elif decision.verdict is Verdict.ABSENT and not decision.complete_on and not self._is_thin(decision):
            self._make_sure(read, decision.stamp)
        else:
            # A version that cannot be read can be removed all the same: the tombstone is newer than whatever
            # it was.
            self._bury(above=max(read.newest_seen, decision.stamp))

    def _make_sure(self, read: RowRead, decided: int) -> None:
        """Readers find nothing. But a write that nobody acknowledged may be on a drive that was not asked or
        is away, and must not come up after this: only when no drive has it there is nothing to do.
        """

        def heard(seen: Sequence[LookedUp], is_complete: bool) -> None:
            newest = max((looked_up.stamp for looked_up in seen), default=0)
            is_damaged = any(looked_up.state == RowState.DAMAGED for looked_up in seen)
            barred = barred_by(seen)
            if barred is not None:
                self._removed(barred)
                return
            if is_complete and not is_damaged and newest <= decided:
                self._removed(0)
            else:
                self._bury(above=max(newest, decided))

        read.hear_all(heard)

    def _is_thin(self, decision: Decision) -> bool:
        """Whether what hides the row is a tombstone on fewer drives than acknowledge one: drives that are
        away now may bring back what it hides.
        """
        return 0 < len(decision.slots) < self._state.write_quorum

    def _bury(self, above: int) -> None:
        lookup = self._lookup
        self._stamp = self._state.new_stamp(above)
        tombstone = Commit(
            lookup.space,
            lookup.bucket,
            lookup.key,
            self._stamp,
            RowKind.TOMBSTONE,
            lookup.sub,
            mover=self._mover,
        )
        self._row_write = RowWrite(self._state, self._state.geometry, self._buried)
        slots = range(self._state.n)
        self._row_write.start(
            [None if slot in self._spared else tombstone for slot in slots], trace=self._trace
        )

    def _buried(self, fault: Fault | None) -> None:
        newer = self._row_write.newest_seen if fault is not None else 0
        if newer and self._retries_left:
            self._retries_left -= 1
            self._bury(above=newer)
        else:
            self._removed(self._stamp if fault is None else fault)
