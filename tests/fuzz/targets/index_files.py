"""The index of a drive, and a log segment beside an index that knew it, exchanged before a start.

An input is lines of damage: `patch OFFSET HEX`, `cut SIZE` and `wal HEX` for the file of the index, `set
TABLE COLUMN VALUE`, `empty TABLE` and `drop TABLE` for what stands in it, `log SEGMENT OFFSET HEX` and `log
SEGMENT cut SIZE` for the log. Lines that mean nothing are passed over.

The log has all of it, so a damaged index never keeps a drive from starting, and never makes it lose bytes
or give wrong ones: it is dropped and rebuilt at the latest when a row is read that fails its check. A damaged
log under a whole index never makes the drive forget that it had something.
"""

from __future__ import annotations

import shutil
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from functools import partial
from pathlib import Path
from random import Random

import attrs

from rustfs_node.drive.identity_file import DriveRefused
from rustfs_node.drive.index_file import INDEX_ERRORS
from rustfs_node.drive.scan import scan_page
from rustfs_node.seams.real_files import RealFiles
from rustfs_proto.wire.drive_ops import Committed, RowState, Scan, Space
from tests.fuzz.campaign import Check, Target
from tests.fuzz.mutation import INTEGERS
from tests.fuzz.targets.drive_kit import DRIVE_ID, SEGMENT_BYTES, SETTINGS, ask_all, fill, states
from tests.kit.drives import TestDrive, value

_INDEX = "index.sqlite"
_MEMORY = "/dev/shm"  # noqa: S108 - a folder of our own is made in it
_COLUMNS = {
    "state": "schema drive_id segment offset sequence newest_stamp rows heal_notes check",
    "rows": "space bucket key sub stamp kind shard segment offset prefix_bytes data_bytes"
    " head files missing check",
    "files": "data_id space bucket key sub stamp",
    "garbage": "data_id since_ms",
    "segments": "number used_bytes live_bytes check",
    "settled": "floor space bucket key sub stamp",
}
_PATCH_MAX = 1 << 20


@attrs.frozen
class Damage:
    """What the lines of an input come to."""

    index: bool
    log: bool


@contextmanager
def opened() -> Iterator[Check]:
    """A filled drive to copy for each input, in memory where there is such a file system."""
    with tempfile.TemporaryDirectory(dir=_MEMORY if Path(_MEMORY).is_dir() else None) as folder:
        base = Path(folder, "base")
        base.mkdir()
        fill(_drive_at(base).format())
        yield partial(check, Path(folder))


def _drive_at(folder: Path) -> TestDrive:
    return TestDrive(str(folder), RealFiles(), SETTINGS, drive_id=DRIVE_ID)


def check(folder: Path, data: bytes) -> str:
    """See the module."""
    copy = folder / "copy"
    shutil.rmtree(copy, ignore_errors=True)
    shutil.copytree(folder / "base", copy)
    damage = inflict(copy, data.decode("latin-1"))
    drive = _drive_at(copy)
    try:
        return _check_drive(drive, damage)
    finally:
        drive.close()


def _check_drive(drive: TestDrive, damage: Damage) -> str:
    try:
        engine = drive.engine
    except DriveRefused:
        assert damage.log, "refused for its index"
        return "refused"
    try:
        found = ask_all(engine)
        scan_page(engine.index, Scan(Space.OBJECT, "bucket", delimiter=b"/"), 100, evidence=found.evidence)
        (answer,) = drive.commit(value("fresh", 1000, b"data"), data=b"data")
    except INDEX_ERRORS:
        return _check_rebuilt(drive, damage)
    assert isinstance(answer, Committed)
    newest = states()[-1]
    if not damage.index:
        # Whatever the log lost, the index knows of it: found as it was, or known to be damaged.
        assert found.newest == newest, found
        lost = [name for name, row in found.rows.items() if row[0] == RowState.DAMAGED]
        return f"log: {len(lost)} damaged, {'trusted' if found.evidence else 'healing'}"
    if not damage.log:
        assert found.newest == newest and found.evidence, found
        return "index: nothing lost"
    return f"index and log: {len(found.newest)} rows seen"


def _check_rebuilt(drive: TestDrive, damage: Damage) -> str:
    """What the worker does with an index that breaks under it."""
    assert damage.index, "a whole index broke"
    index_file = drive.engine.index_file
    drive.close()
    index_file.drop(drive.files)
    found = ask_all(drive.engine)
    if not damage.log:
        assert found.newest == states()[-1] and found.evidence, found
    return "index: rebuilt"


def inflict(folder: Path, text: str) -> Damage:
    """Do what the lines say."""
    index = log = False
    for line in text.splitlines():
        match line.split():
            case ["patch", offset, value] if (
                (raw := _hex(value)) is not None and offset.isascii() and offset.isdigit()
            ):
                index |= _patch(folder / _INDEX, int(offset[:9]), raw)
            case ["cut", size] if size.isascii() and size.isdigit():
                index |= _cut(folder / _INDEX, int(size[:9]))
            case ["wal", value] if (raw := _hex(value)) is not None:
                (folder / f"{_INDEX}-wal").write_bytes(raw)
                index = True
            case ["set" | "empty" | "drop", table, *rest] if table in _COLUMNS:
                index |= _change(folder / _INDEX, line.split()[0], table, rest)
            case ["log", ("1" | "2") as number, "cut", size] if size.isascii() and size.isdigit():
                log |= _cut(_segment(folder, number), int(size[:9]))
            case ["log", ("1" | "2") as number, offset, value] if (
                (raw := _hex(value)) is not None and offset.isdigit() and offset.isascii()
            ):
                log |= _patch(_segment(folder, number), int(offset[:9]), raw)
    return Damage(index, log)


