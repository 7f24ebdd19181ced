"""What the kernel may do to a write, and the real file system's answer to it."""

from __future__ import annotations

import errno
import fcntl
import os
from pathlib import Path

import pytest

from rustfs_node.seams.real_files import RealFiles


def test_short_writes_are_continued(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """However little the kernel takes at a time, all buffers arrive in order."""
    pwritev = os.pwritev
    monkeypatch.setattr(os, "pwritev", lambda fd, buffers, at: pwritev(fd, [bytes(buffers[0])[:3]], at))
    file = RealFiles().open(str(tmp_path / "a"), create=True)
    file.write_at(2, [b"abcde", b"f", bytearray(b"ghij"), b"k"])
    assert file.read_at(0, 100) == b"\0\0abcdefghijk"
    file.close()


def test_a_write_of_nothing_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A kernel that takes no byte would be asked for ever."""
    monkeypatch.setattr(os, "pwritev", lambda *_: 0)
    file = RealFiles().open(str(tmp_path / "a"), create=True)
    with pytest.raises(OSError, match="wrote nothing"):
        file.write_at(0, [b"abc"])
    file.close()


def test_links_are_not_followed(tmp_path: Path) -> None:
    """A drive's files are files: a link could lead anywhere."""
    (tmp_path / "target").write_bytes(b"x")
    (tmp_path / "link").symlink_to(tmp_path / "target")
    with pytest.raises(OSError):
        RealFiles().open(str(tmp_path / "link"))


@pytest.mark.parametrize(("number", "direct_writes"), [(errno.EAGAIN, 2), (errno.EINVAL, 1)])
def test_a_direct_write_that_the_kernel_does_not_take(tmp_path, monkeypatch, number, direct_writes):
    """The same bytes go through the cache; where it was only for the moment the next is direct again."""
    file = RealFiles().open(str(tmp_path / "f"), create=True)
    block, real, refused = memoryview(bytes(4096)), os.pwritev, []

    def pwritev(fd, buffers, offset):
        if fcntl.fcntl(fd, fcntl.F_GETFL) & os.O_DIRECT:
            refused.append(offset)
            raise OSError(number, os.strerror(number))
        return real(fd, buffers, offset)

    monkeypatch.setattr(os, "pwritev", pwritev)
    for offset in (0, 4096):
        file.write_aligned(offset, block)
    assert len(refused) == direct_writes
    assert file.size_bytes() == 8192
    file.close()
