"""What survives a power cut: the file system in memory loses all that a real one may lose, and no real one
loses what the seam promises.
"""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

import attrs
import pytest

from rustfs_node.drive.index_file import IN_MEMORY
from rustfs_node.seams.files import Buffer
from rustfs_node.seams.memory_files import PowerCut
from rustfs_node.seams.real_files import RealFile, RealFiles
from tests.conformance.durability import ROWS, Row, begin, outcomes, what_is_left
from tests.conformance.ext4 import Ext4, NotPermitted, missing
from tests.kit.drives import SMALL, TestDrive
from tests.kit.stories import Story
from tests.unit.drive import paths

MEMORY = Path("/dev/shm")  # noqa: S108


@pytest.fixture(scope="module")
def whole_disk() -> Iterator[Ext4]:
    # In memory where possible: what a busy disk below would add is time.
    below = MEMORY if MEMORY.is_dir() else None
    with tempfile.TemporaryDirectory(prefix="ext4-", dir=below) as folder:
        if why := missing():
            pytest.skip(f"no power cuts of a real file system: {why}")
        disk = Ext4(Path(folder, "image"), Path(folder, "mount"))
        try:
            disk.make()
        except NotPermitted as why:
            pytest.skip(f"no power cuts of a real file system: {why}")
        yield disk
        disk.unmount()


@pytest.mark.parametrize("row", ROWS, ids=str)
def test_the_model_loses_what_may_be_lost(row: Row) -> None:
    """A promised row leaves the same whatever is kept by chance; of the others the real outcome is one of
    several.
    """
    possible = outcomes(row)
    assert row.left in possible
    assert (len(possible) == 1) == row.promised, possible


@pytest.mark.parametrize("row", ROWS, ids=str)
def test_ext4_leaves_what_the_table_says(whole_disk: Ext4, row: Row) -> None:
    """And so nothing that the model does not foresee."""
    files, folder = RealFiles(), str(whole_disk.folder / f"row{ROWS.index(row)}")
    begin(files, folder)
    row.act(files, folder)
    whole_disk.cut()
    whole_disk.revive()
    assert what_is_left(files, folder) == row.left


@attrs.define
class Cutting:
    """Cuts the power of a real file system at the `at`-th changing call."""

    disk: Ext4
    at: int
    calls: int = 0

    def __call__(self) -> None:
        self.calls += 1
        if self.calls == self.at:
            self.disk.cut()
            raise PowerCut


class CutFile(RealFile):
    """Asks before each change."""

    __slots__ = ("on_change",)

    def write_at(self, offset: int, buffers: Sequence[Buffer]) -> None:
        self.on_change()
        super().write_at(offset, buffers)

    def sync(self) -> None:
        self.on_change()
        super().sync()


class CutFiles(RealFiles):
    """The real file system, seen call by call. `index_at` is what a `Story` asks for: the index
    is in memory.
    """

    index_at = IN_MEMORY

    def __init__(self, on_change: Cutting) -> None:
        self.on_change = on_change
        self.opened: list[CutFile] = []

    def open(self, path: str, *, create: bool = False, write: bool = True) -> RealFile:
        if create:
            self.on_change()
        found = super().open(path, create=create, write=write)
        file = CutFile(found._fd, path)  # noqa: SLF001
        file.on_change = self.on_change
        self.opened.append(file)
        return file

    def rename(self, source: str, target: str) -> None:
        self.on_change()
        super().rename(source, target)

    def make_folder(self, path: str) -> None:
        self.on_change()
        super().make_folder(path)

    def sync_folder(self, path: str) -> None:
        self.on_change()
        super().sync_folder(path)


@pytest.mark.parametrize("at", [14, 22, 29, 33, 38, 42, 46, 1000])
def test_a_drive_on_ext4_survives_a_cut(whole_disk: Ext4, at: int) -> None:
    """Small objects, shard files and overwrites, cut at a call: what was acknowledged is there, and right."""
    folder = whole_disk.folder / f"cut{at}"
    folder.mkdir()
    RealFiles().sync_folder(str(whole_disk.folder))
    cutting = Cutting(whole_disk, at)
    files = CutFiles(cutting)
    drive = TestDrive(str(folder), files, SMALL, index_at=IN_MEMORY).format()
    story = Story(drive, files)  # type: ignore[arg-type]
    with contextlib.suppress(PowerCut):
        paths.begin(story)
        paths.put_files(story)
        paths.overwrite(story)
        cutting.at = 0
        whole_disk.cut()
    for file in files.opened:
        file.close()
    drive._engine = None  # noqa: SLF001
    cutting.at = 0
    whole_disk.revive()
    story.check()
    drive.close()
    assert cutting.calls > min(at, 40)
