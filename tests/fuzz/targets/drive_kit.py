"""A drive with a known history, whose files may be exchanged before it is opened.

Ids, stamps and clock are fixed, so its bytes are the same on every machine.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from itertools import combinations

import attrs
import xxhash

from rustfs_node.drive.engine import DriveEngine
from rustfs_node.seams.files import Files
from rustfs_node.seams.memory_files import MemoryFiles
from rustfs_node.settings.drive import DriveSettings
from rustfs_proto.disk.identity import parse_identity
from rustfs_proto.disk.layout import shard_path
from rustfs_proto.disk.place import DrivePlace, place_of
from rustfs_proto.disk.shard_file import encode_frame_header, encode_shard_header, frame_padding
from rustfs_proto.wire.drive_ops import Commit, Committed, Lookup, RowKind, RowState, ShardIdentity, Space
from tests.kit.drives import TestDrive, tombstone, value

SEGMENT_BYTES = 12 * 1024
SETTINGS = DriveSettings(
    segment_bytes=SEGMENT_BYTES,
    batch_bytes=4096,
    segment_zero_fill=False,
    reserve_bytes=0,
    tombstone_grace_s=0.0,
)
DRIVE_ID = "0d21e000-0000-4000-8000-000000000001"
DATA_ID = bytes(range(16))
FRAGMENTS = (b"1" * 32, b"2" * 32, b"3" * 5)
SHARD = ShardIdentity("bucket", b"big", 1, 2, 2, 64)

RowName = tuple[int, str, bytes, bytes]
Known = dict[RowName, dict[int, bytes]]
"""Row to stamp to inline bytes (empty for a tombstone) of all that was ever committed."""


def _history() -> list[list[tuple[Commit, bytes]]]:
    """Batches: more than fits one segment, with every kind of row."""

    def put(key: str, stamp: int, data: bytes, **fields: object) -> tuple[Commit, bytes]:
        return value(key, stamp, data, **fields), data

    upload = b"u" * 16
    return [
        [put("a", 1, b"first a"), put("b", 2, b"b" * 300)],
        [put("a", 3, b"second a"), (tombstone("b", 4), b"")],
        [put("note", 5, b"", space=Space.HEAL), put("up", 6, b"", space=Space.UPLOAD, sub=upload)],
        [put("up", 7, b"part", space=Space.PART, sub=upload + b"\0\1")],
        [put("large", 8, b"L" * 4000)],
        [put("large", 9, b"M" * 3500), put("c", 10, b"")],
        [put("big", 11, b"", files=(DATA_ID,), shard=1), put("b", 12, b"b again")],
        [(tombstone("up", 13, space=Space.UPLOAD, sub=upload), b""), put("d", 14, b"d" * 64)],
    ]


def history() -> Known:
    """See `Known`."""
    known: Known = {}
    for commit, data in (entry for batch in _history() for entry in batch):
        known.setdefault((commit.space, commit.bucket, commit.key, commit.sub), {})[commit.stamp] = data
    return known


@cache
def states() -> list[dict[RowName, int]]:
    """The newest stamp of each row after 0, 1,
    2 ... batches of the history and any records of the next one, as a
    batch that nobody was told about may survive in part.
    """
    found: list[dict[RowName, int]] = []
    whole: dict[RowName, int] = {}
    for batch in [*_history(), []]:
        commits = [commit for commit, _ in batch]
        for count in range(len(commits) + 1):
            found += [_applied(whole, some) for some in combinations(commits, count)]
        whole = _applied(whole, commits)
    return found


def _applied(state: dict[RowName, int], commits: Iterable[Commit]) -> dict[RowName, int]:
    after = dict(state)
    for commit in commits:
        after[commit.space, commit.bucket, commit.key, commit.sub] = commit.stamp
        if commit.space == Space.UPLOAD and commit.kind == RowKind.TOMBSTONE:
            after = {row: stamp for row, stamp in after.items() if row[0] != Space.PART}
    return after


def shard_file(place: DrivePlace) -> bytes:
    """The shard file of the one object that has one."""
    frames = [
        encode_frame_header(DATA_ID, index, len(data), xxhash.xxh3_128_digest(data))
        + data
        + frame_padding(len(data))
        for index, data in enumerate(FRAGMENTS)
    ]
    return encode_shard_header(place, DATA_ID, SHARD) + b"".join(frames)


def fill(drive: TestDrive) -> None:
    """Give a formatted drive the history, and close it."""
    engine = drive.engine
    folder = f"{drive.path}/shards/{DATA_ID[:1].hex()}"
    engine.files.make_folder(folder)
    engine.files.write_file(f"{drive.path}/{shard_path(DATA_ID)}", shard_file(engine.place))
    for batch in _history():
        answers = drive.commit(*(commit for commit, _ in batch), datas=[data for _, data in batch])
        assert all(isinstance(answer, Committed) for answer in answers), answers
    drive.close()


@cache
def base_files() -> dict[str, bytes]:
    """Path below the drive's folder to content, of a drive that was filled and closed."""
    files = MemoryFiles()
    files.make_folder("/drive")
    drive = TestDrive("/drive", files, SETTINGS, index_at=":memory:", drive_id=DRIVE_ID).format()
    fill(drive)
    return dict(_tree(files, "/drive", ""))


