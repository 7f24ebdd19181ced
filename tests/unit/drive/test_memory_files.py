"""The power cuts of the file system in memory: the durability table that ext4, xfs and btrfs were seen to
follow.
"""

from __future__ import annotations

import errno

import pytest

from rustfs_node.seams.memory_files import MemoryFiles


@pytest.fixture
def files() -> MemoryFiles:
    """A folder /d with the file /d/old, all of it durable."""
    files = MemoryFiles()
    files.make_folder("/d")
    files.sync_folder("/")
    files.write_file("/d/old", b"old")
    return files


def write(files: MemoryFiles, path: str, content: bytes, *, sync: bool) -> None:
    file = files.open(path, create=True)
    file.write_at(0, [content])
    if sync:
        file.sync()


def test_a_rename_without_folder_sync_is_lost(files: MemoryFiles) -> None:
    """write, fsync, rename: the old content."""
    write(files, "/d/new", b"new", sync=True)
    files.rename("/d/new", "/d/old")
    files.crash()
    assert files.read_file("/d/old") == b"old"


def test_a_rename_with_folder_sync_is_kept(files: MemoryFiles) -> None:
    """write, fsync, rename, fsync of the folder: the new content."""
    files.write_file("/d/old", b"new")
    files.crash()
    assert files.read_file("/d/old") == b"new" and files.list_folder("/d") == ["old"]


def test_a_synced_name_without_synced_content_is_empty(files: MemoryFiles) -> None:
    """The folder's sync does not bring the content along."""
    write(files, "/d/new", b"new", sync=False)
    files.sync_folder("/d")
    files.crash()
    assert files.read_file("/d/new") == b""


def test_overwriting_needs_a_sync(files: MemoryFiles) -> None:
    """Old content without one, new content with one."""
    file = files.open("/d/old")
    file.write_at(0, [b"NEW"])
    files.crash()
    assert files.read_file("/d/old") == b"old"
    file = files.open("/d/old")
    file.write_at(0, [b"NEW"])
    file.sync()
    files.crash()
    assert files.read_file("/d/old") == b"NEW"


def test_a_removal_without_folder_sync_comes_back(files: MemoryFiles) -> None:
    """Unlink alone is undone by the cut, with a folder sync it is not."""
    files.remove("/d/old")
    files.crash()
    assert files.exists("/d/old")
    files.remove("/d/old")
    files.sync_folder("/d")
    files.crash()
    assert not files.exists("/d/old")


def test_a_new_folder_is_lost_with_what_is_in_it(files: MemoryFiles) -> None:
    """Syncing a folder does not sync its own name."""
    files.make_folder("/d/f")
    write(files, "/d/f/a", b"a", sync=True)
    files.sync_folder("/d/f")
    files.crash()
    assert files.list_folder("/d") == ["old"]


def test_a_failed_sync_forgets(files: MemoryFiles) -> None:
    """The second sync succeeds, reads show the new content, and the cut brings the old one back."""
    file = files.open("/d/old")
    file.write_at(0, [b"NEW"])

    def fail_sync(call: str, path: str) -> None:
        if call == "sync":
            raise OSError(errno.EIO, "injected", path)

    files.on_call = fail_sync
    with pytest.raises(OSError, match="injected"):
        file.sync()
    files.on_call = lambda *_: None
    file.sync()
    assert files.read_file("/d/old") == b"NEW"
    files.crash()
    assert files.read_file("/d/old") == b"old"


def test_a_cut_may_keep_some_pages(files: MemoryFiles) -> None:
    """What was not synced may survive page by page."""
    file = files.open("/d/old")
    file.write_at(0, [b"N" * 8192])
    file.sync()
    file.write_at(0, [b"M" * 8192])
    kept = iter([True, False, True])
    files.crash(lambda: next(kept))
    assert files.read_file("/d/old") == b"N" * 4096 + b"M" * 4096


def test_a_dead_process_cannot_write_any_more(files: MemoryFiles) -> None:
    """Files opened before a cut or a kill are unusable afterwards."""
    file = files.open("/d/old")
    files.kill()
    with pytest.raises(OSError, match="dead"):
        file.write_at(0, [b"late"])
    assert files.read_file("/d/old") == b"old"


def test_space_runs_out(files: MemoryFiles) -> None:
    """ENOSPC where the file would not fit, and nothing is changed."""
    files.total_bytes = 1000
    file = files.open("/d/old")
    with pytest.raises(OSError) as caught:
        file.allocate(2000)
    assert caught.value.errno == errno.ENOSPC and file.size_bytes() == 3
