"""The node's own few files beside its drives: configuration, credentials, the plan, the runtime folder; and
the lock of a drive's folder.

Everything written here may hold secrets: folders get mode 0700 and files 0600 from the moment they exist.
"""

from __future__ import annotations

import fcntl
import os
import stat
import tempfile


def read_bytes(path: str) -> bytes:
    """All of a small file; `OSError` where that fails."""
    with open(path, "rb") as file:
        return file.read()


def write_private(path: str, content: bytes, *, replace: bool = True) -> None:
    """Write a file durably and in one step, mode 0600. Without `replace` an existing file is
    `FileExistsError`.
    """
    folder = os.path.dirname(path) or "."
    fd, temporary = tempfile.mkstemp(dir=folder, prefix=f".{os.path.basename(path)}.", suffix=".tmp")
    try:
        with os.fdopen(fd, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(fd)
        if replace:
            os.rename(temporary, path)
        else:
            os.link(temporary, path)
            os.unlink(temporary)
    # Whatever stops us, a half-written secret does not stay behind.
    except BaseException:
        if os.path.exists(temporary):
            os.unlink(temporary)
        raise
    folder_fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(folder_fd)
    finally:
        os.close(folder_fd)


def is_private(path: str) -> bool:
    """Whether nobody but the owner may read the file."""
    return not os.stat(path).st_mode & (stat.S_IRWXG | stat.S_IRWXO)


def make_private_folder(path: str) -> None:
    """Make a folder with its parents for this user alone, or accept one that is exactly that.

    `PermissionError` where it belongs to somebody else, is open to others, or is a link: in a folder that all
    may write to, another user could have put it there to listen in.
    """
    os.makedirs(os.path.dirname(path) or ".", mode=0o755, exist_ok=True)
    try:
        os.mkdir(path, 0o700)
    except FileExistsError:
        found = os.lstat(path)
        if not stat.S_ISDIR(found.st_mode):
            raise NotADirectoryError(f"{path} is not a folder") from None
        if found.st_uid != os.geteuid():
            raise PermissionError(f"{path} belongs to user {found.st_uid}, not to {os.geteuid()}") from None
        if found.st_mode & (stat.S_IRWXG | stat.S_IRWXO):
            mode = stat.S_IMODE(found.st_mode)
            raise PermissionError(f"{path} has mode {mode:04o}, expected 0700: chmod 700 {path}") from None


def ensure_folder(path: str) -> None:
    """Have a folder, with its parents; new ones are for this user alone, present ones stay as they are."""
    os.makedirs(path, mode=0o700, exist_ok=True)


def remove_socket(path: str) -> None:
    """Make room for a socket where a process that is gone has left its own; what else lies there stays."""
    try:
        if stat.S_ISSOCK(os.lstat(path).st_mode):
            os.unlink(path)
    except FileNotFoundError:
        pass


def may_use_socket(path: str) -> bool:
    """Whether a socket lies there that this user may connect to."""
    try:
        return stat.S_ISSOCK(os.stat(path).st_mode) and os.access(path, os.R_OK | os.W_OK)
    except OSError:
        return False


def temporary_parent(preferred: tuple[str, ...]) -> str:
    """The first of the preferred folders that we may write to, else the system's temporary folder."""
    usable = (
        parent for parent in preferred if os.path.isdir(parent) and os.access(parent, os.W_OK | os.X_OK)
    )
    return next(usable, tempfile.gettempdir())


def empty_folder(path: str) -> None:
    """Remove the plain files and sockets in a folder."""
    for name in os.listdir(path):
        os.unlink(os.path.join(path, name))


def mount_point_of(path: str) -> str:
    """Where the file system that holds `path` is mounted; for a path that does not exist, that of its nearest
    ancestor that does.
    """
    place = os.path.realpath(path)
    while not os.path.exists(place):
        place = os.path.dirname(place)
    while not os.path.ismount(place):
        place = os.path.dirname(place)
    return place


class FolderLock:
    """An exclusive lock on a folder, held until `close` or the death of the process."""

    def __init__(self, fd: int) -> None:
        self._fd = fd

    def close(self) -> None:
        """Release; a second call does nothing."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1


def lock_folder(path: str) -> FolderLock | None:
    """Take the lock of a folder or, if another process holds it, return None.

    Every process that writes on a drive holds the lock of its folder, so that an old worker never writes
    beside its successor. A child does not inherit it (O_CLOEXEC).
    """
    fd = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(fd)
        return None
    # Cancellation too must not leak the descriptor.
    except BaseException:
        os.close(fd)
        raise
    return FolderLock(fd)
