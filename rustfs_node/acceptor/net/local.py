"""The node's own socket, by which root and the node's user administer it without keys.

It lies in the runtime folder, which nobody else may enter (mode 0700), and the kernel says of each who
connects which user it is. What comes by it may ask for administration and metrics; S3 requests are signed
there as everywhere.
"""

from __future__ import annotations

import os
import socket
import struct

from rustfs_node.seams.node_files import remove_socket

NAME = "admin"
"""In the runtime folder."""

LOCAL = "local"
"""What the log calls such a client."""

_UCRED = struct.Struct("3i")
_ROOT = 0


def open_local(runtime_dir: str, backlog: int) -> socket.socket:
    """Listen there, in place of an acceptor that died. Raises `OSError`."""
    path = f"{runtime_dir}/{NAME}"
    remove_socket(path)
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        listener.setblocking(False)
        listener.bind(path)
        listener.listen(backlog)
    except OSError:
        listener.close()
        raise
    return listener


def is_of_owner(connected: socket.socket) -> bool:
    """Whether root or the node's own user is at the other end."""
    _, user, _ = _UCRED.unpack(connected.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _UCRED.size))
    return user in {_ROOT, os.geteuid()}
