"""What one client did to one drive, what it was told, and therefore what must be true whatever happened
since.

A story is told to the engine itself, without tasks: the same steps as the worker's, in the same order, so
that a sweep of thousands of tellings takes seconds. `check` judges the drive after a recovery, `picture` is
what a second recovery may not change, `leftovers` what should be gone after a sweep.

With an index in memory every recovery rebuilds it from the log. With one on disk a power cut throws it back
to any earlier transaction after the last time it was folded, as SQLite promises; SQLite's own pages and syncs
are taken on trust.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Sequence

import attrs

from rustfs_node.drive.commit import Copy, Waiting, in_batches
from rustfs_node.drive.compaction import Compaction, drop_tombstones
from rustfs_node.drive.index_file import IN_MEMORY
from rustfs_node.drive.log import NoRoom
from rustfs_node.drive.sweep import Sweep
from rustfs_node.seams.memory_files import SECTOR_BYTES
from rustfs_node.settings.drive import DriveSettings
from rustfs_proto.disk.identity import HEALING, OK
from rustfs_proto.disk.layout import (
    IDENTITY_FILE,
    QUARANTINE_FOLDER,
    shard_path,
)
from rustfs_proto.disk.record import split_ids
from rustfs_proto.wire.drive_ops import (
    Commit,
    Committed,
    LookedUp,
    Lookup,
    RowKind,
    RowState,
    SettledRow,
    Space,
)
from rustfs_proto.wire.faults import Fault, FaultCode
from tests.kit import at_rest
from tests.kit.drives import FIRST_STAMP, SMALL, Answer, TestDrive, tombstone, value
from tests.kit.story_files import StoryFiles, files_below, index_names

UPLOAD_ID = b"upload-0"
RowName = tuple[int, str, bytes]
"""Space, key, sub."""


@attrs.frozen
class Version:
    """One version as it was sent. `lacks`: shard files that the drive said it does not have."""

    commit: Commit
    data: bytes = b""
    lacks: tuple[bytes, ...] = ()


@attrs.define
class Story:
    """`acked` are the newest acknowledged stamps, `kept` all that must be there still, `gone_ok` the rows
    that may be forgotten, `ended` those that must be. `lost` are rows whose record a test has damaged.
    `refused` counts clean refusals: no room. `is_lossy`: the drive may have lost anything, if it says so by
    healing.
    """

    drive: TestDrive
    files: StoryFiles
    tried: dict[RowName, dict[int, Version]] = attrs.field(factory=dict)
    acked: dict[RowName, int] = attrs.field(factory=dict)
    kept: dict[RowName, dict[int, None]] = attrs.field(factory=dict)
    gone_ok: dict[RowName, None] = attrs.field(factory=dict)
    lost: dict[RowName, None] = attrs.field(factory=dict)
    ended: dict[RowName, None] = attrs.field(factory=dict)
    swept: dict[bytes, None] = attrs.field(factory=dict)
    settled: list[tuple[str, int, bool, int]] = attrs.field(factory=list)
    strange: dict[str, bytes] = attrs.field(factory=dict)
    refused: int = 0
    is_lossy: bool = False
    state: str = OK
    _index: dict[str, bytes] = attrs.field(factory=dict)

    # Telling

    def put(self, key: str, stamp: int, size: int = 500, space: int = Space.OBJECT, sub: bytes = b"") -> None:
        data = data_of(key, stamp, size)
        self._commit(Version(value(key, stamp, data, space=space, sub=sub), data))

    def put_many(self, keys: Sequence[str], stamp: int, size: int = 5000) -> None:
        datas = [data_of(key, stamp, size) for key in keys]
        pairs = zip(keys, datas, strict=True)
        self._commit(*[Version(value(key, stamp, data), data) for key, data in pairs])

    def delete(self, key: str, stamp: int) -> None:
        self._commit(Version(tombstone(key, stamp)))

    def end_upload(self, key: str, stamp: int) -> None:
        """The tombstone that takes the rows of the parts along."""
        parts = [row for row in self.tried if row[:2] == (Space.PART, key)]
        self.gone_ok.update(dict.fromkeys(parts))
        self._commit(Version(tombstone(key, stamp, space=Space.UPLOAD, sub=UPLOAD_ID)))
        self.ended.update(dict.fromkeys(parts))

    def write_file(self, data_id: bytes, key: str) -> None:
        """Fragments, unless the file was finished before."""
        writers = self.drive.engine.shard_writers
        if not writers.missing([data_id]):
            return
        try:
            self.drive.write_shard(data_id, *fragments_of(data_id), key=key)
        except Fault as fault:
            self._refuse(fault.code)
            writer = writers.writers[data_id]
            writers.give_up(writer)
            writers.discard(writer)

    def put_files(
        self, key: str, stamp: int, *files: bytes, space: int = Space.OBJECT, sub: bytes = b""
    ) -> None:
        """A commit that names shard files; those that are written are finished first, as the worker does."""
        commit = value(key, stamp, space=space, sub=sub, files=files, shard=1)
        self._note(Version(commit))
        writers = self.drive.engine.shard_writers
        try:
            writers.finish(writers.finishing(files))
        except Fault as fault:
            self._refuse(fault.code)
            return
        self._commit(Version(commit, lacks=writers.missing(files)))

    def settle(self, key: str, stamp: int, *, complete: bool = False, space: int = Space.OBJECT) -> None:
        self.settled.append((key, stamp, complete, space))
        row = (int(space), key, b"")
        kept = self.kept.get(row, {})
        self.kept[row] = {known: None for known in kept if known >= stamp}
        if complete:
            self.gone_ok[row] = None
        settled = SettledRow(space, "bucket", key.encode(), FIRST_STAMP + stamp, complete=complete)
        self._run((), (settled,))

    def _run(
        self, waiting: Sequence[Waiting] = (), settled: Sequence[SettledRow] = (), copies: Sequence[Copy] = ()
    ) -> None:
        """A batch as the lane runs it: its changes of the index are in the file later."""
        batch = self.drive.engine.batch(waiting, settled, copies)
        batch.decide(self.drive.engine.reader.is_whole)
        batch.encode()
        batch.sync()
        batch.apply()
        batch.answer()

    def settle_again(self) -> None:
        """An index that was made anew does not know what was settled."""
        for key, stamp, complete, space in list(self.settled):
            self.settle(key, stamp, complete=complete, space=space)

    def believe(self) -> None:
        """What the drive says now is final: a version that it does not have is not to come later."""
        for row, versions in self.tried.items():
            newest = self.look(row)[0].stamp - FIRST_STAMP
            self.tried[row] = {stamp: version for stamp, version in versions.items() if stamp <= newest}

    def _refuse(self, code: FaultCode) -> None:
        """Something was not done because there is no room; the drive goes on."""
        assert code == FaultCode.FULL, code
        self.refused += 1

    def sweep(self) -> None:
        """All that the sweep has to do once every grace is over."""
        engine = self.drive.engine
        engine.index.flush()
        self.drive.clock.move(10 * engine.settings.orphan_grace_s)
        sweep = Sweep(engine)
        gone = sweep.garbage(())
        sweep.remove(gone)
        self.swept.update(dict.fromkeys(gone))
        sweep.forget(gone)
        assert sweep.is_due(self.drive.clock.monotonic_s())
        while sweep.is_due(self.drive.clock.monotonic_s()):
            sweep.judge(sweep.unknown(sweep.look(), ()))

    def compact(self) -> None:
        """All that compaction has to do."""
        engine = self.drive.engine
        compaction = Compaction(engine)
        engine.index.flush()
        while compaction.begin():
            found = compaction.read()
            for some in in_batches(compaction.copies(found), engine.log.record_bytes_max):
                try:
                    self._run(copies=some)
                except NoRoom:
                    self._refuse(FaultCode.FULL)
                    return
                engine.index.flush()
            if not found and compaction.end():
                compaction.remove()
                compaction.forget()
        drop_tombstones(engine, 100)

    def retry(self) -> None:
        """Commit again what was never answered, naming files that may be here already."""
        for row, versions in self.tried.items():
            for stamp, version in versions.items():
                if stamp > self.acked.get(row, 0) and row not in self.gone_ok:
                    files = version.commit.files
                    lacks = self.drive.engine.shard_writers.missing(files)
                    self._commit(attrs.evolve(version, lacks=lacks))

    def _note(self, version: Version) -> None:
        """It is on its way."""
        self.tried.setdefault(row_of(version.commit), {})[stamp_of(version.commit)] = version

    def _commit(self, *versions: Version) -> None:
        for version in versions:
            self._note(version)
        waiting = [Waiting(version.commit, version.data, Answer(), version.lacks) for version in versions]
        try:
            self._run(waiting)
        except NoRoom:
            self._refuse(FaultCode.FULL)
            return
        for version, item in zip(versions, waiting, strict=True):
            if isinstance(item.asker.got, Committed):
                row, stamp = row_of(version.commit), stamp_of(version.commit)
                self.acked[row] = max(self.acked.get(row, 0), stamp)
                self.kept.setdefault(row, {})[stamp] = None

    # Judging

    def check(self) -> None:
        """After a recovery: every row has its acknowledged version or one that was tried later, and all that
        must be there is whole.
        """
        if self.is_lossy and self.drive.identity.state == HEALING:
            self.state = HEALING
            for row, versions in self.tried.items():
                self._check_not_wrong(row, versions)
            return
        for row, versions in self.tried.items():
            if row not in self.lost:
                self._check_row(row, versions)
        for data_id in self.swept:
            assert not self.files.exists(f"{self.drive.path}/{shard_path(data_id)}"), data_id.hex()
        aside = f"{self.drive.path}/{QUARANTINE_FOLDER}"
        kept = [self.files.read_file(f"{aside}/{name}") for name in self.files.list_folder(aside)]
        for path, content in self.strange.items():
            assert self.files.exists(path) or content in kept, f"{path} was not ours, and is gone"
        assert self.drive.identity.state == self.state, self.drive.identity
        if self.state == HEALING:
            assert not self.drive.engine.fence.evidence

    def _check_not_wrong(self, row: RowName, versions: dict[int, Version]) -> None:
        """Whatever it has lost: nothing that it gives is wrong, and what it lacks proves nothing."""
        found, frames = self.look(row)
        assert not found.evidence, found
        if found.state == RowState.FOUND:
            version = versions[found.stamp - FIRST_STAMP]
            assert (found.kind, b"".join(frames)) == (version.commit.kind, version.data), found

    def _check_row(self, row: RowName, versions: dict[int, Version]) -> None:
        acked = self.acked.get(row, 0)
        possible = [0] if row in self.ended else [acked, *(stamp for stamp in versions if stamp > acked)]
        newest, frames = self.look(row)
        stamp = newest.stamp - FIRST_STAMP if newest.stamp else 0
        assert stamp in possible or (row in self.gone_ok and stamp == 0), (row, stamp, possible)
        if stamp:
            self._check_version(versions[stamp], newest, frames)
        for stamp in self.kept.get(row, ()):
            found, frames = self.look(row, FIRST_STAMP + stamp)
            assert found.stamp or row in self.gone_ok, (row, stamp, "is gone")
            if found.stamp:
                self._check_version(versions[stamp], found, frames)

    def _check_version(self, version: Version, found: LookedUp, frames: Sequence[bytes]) -> None:
        commit = version.commit
        assert found.state == RowState.FOUND, (commit.key, found)
        assert found.kind == commit.kind, (commit.key, found)
        assert b"".join(frames) == version.data, (commit.key, commit.stamp)
        assert set(found.no_files) <= set(version.lacks), (commit.key, found.no_files)
        for data_id in commit.files:
            if data_id not in found.no_files:
                fragments = fragments_of(data_id)
                assert self.drive.read_shard(data_id, len(fragments), commit.key.decode()) == fragments

    def look(self, row: RowName, stamp: int = 0) -> tuple[LookedUp, Sequence[bytes]]:
        """What the drive says of a row."""
        space, key, sub = row
        lookup = Lookup(space, "bucket", key.encode(), sub, stamp)
        return self.drive.engine.reader.look_up(lookup, evidence=self.drive.engine.fence.evidence)

    def picture(self) -> dict[object, object]:
        """What everybody can see of the drive: newest versions with their bytes, identity, quarantine."""
        seen: dict[object, object] = {}
        for row in self.tried:
            found, frames = self.look(row)
            if row in self.gone_ok and found.kind == RowKind.TOMBSTONE:
                # Forgotten or not: it is not there.
                found, frames = LookedUp(RowState.ABSENT, found.evidence), ()
            seen[row] = (found.state, found.stamp, found.kind, found.no_files, b"".join(frames))
        seen["identity"] = self.drive.identity
        aside = self.files.list_folder(f"{self.drive.path}/{QUARANTINE_FOLDER}")
        seen.update(dict.fromkeys((("aside", name) for name in aside), True))
        return seen

    def leftovers(self) -> list[str]:
        """Files on the drive that nothing needs; to be asked after a sweep."""
        engine, root = self.drive.engine, self.drive.path
        names = {row_id for space in Space for row_id in self._data_ids(space)}
        wanted = {f"{root}/{shard_path(data_id)}" for data_id in names}
        wanted |= {engine.log.path_of(number) for number in (*engine.log.numbers, engine.log.highest + 1)}
        wanted.add(f"{root}/{IDENTITY_FILE}")
        return [path for path in files_below(self.files, root) if path not in wanted]

    def _data_ids(self, space: int) -> Iterator[bytes]:
        for row in self.drive.engine.index.walk(space, "bucket", (b"", b""), None):
            yield from split_ids(row.files)

    def segments(self) -> list[str]:
        """Log segments that were begun, whether the drive knows them or not."""
        paths = at_rest.segments(self.drive)
        return [path for path in paths if any(self.files.content(path).now[:SECTOR_BYTES])]

    # Ends of lives

    def close(self) -> None:
        """An orderly end."""
        if self.drive.is_open:
            self.drive.engine.index.flush()
            self.drive.close()

    def image_index(self) -> None:
        """The index as it is on disk at this moment; to be called where a life ends."""
        if self.files.index_at != IN_MEMORY:
            names = [name for name in index_names(self.files.index_at) if name.exists()]
            self._index = {name.name: name.read_bytes() for name in names}

    def restore_index(self, kept: Callable[[int], int] = lambda size_bytes: size_bytes) -> None:
        """Put the image back; `kept` says how much of a write-ahead file of that size survives."""
        if self.files.index_at == IN_MEMORY:
            return
        for path in index_names(self.files.index_at):
            path.unlink(missing_ok=True)
            if path.name in self._index and not path.name.endswith("-shm"):
                content = self._index[path.name]
                size = kept(len(content)) if path.name.endswith("-wal") else len(content)
                path.write_bytes(content[:size])

    def copy(self) -> Story:
        """Another telling that begins where this one is. The drive must be closed."""
        return copy.deepcopy(self)


def new_story(settings: DriveSettings = SMALL, index_at: str = IN_MEMORY, page_bytes: int = 4096) -> Story:
    """A story on a formatted drive that was never opened."""
    files = StoryFiles(index_at, page_bytes)
    files.make_folder("/drive")
    files.sync_folder("/")
    return Story(TestDrive("/drive", files, settings, index_at=index_at).format(), files)


def row_of(commit: Commit) -> RowName:
    return (int(commit.space), commit.key.decode(), commit.sub)


def stamp_of(commit: Commit) -> int:
    return commit.stamp - FIRST_STAMP


def data_of(key: str, stamp: int, size: int) -> bytes:
    return (f"{key} {stamp} " * size).encode()[:size]


def fragments_of(data_id: bytes) -> tuple[bytes, ...]:
    """The content of the shard file of that id."""
    return (data_id * 256, bytes(reversed(data_id)) * 256, data_id * 40)
