"""Removing shard files that nothing names.

- Those whose last row was dropped: known to the index as garbage, removed after a grace that lets readers
  finish.
- Those that no row ever named: uploads that never came to a commit. Found by walking the folders after every
  start and once in a while, removed when they are old.
- Unfinished ones of an earlier process: no record can ever name them.
- Anything strange: another drive's file, a name that is no data id. To quarantine, never deleted.

A file is only removed while no commit that names it is on its way (`pinned`).
"""

from __future__ import annotations

from collections.abc import Container, Iterable

import structlog

from rustfs_node.drive.engine import DriveEngine
from rustfs_node.drive.quarantine import quarantine
from rustfs_proto.disk.layout import (
    SHARD_FOLDER,
    is_shard_subfolder,
    parse_shard_name,
    shard_path,
    shard_subfolder,
)
from rustfs_proto.disk.shard_file import BLOCK_BYTES, ShardFlaw, decode_shard_header

log = structlog.get_logger("drive")


class Sweep:
    """Where the walk over the folders is, and what it is about to judge."""

    def __init__(self, engine: DriveEngine) -> None:
        self._engine = engine
        self._folder = f"{engine.address.path}/{SHARD_FOLDER}"
        self._names: list[tuple[str, str]] = []
        self._subfolders: list[str] = []
        self._next_walk_s = 0.0
        self._is_walking = False

    def is_due(self, now_s: float) -> bool:
        """Whether the walk is under way, or it is time for another one."""
        if not self._is_walking and now_s >= self._next_walk_s:
            self._next_walk_s = now_s + self._engine.settings.orphan_grace_s
            self._is_walking = True
        return self._is_walking

    def garbage(self, pinned: Container[bytes]) -> list[bytes]:
        """Data ids whose files may be removed now."""
        engine, settings = self._engine, self._engine.settings
        until_ms = engine.clock.wall_ms() - int(settings.sweep_grace_s * 1000)
        found = engine.index.garbage(until_ms, settings.sweep_step_files)
        return [data_id for data_id in found if data_id not in pinned and not engine.index.refers(data_id)]

    def remove(self, data_ids: Iterable[bytes]) -> None:
        """Remove their files, durably. Blocks."""
        files, root = self._engine.files, self._engine.address.path
        folders: dict[str, None] = {}
        for data_id in data_ids:
            path = f"{root}/{shard_path(data_id)}"
            if files.exists(path):
                files.remove(path)
                folders[shard_subfolder(data_id)] = None
        for name in folders:
            files.sync_folder(f"{self._folder}/{name}")

    def forget(self, data_ids: Iterable[bytes]) -> None:
        """Their files are gone."""
        engine = self._engine
        gone = list(data_ids)
        for data_id in gone:
            engine.shard_readers.forget(data_id)
        engine.index.begin()
        engine.index.forget_garbage(gone)
        engine.index.commit(engine.index.position)

    def look(self) -> list[tuple[str, str]]:
        """The next few names, as (subfolder, name). Blocks."""
        files = self._engine.files
        if not self._subfolders and not self._names:
            self._subfolders = files.list_folder(self._folder)
        while not self._names and self._subfolders:
            subfolder = self._subfolders.pop()
            if is_shard_subfolder(subfolder):
                self._names = [(subfolder, name) for name in files.list_folder(f"{self._folder}/{subfolder}")]
            else:
                self._set_aside(f"{self._folder}/{subfolder}")
        step = self._engine.settings.sweep_step_files
        names, self._names = self._names[:step], self._names[step:]
        self._is_walking = bool(self._names or self._subfolders)
        return names

    def unknown(self, names: Iterable[tuple[str, str]], pinned: Container[bytes]) -> list[tuple[str, str]]:
        """Those of the names that no row and no writer has to do with."""
        return [entry for entry in names if self._is_unknown(*entry, pinned)]

    def _is_unknown(self, subfolder: str, name: str, pinned: Container[bytes]) -> bool:
        parsed = parse_shard_name(subfolder, name)
        if parsed is None:
            return True
        data_id, is_finished = parsed
        if data_id in pinned or self._engine.shard_writers.has(data_id):
            return False
        return not is_finished or not self._engine.index.refers(data_id)

    def judge(self, names: Iterable[tuple[str, str]]) -> None:
        """Remove what is old and unfinished or orphaned, set aside what is strange. Blocks."""
        for subfolder, name in names:
            try:
                self._judge_one(f"{self._folder}/{subfolder}/{name}", parse_shard_name(subfolder, name))
            except FileNotFoundError:
                # Finished, given up or swept since it was listed: there is nothing left to judge.
                continue

    def _judge_one(self, path: str, parsed: tuple[bytes, bool] | None) -> None:
        engine = self._engine
        if parsed is None:
            self._set_aside(path)
            return
        data_id, is_finished = parsed
        if not is_finished:
            if not engine.shard_writers.has(data_id):
                engine.files.remove(path)
        elif not self._is_ours(path, data_id):
            self._set_aside(path)
        elif engine.files.stat(path).modified_s < self._orphans_before_s():
            log.info("orphan_removed", data_id=data_id.hex())
            engine.files.remove(path)

    def _orphans_before_s(self) -> float:
        return self._engine.clock.wall_ms() / 1000 - self._engine.settings.orphan_grace_s

    def _is_ours(self, path: str, data_id: bytes) -> bool:
        file = self._engine.files.open(path, write=False)
        try:
            header = decode_shard_header(file.read_at(0, BLOCK_BYTES), self._engine.place, data_id)
        finally:
            file.close()
        return not isinstance(header, ShardFlaw)

    def _set_aside(self, path: str) -> None:
        target = quarantine(self._engine.files, self._engine.address.path, path)
        log.warning("strange_file", found=path, moved_to=target)
