"""systemd's end of the notification socket: everything a node says of itself, in order, however late it is
asked for. It stands in a folder, because names without one end at the border of a network namespace.
"""

from __future__ import annotations

import os
import queue
import select
import socket
import subprocess
import tempfile
import threading


class Notices:
    """Reads from its start to `close`, so that the node never meets a full socket."""

    def __init__(self) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="rn-")
        self.path = f"{self._folder.name}/notices"
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(self.path)
        self._said: queue.SimpleQueue[str | None] = queue.SimpleQueue()
        self._stop = os.eventfd(0)
        self._thread: threading.Thread | None = None

    def watch(self, process: subprocess.Popen[bytes]) -> None:
        """Begin to read; the end of that process is noticed too."""
        self._thread = threading.Thread(target=self._read, args=(os.pidfd_open(process.pid),), daemon=True)
        self._thread.start()

    def _read(self, ended: int) -> None:
        while True:
            readable, _, _ = select.select([self._socket, ended, self._stop], [], [])
            if self._socket in readable:
                self._said.put(self._socket.recv(65536).decode())
            else:
                break
        os.close(ended)
        self._said.put(None)

    def next(self, timeout_s: float) -> str | None:
        """The next notice, None when the process has ended; `queue.Empty` when there is none in time."""
        said = self._said.get(timeout=timeout_s)
        if said is None:
            self._said.put(None)
        return said

    def discard(self) -> None:
        """Forget what was said until now."""
        while not self._said.empty():
            if self._said.get() is None:
                self._said.put(None)
                return

    def close(self) -> None:
        """Stop reading."""
        os.eventfd_write(self._stop, 1)
        if self._thread is not None:
            self._thread.join()
        os.close(self._stop)
        self._socket.close()
        self._folder.cleanup()
