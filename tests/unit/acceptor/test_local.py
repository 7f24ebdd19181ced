"""The node's own socket: who may come in, and that it takes the place of one that was left behind."""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from rustfs_node.acceptor.net.local import NAME, is_of_owner, open_local

NOBODY = 65534
CONNECT = (
    "use Socket; socket(S, AF_UNIX, SOCK_STREAM, 0);"
    " connect(S, sockaddr_un($ARGV[0])) or exit 1; sysread(S, $b, 1)"
)


@contextlib.contextmanager
def listening() -> Iterator[tuple[socket.socket, str]]:
    """In a folder that anybody may enter, unlike a node's."""
    folder = Path(tempfile.mkdtemp(prefix="rn-"))
    folder.chmod(0o755)
    try:
        with contextlib.closing(open_local(str(folder), 4)) as listener:
            listener.settimeout(30)
            (folder / NAME).chmod(0o777)
            yield listener, str(folder / NAME)
    finally:
        shutil.rmtree(folder)


def test_the_nodes_user_is_let_in():
    """Whoever runs the node may connect, also when the socket of an acceptor that died lies there."""
    with listening() as (_, path), contextlib.closing(open_local(os.path.dirname(path), 4)) as second:
        second.settimeout(30)
        with socket.socket(socket.AF_UNIX) as client:
            client.connect(path)
            with second.accept()[0] as connected:
                assert is_of_owner(connected)


@pytest.mark.skipif(
    os.geteuid() != 0 or not shutil.which("perl"), reason="needs root and perl, to be another user"
)
def test_other_users_are_not():
    """Even where the folder would let them through: the kernel says who they are."""
    with listening() as (listener, path):
        with (
            subprocess.Popen(["perl", "-e", CONNECT, path], user=NOBODY, cwd="/") as other,
            listener.accept()[0] as connected,
        ):
            assert not is_of_owner(connected)
        assert other.returncode == 0


def test_what_is_no_socket_is_left_alone(tmp_path):
    """A file that somebody put there is not removed."""
    (tmp_path / NAME).write_text("mine")
    with pytest.raises(OSError):
        open_local(str(tmp_path), 4)
    assert (tmp_path / NAME).read_text() == "mine"
