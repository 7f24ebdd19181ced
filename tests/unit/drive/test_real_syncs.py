"""What the kernel is asked for where something is to be durable: a power cut cannot be tried on a real disk,
so the system calls themselves are looked at.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from rustfs_node.seams.node_files import write_private
from rustfs_node.seams.real_files import RealFiles

Calls = list[tuple[str, str]]
"""System calls in order, each with the name of the file or folder that it was for."""


def name_of(fd: int) -> str:
    return os.path.basename(os.readlink(f"/proc/self/fd/{fd}"))


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> Calls:
    """What is asked of the kernel from now on: writes, syncs, renames."""
    seen: Calls = []

    def watch(call: str, subject: Callable[..., str]) -> None:
        real = getattr(os, call)

        def watched(*args: object, **options: object) -> object:
            seen.append((call, subject(*args)))
            return real(*args, **options)

        monkeypatch.setattr(os, call, watched)

    for call in ("pwritev", "fsync", "fdatasync"):
        watch(call, lambda fd, *_: name_of(fd))
    for call in ("rename", "link"):
        watch(call, lambda _, target: os.path.basename(target))
    return seen


def test_a_synced_file_is_synced(tmp_path: Path, calls: Calls) -> None:
    """After what was written, on the very file."""
    file = RealFiles().open(str(tmp_path / "log"), create=True)
    file.write_at(0, [b"record"])
    file.sync()
    file.close()
    assert calls == [("pwritev", "log"), ("fdatasync", "log")]


def test_a_synced_folder_is_synced(tmp_path: Path, calls: Calls) -> None:
    """With fsync on a descriptor of its own, which is closed again."""
    (tmp_path / "folder").mkdir()
    before = os.listdir("/proc/self/fd")
    RealFiles().sync_folder(str(tmp_path / "folder"))
    assert calls == [("fsync", "folder")]
    assert os.listdir("/proc/self/fd") == before


def test_a_file_that_is_replaced_is_never_half_of_it(tmp_path: Path, calls: Calls) -> None:
    """The bytes before the name, the name before the return: identities and layouts are written so."""
    (tmp_path / "drive").mkdir()
    RealFiles().write_file(str(tmp_path / "drive" / "rustfs.json"), b"{}")
    assert calls == [
        ("pwritev", ".rustfs.json.tmp"),
        ("fsync", ".rustfs.json.tmp"),
        ("rename", "rustfs.json"),
        ("fsync", "drive"),
    ]


@pytest.mark.parametrize("replace", [True, False])
def test_the_node_s_own_files_are_as_safe(tmp_path: Path, calls: Calls, *, replace: bool) -> None:
    """Credentials and what the node remembers of its mounts."""
    (tmp_path / "state").mkdir()
    write_private(str(tmp_path / "state" / "secret"), b"x", replace=replace)
    (first, temporary), named, last = calls
    assert first == "fsync" and temporary.startswith(".secret.")
    assert named == ("rename" if replace else "link", "secret")
    assert last == ("fsync", "state")
