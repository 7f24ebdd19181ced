"""A small object's way onto the drives.

    SmallPut        an object of at most one stripe, whatever is there
    inline_commits  encodes it: one commit and one fragment for each drive
    RowWrite        one version of one row: asks all drives to commit it and counts who has

`RowWrite` is the only place that sends commits of rows clients see: objects of any size, parts, uploads and
tombstones all go through it. Everything here is a callback of the bus. Nothing awaits, so a PUT costs no
task, and all that becomes ready in one turn leaves in one message to each drive.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence

import trio
import xxhash

from rustfs_node.bus import Reply, Request
from rustfs_node.erasureset.answer import Answer
from rustfs_node.erasureset.state import SetState, codec_of
from rustfs_node.erasureset.target import Target, target_of
from rustfs_proto.erasure.geometry import quorum_of
from rustfs_proto.erasure.placement import first_slot, shard_of_slot
from rustfs_proto.erasure.writes import Tally, WriteState, failure
from rustfs_proto.objects import INLINE, Geometry, ObjectHead, ObjectMeta, Part, encode_head, encode_meta
from rustfs_proto.wire.drive_ops import Commit, Committed, RowKind, Space
from rustfs_proto.wire.faults import Fault, FaultCode
from rustfs_proto.wire.set_ops import ANY_STAMP, ObjectInfo, PutDone, PutSmall


class RowWrite:
    """One version on its way to all drives. `geometry` is what its metadata says, or where it has none the
    set's. `commits` and `frames` are by slot; a slot without a commit is left out.

    `done` is called once: with None when a write quorum has the version on stable storage, else with the
    fault. Drives that answer later are still counted, for settling and healing. `shards_needed` is how many
    drives must hold each shard file (default: the quorum); those in `fresh` the quorum in any case. With a
    `quorum` of its own it claims the place of the version and acknowledges nothing.
    """

    __slots__ = (
        "_commit",
        "_done",
        "_is_claim",
        "_is_decided",
        "_is_marked",
        "_is_settled",
        "_is_watched",
        "_replaced",
        "_state",
        "_tally",
    )

    def __init__(
        self,
        state: SetState,
        geometry: Geometry,
        done: Callable[[Fault | None], None],
        shards_needed: int | None = None,
        fresh: Collection[bytes] = (),
        quorum: int | None = None,
    ) -> None:
        self._state = state
        self._done: Callable[[Fault | None], None] | None = done
        needed = quorum or quorum_of(geometry)
        self._tally = Tally(state.n, needed, needed if shards_needed is None else shards_needed, fresh=fresh)
        if not state.is_alone:
            # Reads of other workers do not wait for this write: what they find of it they give to others.
            self._tally.shown_by = geometry.k
        self._is_claim = quorum is not None
        self._is_decided = self._is_settled = self._replaced = False

    def start(
        self,
        commits: Sequence[Commit | None],
        frames: Sequence[tuple[bytes, ...]] | None = None,
        trace: str = "",
    ) -> None:
        """Send the commits, in this turn of the bus."""
        self._commit = next(commit for commit in commits if commit is not None)
        # Reads and conditional writes of objects look at what is under way; other rows have no such readers.
        self._is_watched = self._commit.space == Space.OBJECT
        self._is_marked = self._is_watched and self._state.settler.marks
        if self._commit.kind == RowKind.TOMBSTONE and not self._state.is_alone:
            self._tally.shown_by = 1
        if self._is_watched:
            self._state.under_way.begin((self._commit.bucket, self._commit.key))
        ask = self._state.drives.ask_write
        for slot, commit in enumerate(commits):
            if commit is not None:
                ask(slot, commit, frames[slot] if frames else (), self._answered, trace)
        for _ in range(sum(commit is None for commit in commits)):
            self._tally.faults.append(Fault(FaultCode.PEER_DOWN, "left out of this write", is_unsent=True))

    def _answered(self, slot: int, answer: Reply | Fault) -> None:
        tally = self._tally
        if isinstance(answer, Fault):
            tally.faults.append(answer)
            if answer.code is FaultCode.MOVED:
                self._state.charter_wanted.set()
        else:
            committed = answer.message
            assert isinstance(committed, Committed)
            self._replaced |= committed.replaced
            tally.commit(committed.missing)
        if not self._is_decided and (write_state := tally.state) is not WriteState.PENDING:
            self._decided(write_state)
        if self._is_decided and (self._replaced or self._is_marked or self._commit.kind == RowKind.TOMBSTONE):
            self._settle()
        if tally.is_finished and tally.committed and (tally.faults or tally.gaps) and not self._is_claim:
            self._state.heal_notes.note(self._commit.bucket, self._commit.key)

    def _decided(self, write_state: WriteState) -> None:
        self._is_decided = True
        if self._is_watched:
            self._state.under_way.end((self._commit.bucket, self._commit.key))
        # Whoever waits holds this object; holding them in turn would keep the body until the garbage
        # collector comes.
        done, self._done = self._done, None
        assert done is not None
        # From here on the version is acknowledged: a write quorum has fsynced it.
        done(None if write_state is WriteState.ACKNOWLEDGED else failure(self._tally))

    def _settle(self) -> None:
        """Let drives drop what this version replaced; a tombstone itself may go once all drives have it."""
        if self._is_claim or self._tally.state is not WriteState.ACKNOWLEDGED:
            return
        if not self._is_settled:
            self._is_settled = True
            self._state.settler.add(self._commit, complete=False)
        if self._commit.kind == RowKind.TOMBSTONE and self._tally.committed == self._state.n:
            self._state.settler.add(self._commit, complete=True)

    @property
    def newest_seen(self) -> int:
        """The newest version that drives refused this one for, where it may be tried again above that; else
        0.
        """
        return self._tally.newest_seen

    @property
    def stamp(self) -> int:
        """The stamp of the version."""
        return self._commit.stamp

    @property
    def sub(self) -> bytes:
        """Which version of the key it is."""
        return self._commit.sub


class WatchedWrite(RowWrite):
    """A `RowWrite` that also tells, beyond the quorum, which drives have committed the version, and the
    newest stamp of those that had another one than they were to expect.
    """

    __slots__ = ("_commits", "_finished", "_frames", "committed_slots", "conflicts")

    def __init__(
        self,
        state: SetState,
        geometry: Geometry,
        done: Callable[[Fault | None], None],
        shards_needed: int | None = None,
        fresh: Collection[bytes] = (),
        quorum: int | None = None,
    ) -> None:
        super().__init__(state, geometry, done, shards_needed, fresh, quorum)
        self._finished = trio.Event()
        self.committed_slots: set[int] = set()
        self.conflicts: dict[int, int] = {}

    def start(
        self,
        commits: Sequence[Commit | None],
        frames: Sequence[tuple[bytes, ...]] | None = None,
        trace: str = "",
    ) -> None:
        self._commits, self._frames = commits, frames
        super().start(commits, frames, trace)

    def sent(self, slot: int) -> tuple[Commit, tuple[bytes, ...]]:
        """What a drive that took part was given."""
        commit = self._commits[slot]
        assert commit is not None, slot
        return commit, self._frames[slot] if self._frames else ()

    def _answered(self, slot: int, answer: Reply | Fault) -> None:
        if not isinstance(answer, Fault):
            self.committed_slots.add(slot)
        elif answer.code is FaultCode.CONFLICT:
            self.conflicts[slot] = answer.newest
        super()._answered(slot, answer)
        if self._tally.is_finished:
            self._finished.set()

    async def finished(self, wait_s: float) -> None:
        """Wait until every drive has answered, or that long."""
        with trio.move_on_after(wait_s):
            await self._finished.wait()


class SmallPut:
    """An inline object, whatever is there: one round trip to all drives."""

    __slots__ = (
        "_body", "_geometry", "_message", "_request", "_retries_left", "_row_write", "_stamp", "_state",
        "_sub",
    )  # fmt: skip

    def __init__(self, state: SetState, request: Request, message: PutSmall, body: bytes) -> None:
        self._state, self._request, self._message, self._body = state, request, message, body
        self._geometry = state.geometry_of(message.info.storage_class)
        self._retries_left = state.settings.retries

    def start(self) -> None:
        """Take the body's memory and send it."""
        self._state.memory.take(len(self._body), self._request.deadline, self._begin)

    def _begin(self, fault: Fault | None) -> None:
        if fault is not None:
            self._request.fail(fault)
        else:
            self._send(above=0)

    def _send(self, above: int) -> None:
        state, message = self._state, self._message
        self._stamp = state.new_stamp(above)
        target = target_of(state, message.bucket, message.key, message.versioning, self._stamp)
        commits, frames = inline_commits(state, self._geometry, target, self._stamp, message.info, self._body)
        self._sub = target.sub
        self._row_write = RowWrite(state, self._geometry, self._done)
        self._row_write.start(commits, frames, self._request.trace)

    def _done(self, fault: Fault | None) -> None:
        newer = self._row_write.newest_seen if fault is not None else 0
        if newer and self._retries_left:
            self._retries_left -= 1
            self._send(above=newer)
            return
        self._state.memory.give_back(len(self._body))
        if fault is None:
            self._request.reply(PutDone(self._stamp, self._sub))
        else:
            self._request.fail(fault)


