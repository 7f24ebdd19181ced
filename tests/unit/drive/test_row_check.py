"""A drive reads the files of one version to their end when it is told to, and says how they are damaged."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from rustfs_node.drive.row_check import check_row
from rustfs_node.drive.rows import list_rows
from rustfs_node.seams.threads import InlineThreads
from rustfs_proto.wire.drive_ops import RowName, Space
from rustfs_proto.wire.faults import Fault, FaultCode
from rustfs_proto.wire.heal_ops import CheckRow, HeldRow, ListRows, RowChecked
from tests.kit import corrupt
from tests.kit.drives import FIRST_STAMP, STRIPE_BYTES, TestDrive
from tests.unit.drive.test_fence import client_of
from tests.unit.drive.test_scrub import FILES, FRAGMENTS, SETTINGS, filled, path_of

SPAN = 8192
"""From one full frame to the next."""


def order(number: int, **at: object) -> CheckRow:
    """To read the file of the object f0, f1 ..."""
    name = RowName(Space.OBJECT, "bucket", b"f%d" % number)
    return CheckRow(name, FIRST_STAMP + 20 + number, **at)  # type: ignore[arg-type]


async def read_through(drive: TestDrive, number: int) -> list[RowChecked]:
    """All pieces."""
    pieces = [await check_row(drive.engine, InlineThreads(), order(number))]
    while pieces[-1].data_id:
        at = {"data_id": pieces[-1].data_id, "index": pieces[-1].index}
        pieces.append(await check_row(drive.engine, InlineThreads(), order(number, **at)))
    return pieces


async def test_files_are_read_piece_by_piece() -> None:
    """As much at a time as the scrub takes, every fragment once; of a version in the log nothing more."""
    drive = filled()
    pieces = await read_through(drive, 1)
    assert [piece.size_bytes for piece in pieces] == list(map(len, FRAGMENTS))
    assert not any(piece.flaw for piece in pieces)
    inline = CheckRow(RowName(Space.OBJECT, "bucket", b"a0"), FIRST_STAMP + 1)
    assert await check_row(drive.engine, InlineThreads(), inline) == RowChecked(0)


async def test_a_version_that_is_not_there_is_not_found() -> None:
    """Never, or not any more: that is not damage."""
    drive = filled()
    for name, stamp in (("nothing", 1), ("f0", 7)):
        request = CheckRow(RowName(Space.OBJECT, "bucket", name.encode()), FIRST_STAMP + stamp)
        with pytest.raises(Fault) as caught:
            await check_row(drive.engine, InlineThreads(), request)
        assert caught.value.code is FaultCode.NOT_FOUND


FLAWS: dict[str, tuple[Callable[[TestDrive], object], str, str]] = {
    "gone": (lambda drive: corrupt.lose_file(drive, path_of(drive, 0)), "missing", "missing"),
    "cut in its last frame": (
        lambda drive: corrupt.cut_file(drive, path_of(drive, 0), 4096 + 2 * SPAN + 100),
        "truncated",
        "corrupt",
    ),
    "without its last frame": (
        lambda drive: corrupt.cut_file(drive, path_of(drive, 0), 4096 + 2 * SPAN),
        "truncated",
        "truncated",
    ),
    "a bit of a fragment": (lambda drive: corrupt.flip_fragment(drive, FILES[0]), "", "corrupt"),
    "a bit of the header": (lambda drive: corrupt.flip_shard_header(drive, path_of(drive, 0)), "", "corrupt"),
    "frames of other places": (lambda drive: corrupt.swap_frames(drive, FILES[0], SPAN), "", "misplaced"),
    "under another name": (
        lambda drive: corrupt.replace_shard_file(drive, FILES[0], FILES[1]),
        "",
        "wrong identity",
    ),
    "a bit of the record": (lambda drive: corrupt.flip_record_body(drive, "f0"), "corrupt", "corrupt"),
    "a record of another": (
        lambda drive: corrupt.misdirect_record(drive, "f1", "f0"),
        "misplaced",
        "corrupt",
    ),
}


@pytest.mark.parametrize("kind", FLAWS)
async def test_each_flaw_has_its_name(kind: str) -> None:
    """Told when rows are verified as far as it can be seen then, and when files are read."""
    damage, listed, read = FLAWS[kind]
    drive = filled()
    damage(drive)
    assert row_of(drive, "f0").flaw == listed
    assert row_of(drive, "f0").has_gaps == bool(listed)
    assert (await read_through(drive, 0))[-1].flaw == read
    assert row_of(drive, "f2").flaw == ""


def row_of(drive: TestDrive, key: str) -> HeldRow:
    page = list_rows(drive.engine, ListRows(limit=100, verify=True))
    return next(row for row in page.rows if row.key == key.encode())


def test_a_verified_row_tells_what_its_record_says() -> None:
    """How many shards reads need, how many files there are and how much of it is here."""
    drive = filled()
    row = row_of(drive, "f0")
    assert (row.k, row.files, row.flaw) == (2, 1, "")
    stat = drive.files.stat(path_of(drive, 0))
    assert stat.size_bytes - 4096 < row.size_bytes <= stat.size_bytes
    assert 2 * len(FRAGMENTS[0]) == STRIPE_BYTES


async def test_orders_out_of_range_are_refused() -> None:
    """As those for other fragments are."""
    drive = filled()
    async with client_of(drive, SETTINGS) as client:
        await client.fails(CheckRow(RowName(99, "b", b"k"), 1), code=FaultCode.INVALID)
        await client.fails(CheckRow(RowName(0, "b", b"k"), 1 << 63), code=FaultCode.INVALID)
        await client.fails(order(0, index=-1), code=FaultCode.INVALID)
        await client.fails(CheckRow(RowName(0, "b", b"k"), 1), code=FaultCode.NOT_FOUND)
        assert (await client.ask(order(0))).message.size_bytes == len(FRAGMENTS[0])