def _segment(folder: Path, number: str) -> Path:
    return folder / "log" / f"{int(number):012d}.log"


def _hex(text: str) -> bytes | None:
    with suppress(ValueError):
        return bytes.fromhex(text)
    return None


def _patch(path: Path, offset: int, raw: bytes) -> bool:
    """Whether anything became other than it was."""
    before = path.read_bytes()
    after = before[:offset] + raw + before[offset + len(raw) :]
    if offset > len(before) or len(after) > _PATCH_MAX:
        return False
    path.write_bytes(after)
    return after != before


def _cut(path: Path, size: int) -> bool:
    before = path.read_bytes()
    path.write_bytes(before[:size])
    return size < len(before)


def _change(path: Path, verb: str, table: str, rest: list[str]) -> bool:
    """By SQL, as far as the file still is a database."""
    values: list[object] = []
    # Names of tables and columns cannot be parameters; they come from _COLUMNS.
    match verb, rest:
        case "set", [column, value] if column in _COLUMNS[table].split():
            statement = f'UPDATE OR IGNORE {table} SET "{column}" = ?'  # noqa: S608
            values = [_sql_value(value)]
        case "empty", []:
            statement = f"DELETE FROM {table}"  # noqa: S608
        case "drop", []:
            statement = f"DROP TABLE {table}"
        case _:
            return False
    try:
        with closing(sqlite3.connect(path)) as connection, connection:
            connection.execute(statement, values)
    except (sqlite3.Error, UnicodeError):
        pass
    return True


def _sql_value(text: str) -> object:
    if text.startswith("x"):
        return _hex(text[1:])
    if text.removeprefix("-").isdigit() and text.isascii():
        return max(-(2**63), min(2**63 - 1, int(text[:25])))
    return text


def reshape(random: Random, data: bytes) -> bytes:
    """A few lines of which each means something, and a few of what was there."""
    kept = [line for line in data.split(b"\n") if random.random() < 0.3]
    return b"\n".join([*kept, *(_line(random).encode() for _ in range(random.randint(1, 3)))])


def _line(random: Random) -> str:
    raw = random.choice(
        (bytes([random.randrange(256)]), bytes(random.choice((1, 64, 4096))), random.randbytes(8))
    )
    number = random.choice((*INTEGERS, -1, random.randrange(1 << 16)))
    table = random.choice([*_COLUMNS])
    column = random.choice(_COLUMNS[table].split())
    return random.choice((
        f"patch {random.randrange(1 << 16)} {raw.hex()}",
        f"patch {random.randrange(16) * 4096 + random.randrange(16)} {raw.hex()}",
        f"cut {random.randrange(1 << 16)}",
        f"wal {raw.hex()}",
        f"set {table} {column} {random.choice((number, 'text', 'x' + raw.hex()))}",
        f"{random.choice(('empty', 'drop'))} {table}",
        f"log {random.choice('12')} {random.randrange(SEGMENT_BYTES)} {raw.hex()}",
        f"log {random.choice('12')} cut {random.randrange(SEGMENT_BYTES)}",
    ))  # fmt: skip


def seeds() -> list[bytes]:
    columns = ("segment", "offset", "sequence", "newest_stamp", "rows", "schema")
    return [
        b"patch 100 ff\n",
        b"patch 4196 00000000\npatch 8292 ff\n",
        b"cut 5000\n",
        b"wal 377f0682\n",
        *(f"set state {column} {number}\n".encode() for column in columns for number in (0, 5, -1, 2**62)),
        b"set rows offset 4096\n",
        b"set rows key x00\n",
        b"set rows missing text\n",
        b"set segments live_bytes -5\nset segments number 9\n",
        *(f"{verb} {table}\n".encode() for verb in ("empty", "drop") for table in _COLUMNS),
        b"log 2 cut 4500\n",
        b"log 1 4200 ff\n",
        b"log 2 5000 0000000000\nlog 2 0 00\n",
    ]


def opened_once(data: bytes) -> str:
    """For a single input."""
    with opened() as run:
        return str(run(data))


TARGET = Target(
    "index_files",
    opened_once,
    seeds,
    executions=150,
    tokens=(
        b"patch ", b"cut ", b"wal ", b"set ", b"empty ", b"drop ", b"log 1 ", b"log 2 ", b"log 2 cut ",
        b"\n", b"state ", b"rows ", b"files ",
        b"garbage ", b"segments ", b"settled ", b"segment ", b"offset ", b"sequence ", b"stamp ", b"check ",
        b"number ", b"used_bytes ", b"data_id ",
        b"space ", b"bucket ", b"key ", b"kind ", b"x00", b"-1", b"ff", b"00" * 64, b"0a", b" 4096 ",
        b" 8192 ", b" 12288 ", b"text",
    ),
    max_bytes=600,
    reshape=reshape,
    opened=opened,
)  # fmt: skip
