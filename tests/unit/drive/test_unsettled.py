"""Which rows a drive keeps older versions of: told page by page, each row once, however small the pages."""

from __future__ import annotations

import pytest

from rustfs_node.drive.scan import list_unsettled
from rustfs_proto.wire.drive_ops import ListUnsettled, RowName, Space
from tests.kit.drives import TestDrive, memory_drive


def unsettled(drive: TestDrive, limit: int) -> list[bytes]:
    """Keys, as all pages together tell them."""
    keys: list[bytes] = []
    after: RowName | None = RowName()
    while after is not None:
        page = list_unsettled(drive.engine.index, ListUnsettled(after, limit), limit)
        keys += [row.key for row in page.rows]
        after = page.after
    return keys


@pytest.mark.parametrize("limit", [2, 3, 4, 5, 7, 100])
def test_rows_with_older_versions_are_told_once(limit):
    """Rows with one version are left out, rows with more than a page are not."""
    drive = memory_drive()
    versions = {"a": 1, "b": 3, "c": 1, "d": 9, "e": 2, "f": 1}
    for key, count in versions.items():
        for stamp in range(count):
            drive.put(key, stamp)
    expected = [key.encode() for key, count in versions.items() if count > 1]
    assert unsettled(drive, limit) == expected
    drive.settle("d", 8, space=Space.OBJECT)
    assert unsettled(drive, limit) == [b"b", b"e"]


def test_an_empty_drive_has_none():
    """One question is enough."""
    assert list_unsettled(memory_drive().engine.index, ListUnsettled(), 100).after is None