def _tree(files: Files, root: str, below: str) -> list[tuple[str, bytes]]:
    found = []
    for name in files.list_folder(f"{root}{below}"):
        path = f"{below}/{name}"
        if files.stat(f"{root}{path}").is_folder:
            found += _tree(files, root, path)
        else:
            found.append((path, files.read_file(f"{root}{path}")))
    return found


def base_place() -> DrivePlace:
    """Whose drive it is."""
    return place_of(parse_identity(base_files()["/rustfs.json"]))


def memory_copy(exchanged: dict[str, bytes]) -> TestDrive:
    """A closed copy of the drive in memory with those files in place of its own; its index is to
    be rebuilt.
    """
    files = MemoryFiles()
    for folder in ("", "/log", "/shards", "/shards/00", "/quarantine"):
        files.make_folder(f"/drive{folder}")
    for path, content in {**base_files(), **exchanged}.items():
        file = files.open(f"/drive{path}", create=True)
        file.write_at(0, [content])
        file.sync()
        file.close()
    for folder in ("", "/drive", "/drive/log", "/drive/shards", "/drive/shards/00"):
        files.sync_folder(folder or "/")
    return TestDrive("/drive", files, SETTINGS, index_at=":memory:", drive_id=DRIVE_ID)


@attrs.frozen
class Answered:
    """What an open drive says of its rows: for each the state, stamp and bytes."""

    rows: dict[RowName, tuple[int, int, bytes]]
    evidence: bool

    @property
    def newest(self) -> dict[RowName, int]:
        """The stamps of the rows that are there."""
        return {name: stamp for name, (_, stamp, _) in self.rows.items() if stamp}


def ask_all(engine: DriveEngine, *, is_forged: bool = False) -> Answered:
    """Look every row up; bytes that were never committed under that stamp are an error,
    unless somebody forged
    records with right checksums.
    """
    rows = {}
    for name, versions in history().items():
        found, frames = engine.reader.look_up(Lookup(*name), evidence=engine.fence.evidence)
        data = b"".join(frames)
        if found.state == RowState.FOUND and not is_forged:
            assert data == versions[found.stamp], f"wrong bytes for {name} at {found.stamp}: {data[:40]!r}"
        rows[name] = (found.state, found.stamp, data)
    return Answered(rows, engine.fence.evidence)


def still_works(drive: TestDrive, *, is_forged: bool = False) -> None:
    """A drive that was opened takes a new version, and after a power cut knows the same as before it."""
    data = b"fresh" * 20
    (answer,) = drive.commit(value("fresh", 1000, data), data=data)
    assert isinstance(answer, Committed), answer
    before = ask_all(drive.engine, is_forged=is_forged)
    assert isinstance(drive.files, MemoryFiles)
    drive.files.crash()
    after = ask_all(drive.reopen(), is_forged=is_forged)
    changed = {name: (before.rows[name], row) for name, row in after.rows.items() if before.rows[name] != row}
    assert not changed, f"another start changed {changed}"
    assert after.evidence == before.evidence, f"another start changed evidence to {after.evidence}"
    assert drive.data("fresh") == data
