"""What a power cut leaves of each way to write, as ext4, xfs and btrfs were seen to do it.

Each row begins with the folder holding the file "a" with the content "old", all of it durable. `left` is what
is there after an immediate cut. Rows that are `promised` leave exactly that, on any file system and whatever
it wrote by itself; the others leave it here, and nobody may rely on it.

Rows for O_TMPFILE are missing, because the seam has no such files.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import attrs

from rustfs_node.seams.files import File, Files
from rustfs_node.seams.memory_files import MemoryFiles

Left = dict[str, bytes]
OLD = b"old" * 2000
NEW = b"new" * 2000


@attrs.frozen
class Row:
    """`act` gets the file system and the folder."""

    name: str
    act: Callable[[Files, str], None]
    left: Left
    promised: bool = False

    def __str__(self) -> str:
        return self.name


def create(files: Files, path: str, content: bytes = NEW) -> File:
    file = files.open(path, create=True)
    file.write_at(0, [content])
    return file


def replace(files: Files, folder: str, *, sync: bool, sync_folder: bool, sync_after: bool = False) -> None:
    """A temporary file that takes the place of "a"."""
    file = create(files, f"{folder}/new")
    if sync:
        file.sync()
    files.rename(f"{folder}/new", f"{folder}/a")
    if sync_after:
        file.sync()
    if sync_folder:
        files.sync_folder(folder)
    file.close()


def rename_only(files: Files, folder: str) -> None:
    replace(files, folder, sync=False, sync_folder=False)


def sync_and_rename(files: Files, folder: str) -> None:
    replace(files, folder, sync=True, sync_folder=False)


def sync_rename_sync_folder(files: Files, folder: str) -> None:
    replace(files, folder, sync=True, sync_folder=True)


def rename_and_sync_after(files: Files, folder: str) -> None:
    replace(files, folder, sync=False, sync_folder=False, sync_after=True)


def write_file(files: Files, folder: str) -> None:
    files.write_file(f"{folder}/a", NEW)


def new_file_in_new_folder(files: Files, folder: str) -> None:
    files.make_folder(f"{folder}/f")
    file = create(files, f"{folder}/f/b")
    file.sync()
    file.close()


def new_file_in_new_folder_all_synced(files: Files, folder: str) -> None:
    new_file_in_new_folder(files, folder)
    files.sync_folder(f"{folder}/f")
    files.sync_folder(folder)


def overwrite(files: Files, folder: str, *, at: int, sync: bool) -> None:
    file = files.open(f"{folder}/a")
    file.write_at(at, [NEW])
    if sync:
        file.sync()
    file.close()


def overwrite_unsynced(files: Files, folder: str) -> None:
    overwrite(files, folder, at=0, sync=False)


def overwrite_synced(files: Files, folder: str) -> None:
    overwrite(files, folder, at=0, sync=True)


def append_unsynced(files: Files, folder: str) -> None:
    overwrite(files, folder, at=len(OLD), sync=False)


def append_synced(files: Files, folder: str) -> None:
    overwrite(files, folder, at=len(OLD), sync=True)


def allocate_write_sync(files: Files, folder: str) -> None:
    """What a log segment goes through."""
    file = files.open(f"{folder}/b", create=True)
    file.allocate(8192)
    file.sync()
    files.sync_folder(folder)
    file.write_at(100, [NEW])
    file.sync()
    file.close()


def truncate_synced(files: Files, folder: str) -> None:
    file = files.open(f"{folder}/a")
    file.truncate(3)
    file.sync()
    file.close()


def remove_only(files: Files, folder: str) -> None:
    files.remove(f"{folder}/a")


def remove_and_sync_folder(files: Files, folder: str) -> None:
    files.remove(f"{folder}/a")
    files.sync_folder(folder)


def move_and_sync_both(files: Files, folder: str) -> None:
    """What quarantine does."""
    files.make_folder(f"{folder}/f")
    files.sync_folder(folder)
    files.rename(f"{folder}/a", f"{folder}/f/a")
    files.sync_folder(f"{folder}/f")
    files.sync_folder(folder)


SEGMENT = bytes(100) + NEW + bytes(8192 - 100 - len(NEW))
ROWS = (
    Row("write tmp, rename", rename_only, {"a": OLD}),
    Row("write tmp, fsync tmp, rename", sync_and_rename, {"a": OLD, "new": NEW}),
    Row("write tmp, fsync tmp, rename, fsync folder", sync_rename_sync_folder, {"a": NEW}, promised=True),
    Row("write_file of the seam", write_file, {"a": NEW}, promised=True),
    Row("write tmp, rename, fsync renamed", rename_and_sync_after, {"a": NEW}),
    Row("new file in a new folder, fsync file", new_file_in_new_folder, {"a": OLD, "f/b": NEW}),
    Row("the same, fsync folders", new_file_in_new_folder_all_synced, {"a": OLD, "f/b": NEW}, promised=True),
    Row("overwrite", overwrite_unsynced, {"a": OLD}),
    Row("overwrite, fdatasync", overwrite_synced, {"a": NEW}, promised=True),
    Row("append", append_unsynced, {"a": OLD}),
    Row("append, fdatasync", append_synced, {"a": OLD + NEW}, promised=True),
    Row("segment", allocate_write_sync, {"a": OLD, "b": SEGMENT}, promised=True),
    Row("truncate, fdatasync", truncate_synced, {"a": OLD[:3]}, promised=True),
    Row("unlink", remove_only, {"a": OLD}),
    Row("unlink, fsync folder", remove_and_sync_folder, {}, promised=True),
    Row("move, fsync both folders", move_and_sync_both, {"f/a": OLD}, promised=True),
)


def begin(files: Files, folder: str) -> None:
    """The folder as every row finds it."""
    files.make_folder(folder)
    files.write_file(f"{folder}/a", OLD)
    files.sync_folder(folder.rpartition("/")[0] or "/")


def what_is_left(files: Files, folder: str) -> Left:
    """All files below a folder, with their content."""
    left: Left = {}
    for name in files.list_folder(folder):
        path = f"{folder}/{name}"
        if files.stat(path).is_folder:
            left.update({f"{name}/{inner}": found for inner, found in what_is_left(files, path).items()})
        else:
            left[name] = files.read_file(path)
    return left


def outcomes(row: Row) -> list[Left]:
    """Everything that a cut may leave of a row in the file system in memory."""
    found: list[Left] = []
    for chosen in _choices():
        files = MemoryFiles()
        begin(files, "/row")
        row.act(files, "/row")
        files.crash(chosen)
        left = what_is_left(files, "/row")
        if left not in found:
            found.append(left)
    return found


def _choices() -> Iterator[Callable[[], bool]]:
    """Deciders that together answer in every possible way, however many questions that are."""
    fixed: list[bool] = []
    while True:
        asked: list[bool] = []

        def decide(fixed: list[bool] = fixed, asked: list[bool] = asked) -> bool:
            asked.append(fixed[len(asked)] if len(asked) < len(fixed) else False)
            return asked[-1]

        yield decide
        while asked and asked[-1]:
            asked.pop()
        if not asked:
            return
        fixed = [*asked[:-1], True]
