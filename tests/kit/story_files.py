"""The file system that stories are told on: files in memory that may fail, and where the index lies."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from rustfs_node.drive.index_file import IN_MEMORY
from rustfs_node.seams.files import FileStat
from rustfs_node.seams.real_files import RealFiles
from rustfs_proto.disk.layout import INDEX_COMPANIONS, LOG_FOLDER, SHARD_FOLDER
from tests.kit.faulty_files import FaultyFiles


class StoryFiles(FaultyFiles):
    """A faulty file system whose index, if it is not in memory, is a real file: SQLite cannot be told where
    else to write.
    """

    def __init__(self, index_at: str = IN_MEMORY, page_bytes: int = 4096) -> None:
        super().__init__(page_bytes=page_bytes)
        self.index_at = index_at

    def exists(self, path: str) -> bool:
        return RealFiles().exists(path) if path.startswith(self.index_at) else super().exists(path)

    def stat(self, path: str) -> FileStat:
        return RealFiles().stat(path) if path.startswith(self.index_at) else super().stat(path)

    def remove(self, path: str) -> None:
        if path.startswith(self.index_at):
            RealFiles().remove(path)
        else:
            super().remove(path)


def index_names(index_at: str) -> list[Path]:
    return [Path(index_at), *(Path(index_at + suffix) for suffix in INDEX_COMPANIONS)]


def files_below(files: FaultyFiles, folder: str) -> Iterator[str]:
    """Every file, but for those in quarantine."""
    for name in files.list_folder(folder):
        path = os.path.join(folder, name)
        if not files.stat(path).is_folder:
            yield path
        elif name in {LOG_FOLDER, SHARD_FOLDER} or folder != "/drive":
            yield from files_below(files, path)
