"""Blocks of large objects: k fragments of each stripe from shard files, decoded where data shards are
missing.

    RunRead      stripes that follow each other in a part: k drives asked, data shards first, each for all its
                 fragments at once; the next drive for each that fails or is slow
    BlockRead    a range of the object: the stripes that it touches, together

A version never changes, so a block needs no quorum: k fragments with the right checksums are the bytes.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from itertools import chain, groupby
from operator import attrgetter
from typing import Generic, TypeVar

import xxhash

from rustfs_node.bus import Reply
from rustfs_node.erasureset.state import SetState, codec_of
from rustfs_node.erasureset.versions import ReadableVersion
from rustfs_proto.erasure.codec import Codec
from rustfs_proto.erasure.geometry import fragment_bytes, stretches
from rustfs_proto.erasure.placement import shard_of_slot
from rustfs_proto.objects import Part
from rustfs_proto.wire.drive_ops import ShardFragments, ShardRead
from rustfs_proto.wire.faults import Fault, FaultCode

T = TypeVar("T")
Pieces = list[bytes]
"""Of each stripe of a run what is wanted."""

Wanted = Callable[[Codec, Mapping[int, bytes], int], bytes]
"""Makes that of k fragments of a stripe, by shard, and the stripe's length."""

DAMAGE = frozenset({FaultCode.DAMAGED, FaultCode.NOT_FOUND})
"""Faults of a drive that should have had the fragment: a case for healing."""


class RunRead:
    """Stripes `first` to `first + len(sizes) - 1` of one part, of so many bytes each. `done` is called once,
    with what is `wanted` of each, its bytes or something else that k fragments tell, or with a `Fault`.

    A drive of which any fragment is missing or wrong counts as one that failed. Where so many fail that the
    run cannot be read, its stripes are read one by one: each may have other drives to read it from.
    """

    __slots__ = (
        "_asked", "_done", "_first", "_fragments", "_is_done", "_misses", "_open", "_order", "_part",
        "_sizes", "_state", "_trace", "_version", "_wanted", "_watch",
    )  # fmt: skip

    def __init__(
        self,
        state: SetState,
        version: ReadableVersion,
        part: Part,
        first: int,
        sizes: Sequence[int],
        done: Callable[[Pieces | Fault], None],
        trace: str = "",
        wanted: Wanted = Codec.decode,
    ) -> None:
        self._state, self._version, self._part, self._first = state, version, part, first
        self._sizes, self._done, self._trace, self._wanted = sizes, done, trace, wanted
        self._order = state.drives.order(version.bucket, version.key)
        self._fragments: dict[int, tuple[bytes, ...]] = {}
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
        request = ShardRead(
            self._part.data_id, version.bucket, version.key, shard, self._first, len(self._sizes)
        )
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
        if not self._are_right(answer.frames, answer.message.checks):
            self._missed(FaultCode.DAMAGED)
            return
        shard = shard_of_slot(self._version.bucket, self._version.key, slot, len(self._order))
        self._fragments[shard] = answer.frames
        if len(self._fragments) == self._version.meta.geometry.k:
            self._finish(self._pieces())
        else:
            self._end_if_over()

    def _are_right(self, frames: tuple[bytes, ...], checks: tuple[bytes, ...]) -> bool:
        """Whether these are the fragments of the run's stripes, arrived as they were encoded."""
        k = self._version.meta.geometry.k
        return (
            len(frames) == len(checks) == len(self._sizes)
            and all(
                len(frame) == fragment_bytes(size, k) for frame, size in zip(frames, self._sizes, strict=True)
            )
            and all(
                xxhash.xxh3_128_digest(frame) == check for frame, check in zip(frames, checks, strict=True)
            )
        )

    def _pieces(self) -> Pieces:
        codec = codec_of(self._version.meta.geometry)
        return [
            self._wanted(codec, {shard: frames[number] for shard, frames in self._fragments.items()}, size)
            for number, size in enumerate(self._sizes)
        ]

    def _missed(self, code: FaultCode) -> None:
        self._misses.append(code)
        if not self._ask_next():
            self._end_if_over()

    def _end_if_over(self) -> None:
        """Every drive was asked, all have answered, and it was not enough."""
        if self._open:
            return
        k = self._version.meta.geometry.k
        if len(self._sizes) > 1:
            self._read_one_by_one()
        elif len(self._misses) == len(self._order) and set(self._misses) == {FaultCode.NOT_FOUND}:
            self._finish(Fault(FaultCode.NOT_FOUND, "this version is gone"))
        else:
            text = f"{len(self._fragments)} of {k} needed shards of stripe {self._first} can be read"
            self._finish(Fault(FaultCode.NO_QUORUM, text))

    def _read_one_by_one(self) -> None:
        self._is_done = True
        self._watch.clear()
        self._fragments.clear()
        together = _Together[Pieces](len(self._sizes), self._joined)
        for number, size in enumerate(self._sizes):
            at, done = self._first + number, together.piece(number)
            RunRead(
                self._state, self._version, self._part, at, (size,), done, self._trace, self._wanted
            ).start()

    def _joined(self, outcome: list[Pieces] | Fault) -> None:
        self._done(outcome if isinstance(outcome, Fault) else list(chain.from_iterable(outcome)))

    def _finish(self, outcome: Pieces | Fault) -> None:
        self._is_done = True
        self._watch.clear()
        self._state.degraded_reads += bool(self._misses)
        is_gone = isinstance(outcome, Fault) and outcome.code is FaultCode.NOT_FOUND
        if not is_gone and not DAMAGE.isdisjoint(self._misses):
            self._state.heal_notes.note(self._version.bucket, self._version.key)
        self._done(outcome)


