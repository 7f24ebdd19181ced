"""Blocks of large objects: k fragments of each stripe from shard files, decoded where data shards are
missing.

    StripeRead   one stripe: k drives asked, data shards first, the next drive for each that fails or is slow
    BlockRead    a range of the object: the stripes that it touches, together

A version never changes, so a block needs no quorum: k fragments with the right checksums are the bytes.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import xxhash

from rustfs_node.bus import Reply
from rustfs_node.erasureset.answer import Answer
from rustfs_node.erasureset.state import SetState, codec_of
from rustfs_node.erasureset.versions import ReadableVersion
from rustfs_proto.erasure.geometry import Stretch, fragment_bytes, stretches
from rustfs_proto.erasure.placement import shard_of_slot
from rustfs_proto.objects import Part
from rustfs_proto.wire.drive_ops import ShardFragments, ShardRead
from rustfs_proto.wire.faults import Fault, FaultCode

DAMAGE = frozenset({FaultCode.DAMAGED, FaultCode.NOT_FOUND})
"""Faults of a drive that should have had the fragment: a case for healing."""


class StripeRead:
    """One stripe of one part. `done` is called once, with its bytes or a `Fault`."""

    __slots__ = (
        "_asked", "_done", "_fragments", "_is_done", "_misses", "_open", "_order", "_part", "_size",
        "_state", "_stripe", "_trace", "_version", "_watch",
    )  # fmt: skip

    def __init__(
        self,
        state: SetState,
        version: ReadableVersion,
        part: Part,
        stripe: int,
        stripe_len: int,
        done: Callable[[bytes | Fault], None],
        trace: str = "",
    ) -> None:
        self._state, self._version, self._part, self._stripe = state, version, part, stripe
        self._size, self._done, self._trace = stripe_len, done, trace
        self._order = state.drives.order(version.bucket, version.key)
        self._fragments: dict[int, bytes] = {}
        self._misses: list[FaultCode] = []
        self._asked = self._open = 0
        self._is_done = False

    def start(self) -> None:
        """Ask the k best drives."""
        for _ in range(self._version.meta.geometry.k):
            self._ask_next()
        self._watch = self._state.hedger.watch(self)

    def hedge(self) -> bool:
        """It takes long: ask one more."""
        return self._ask_next()

    def _ask_next(self) -> bool:
        if self._asked == len(self._order):
            return False
        slot = self._order[self._asked]
        self._asked += 1
        self._open += 1
        version = self._version
        shard = shard_of_slot(version.bucket, version.key, slot, len(self._order))
        request = ShardRead(self._part.data_id, version.bucket, version.key, shard, self._stripe)
        self._state.drives.ask_read(slot, request, self._answered, self._trace)
        return True

    def _answered(self, slot: int, answer: Reply | Fault) -> None:
        if self._is_done:
            return
        self._open -= 1
        if isinstance(answer, Fault):
            self._missed(answer.code)
            return
        assert isinstance(answer.message, ShardFragments)
        fragment = self._verified(answer.frames, answer.message.checks)
        if fragment is None:
            self._missed(FaultCode.DAMAGED)
            return
        shard = shard_of_slot(self._version.bucket, self._version.key, slot, len(self._order))
        self._fragments[shard] = fragment
        if len(self._fragments) == self._version.meta.geometry.k:
            self._finish(codec_of(self._version.meta.geometry).decode(self._fragments, self._size))
        else:
            self._end_if_over()

    def _verified(self, frames: tuple[bytes, ...], checks: tuple[bytes, ...]) -> bytes | None:
        """The fragment, if it is one of this stripe and arrived as it was encoded."""
        size = fragment_bytes(self._size, self._version.meta.geometry.k)
        if len(frames) != 1 or len(frames[0]) != size or (xxhash.xxh3_128_digest(frames[0]),) != checks:
            return None
        return frames[0]

    def _missed(self, code: FaultCode) -> None:
        self._misses.append(code)
        if not self._ask_next():
            self._end_if_over()

    def _end_if_over(self) -> None:
        """Every drive was asked, all have answered, and it was not enough."""
        if self._open:
            return
        k = self._version.meta.geometry.k
        if len(self._misses) == len(self._order) and set(self._misses) == {FaultCode.NOT_FOUND}:
            self._finish(Fault(FaultCode.NOT_FOUND, "this version is gone"))
            return
        text = f"{len(self._fragments)} of {k} needed shards of stripe {self._stripe} can be read"
        self._finish(Fault(FaultCode.NO_QUORUM, text))

    def _finish(self, outcome: bytes | Fault) -> None:
        self._is_done = True
        self._watch.clear()
        is_gone = isinstance(outcome, Fault) and outcome.code is FaultCode.NOT_FOUND
        if not is_gone and not DAMAGE.isdisjoint(self._misses):
            self._state.heal_notes.note(self._version.bucket, self._version.key)
        self._done(outcome)


async def read_stripe(
    state: SetState, version: ReadableVersion, part: Part, stripe: int, stripe_len: int, trace: str = ""
) -> bytes:
    """`StripeRead` for a task. Raises `Fault`."""
    answered: Answer[bytes | Fault] = Answer()
    StripeRead(state, version, part, stripe, stripe_len, answered.set, trace).start()
    outcome = await answered.wait()
    if isinstance(outcome, Fault):
        raise outcome
    return outcome


class BlockRead:
    """A range of a version, at most a stripe long: it may touch the end of one stripe and the beginning of
    the next.

    `done` is called once, with the bytes or a `Fault`. All stripes touched are read together.
    """

    __slots__ = ("_done", "_is_done", "_left", "_pieces", "_state")

    def __init__(self, state: SetState, done: Callable[[bytes | Fault], None]) -> None:
        self._state, self._done = state, done
        self._pieces: list[bytes] = []
        self._left = 0
        self._is_done = False

    def start(self, version: ReadableVersion, offset: int, length: int, trace: str = "") -> None:
        """Read bytes `offset` to `offset + length - 1`; at least one."""
        meta = version.meta
        touched = list(stretches(meta.parts, meta.geometry.stripe_bytes, offset, length))
        self._pieces = [b""] * len(touched)
        self._left = len(touched)
        for index, stretch in enumerate(touched):
            done = self._piece_done(index, stretch)
            part = meta.parts[stretch.part]
            StripeRead(self._state, version, part, stretch.stripe, stretch.stripe_len, done, trace).start()

    def _piece_done(self, index: int, stretch: Stretch) -> Callable[[bytes | Fault], None]:
        def done(outcome: bytes | Fault) -> None:
            if self._is_done:
                return
            if isinstance(outcome, Fault):
                self._is_done = True
                self._done(outcome)
                return
            is_whole = stretch.end - stretch.first == len(outcome)
            self._pieces[index] = outcome if is_whole else outcome[stretch.first : stretch.end]
            self._left -= 1
            if not self._left:
                self._is_done = True
                self._done(_joined(self._pieces))

        return done


def _joined(pieces: Sequence[bytes]) -> bytes:
    return pieces[0] if len(pieces) == 1 else b"".join(pieces)