def head_of(info: ObjectInfo, size_bytes: int) -> ObjectHead:
    """What a listing shows of a new object, as its writer says."""
    return ObjectHead(
        size_bytes,
        info.etag,
        info.storage_class,
        modified_ms=info.modified_ms,
        checksum_algorithm=next(iter(info.checksums), ""),
        checksum_type=info.checksum_type,
    )


def meta_of(geometry: Geometry, parts: tuple[Part, ...], info: ObjectInfo) -> ObjectMeta:
    """What a new object carries beside its bytes, as its writer says."""
    return ObjectMeta(
        geometry,
        parts,
        info.headers,
        info.user,
        info.checksums,
        info.checksum_type,
        info.tags,
        lock=info.lock,
    )


def inline_commits(
    state: SetState,
    geometry: Geometry,
    target: Target,
    stamp: int,
    info: ObjectInfo,
    body: bytes,
    expects: Sequence[int] | None = None,
) -> tuple[list[Commit | None], list[tuple[bytes, ...]]]:
    """The commits and frames, by slot, of an object that stands in the logs. `expects` as `Commit.expect`."""
    head = head_of(info, len(body))
    parts = (Part(1, len(body), INLINE, info.etag, info.checksums),) if body else ()
    meta = meta_of(geometry, parts, info)
    fragments = codec_of(geometry).encode(body) if body else ()
    return fragment_commits(state, target, stamp, head, meta, fragments, expects)


