"""What `Files` promises, on the real file system and on the one in memory."""

from __future__ import annotations

import errno
from collections.abc import Callable
from pathlib import Path

import pytest

from rustfs_node.seams.files import Files
from rustfs_node.seams.memory_files import MemoryFiles
from rustfs_node.seams.real_files import RealFiles

Disk = tuple[Files, str]


@pytest.fixture(params=["real", "memory"])
def disk(request: pytest.FixtureRequest, tmp_path: Path) -> Disk:
    """A file system and an empty folder on it."""
    if request.param == "real":
        return RealFiles(), str(tmp_path)
    files = MemoryFiles()
    files.make_folder("/drive")
    return files, "/drive"


def fails_with(code: int, call: Callable[[], object]) -> None:
    with pytest.raises(OSError) as caught:
        call()
    assert caught.value.errno == code


def test_what_is_written_is_read(disk: Disk) -> None:
    """Buffers stand one after the other at their position, and a hole before them reads as zeros."""
    files, folder = disk
    file = files.open(f"{folder}/a", create=True)
    file.write_at(10, [b"abc", bytearray(b"def"), memoryview(b"ghi")])
    assert file.read_at(0, 100) == bytes(10) + b"abcdefghi"
    assert file.read_at(13, 3) == b"def" and file.read_at(19, 5) == b""
    assert file.size_bytes() == 19
    file.close()


def test_more_buffers_than_one_system_call_takes(disk: Disk) -> None:
    """A vector of any length is written whole."""
    files, folder = disk
    file = files.open(f"{folder}/a", create=True)
    file.write_at(0, [b"%04d" % number for number in range(3000)])
    assert file.read_at(4 * 2999, 4) == b"2999" and file.size_bytes() == 12000
    file.close()


def test_two_handles_see_each_other(disk: Disk) -> None:
    """A write through one open file is read through another at once."""
    files, folder = disk
    writer = files.open(f"{folder}/a", create=True)
    reader = files.open(f"{folder}/a", write=False)
    writer.write_at(0, [b"x"])
    assert reader.read_at(0, 1) == b"x"
    fails_with(errno.EBADF, lambda: reader.write_at(0, [b"y"]))
    writer.close()
    reader.close()


def test_allocated_space_reads_as_zeros_and_keeps_content(disk: Disk) -> None:
    """Allocation makes a file longer and changes nothing in it."""
    files, folder = disk
    file = files.open(f"{folder}/a", create=True)
    file.write_at(0, [b"abc"])
    file.allocate(8192)
    assert file.size_bytes() == 8192 and file.read_at(0, 6) == b"abc\0\0\0"
    file.truncate(2)
    assert file.read_at(0, 10) == b"ab"
    file.sync()
    file.close()


def test_creating_what_exists_and_opening_what_does_not(disk: Disk) -> None:
    """EEXIST and ENOENT, as the kernel says."""
    files, folder = disk
    files.open(f"{folder}/a", create=True).close()
    fails_with(errno.EEXIST, lambda: files.open(f"{folder}/a", create=True))
    fails_with(errno.ENOENT, lambda: files.open(f"{folder}/b"))
    fails_with(errno.ENOENT, lambda: files.open(f"{folder}/no/b", create=True))
    fails_with(errno.ENOENT, lambda: files.remove(f"{folder}/b"))
    fails_with(errno.ENOENT, lambda: files.stat(f"{folder}/b"))


def test_folders(disk: Disk) -> None:
    """A folder may be made twice, lists its names sorted, and is told from a file."""
    files, folder = disk
    files.make_folder(f"{folder}/f")
    files.make_folder(f"{folder}/f")
    for name in ("c", "a", "b"):
        files.open(f"{folder}/f/{name}", create=True).close()
    assert files.list_folder(f"{folder}/f") == ["a", "b", "c"]
    assert files.stat(f"{folder}/f").is_folder and not files.stat(f"{folder}/f/a").is_folder
    assert files.stat(folder).device == files.stat(f"{folder}/f/a").device
    files.sync_folder(f"{folder}/f")
    fails_with(errno.EEXIST, lambda: files.make_folder(f"{folder}/f/a"))


def test_renaming_replaces(disk: Disk) -> None:
    """The target is the source afterwards, and the source's name is gone."""
    files, folder = disk
    files.write_file(f"{folder}/a", b"new")
    files.write_file(f"{folder}/b", b"old")
    files.rename(f"{folder}/a", f"{folder}/b")
    assert files.read_file(f"{folder}/b") == b"new" and not files.exists(f"{folder}/a")


def test_a_removed_file_stays_readable_to_those_who_have_it_open(disk: Disk) -> None:
    """Removing takes the name; the content goes with the last handle."""
    files, folder = disk
    files.write_file(f"{folder}/a", b"abc")
    file = files.open(f"{folder}/a", write=False)
    files.remove(f"{folder}/a")
    assert not files.exists(f"{folder}/a") and file.read_at(0, 3) == b"abc"
    file.close()
    file.close()
    fails_with(errno.EBADF, lambda: file.read_at(0, 3))


def test_writing_a_small_file_replaces_it_and_leaves_nothing_beside(disk: Disk) -> None:
    """write_file leaves exactly the file, with the new content."""
    files, folder = disk
    for content in (b"one", b"", b"three"):
        files.write_file(f"{folder}/a", content)
        assert files.read_file(f"{folder}/a") == content
    assert files.list_folder(folder) == ["a"]


def test_space_is_known(disk: Disk) -> None:
    """Free space is no more than all of it."""
    files, folder = disk
    space = files.space(folder)
    assert 0 < space.free_bytes <= space.total_bytes