class _Together(Generic[T]):
    """Pieces that are read side by side: `done` is called once, with all of them or the first `Fault`."""

    __slots__ = ("_done", "_is_done", "_left", "_pieces")

    def __init__(self, count: int, done: Callable[[list[T] | Fault], None]) -> None:
        self._pieces: dict[int, T] = {}
        self._left, self._done, self._is_done = count, done, False

    def piece(self, number: int) -> Callable[[T | Fault], None]:
        """Takes what becomes of that piece."""

        def done(outcome: T | Fault) -> None:
            if self._is_done:
                return
            if isinstance(outcome, Fault):
                self._is_done = True
                self._done(outcome)
                return
            self._pieces[number] = outcome
            self._left -= 1
            if not self._left:
                self._is_done = True
                self._done([self._pieces[index] for index in range(len(self._pieces))])

        return done


class BlockRead:
    """A range of a version: the stripes that it touches, which may lie in several parts.

    `done` is called once, with the bytes or a `Fault`. All stripes touched are read together.
    """

    __slots__ = ("_done", "_state")

    def __init__(self, state: SetState, done: Callable[[bytes | Fault], None]) -> None:
        self._state, self._done = state, done

    def start(self, version: ReadableVersion, offset: int, length: int, trace: str = "") -> None:
        """Read bytes `offset` to `offset + length - 1`; at least one."""
        meta = version.meta
        touched = stretches(meta.parts, meta.geometry.stripe_bytes, offset, length)
        runs = [[*run] for _, run in groupby(touched, key=attrgetter("part"))]
        cuts: list[slice | None] = []
        together = _Together[Pieces](len(runs), partial(self._joined, cuts))
        for number, run in enumerate(runs):
            sizes = [stretch.stripe_len for stretch in run]
            # Of the first stripe the beginning may be unwanted, of the last one the end.
            end = sum(sizes[:-1]) + run[-1].end
            is_whole = run[0].first == 0 and end == sum(sizes)
            cuts.append(None if is_whole else slice(run[0].first, end))
            part = meta.parts[run[0].part]
            done = together.piece(number)
            RunRead(self._state, version, part, run[0].stripe, sizes, done, trace).start()

    def _joined(self, cuts: Sequence[slice | None], outcome: list[Pieces] | Fault) -> None:
        if isinstance(outcome, Fault):
            self._done(outcome)
            return
        runs = map(_joined, outcome)
        self._done(_joined([run if cut is None else run[cut] for run, cut in zip(runs, cuts, strict=True)]))


def _joined(pieces: Sequence[bytes]) -> bytes:
    return pieces[0] if len(pieces) == 1 else b"".join(pieces)