def fragment_commits(
    state: SetState,
    target: Target,
    stamp: int,
    head: ObjectHead,
    meta: ObjectMeta,
    fragments: Sequence[bytes],
    expects: Sequence[int] | None,
    *,
    space: Space = Space.OBJECT,
    rename: bytes = b"",
) -> tuple[list[Commit | None], list[tuple[bytes, ...]]]:
    """The same for an object that is encoded already; `fragments` by shard, or none."""
    raw_head, raw_meta = encode_head(head), encode_meta(meta)
    n = state.n
    checks = [xxhash.xxh3_128_digest(fragment) for fragment in fragments]
    start = first_slot(target.bucket, target.key, n)
    expect = ANY_STAMP
    commits: list[Commit | None] = []
    frames: list[tuple[bytes, ...]] = []
    for slot in range(n):
        shard = (slot - start) % n
        if expects is not None:
            expect = expects[slot]
        commits.append(
            Commit(
                space,
                target.bucket,
                target.key,
                stamp,
                RowKind.VALUE,
                target.sub,
                shard=shard,
                head=raw_head,
                meta=raw_meta,
                inline_check=checks[shard] if fragments else b"",
                expect=expect,
                of_key=target.of_key,
                rename=rename,
            )
        )
        frames.append((fragments[shard],) if fragments else ())
    return commits, frames


def file_commits(
    state: SetState,
    target: Target,
    stamp: int,
    raw_head: bytes,
    meta: ObjectMeta,
    expects: Sequence[int],
    *,
    space: Space = Space.OBJECT,
    whole: bool = False,
    rename: bytes = b"",
) -> list[Commit | None]:
    """The commits, by slot, of a row whose bytes stand in shard files, or which has none."""
    raw_meta = encode_meta(meta)
    files = tuple(part.data_id for part in meta.parts if part.data_id != INLINE)
    return [
        Commit(
            space,
            target.bucket,
            target.key,
            stamp,
            RowKind.VALUE,
            target.sub,
            shard=shard_of_slot(target.bucket, target.key, slot, state.n),
            head=raw_head,
            meta=raw_meta,
            files=files,
            expect=expects[slot],
            of_key=target.of_key,
            whole=whole,
            rename=rename,
        )
        for slot in range(state.n)
    ]


async def write_row(
    state: SetState,
    geometry: Geometry,
    commits: Sequence[Commit | None],
    frames: Sequence[tuple[bytes, ...]] | None = None,
    trace: str = "",
    shards_needed: int | None = None,
    fresh: Collection[bytes] = (),
    quorum: int | None = None,
) -> WatchedWrite:
    """`RowWrite` for a task, which gets it when it is acknowledged. Raises `Fault`; STALE and CONFLICT only
    where no drive has taken it.
    """
    needed = quorum or quorum_of(geometry)
    if sum(commit is not None for commit in commits) < needed:
        raise Fault(FaultCode.NO_QUORUM, f"fewer than {needed} drives are left for this write")
    answered: Answer[Fault | None] = Answer()
    write = WatchedWrite(state, geometry, answered.set, shards_needed, fresh, quorum)
    write.start(commits, frames, trace)
    fault = await answered.wait()
    if fault is not None:
        raise fault
    return write
