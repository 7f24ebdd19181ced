"""Where each setting comes from."""

from __future__ import annotations

from rustfs_node.config import load, origins_after, origins_of

FILE = b"[node]\nacceptors = 2\nlog_level = 'warning'\naccess_key = 'abc'\nsecret_key = 'in the file'\n"
ENVIRONMENT = {"RUSTFS_NODE_ACCEPTORS": "3", "RUSTFS_SECRET_KEY_FILE": "/s", "RUSTFS_REGION": "r"}


def test_the_last_source_is_told():
    """Of several sources that is told whose value is in force; a key pair comes from one as a whole, and
    what is left at its default is not there.
    """
    assert origins_of(FILE, ENVIRONMENT, {"acceptor": {"region": "s"}}) == {
        "node.acceptors": "environment",
        "node.log_level": "file",
        "node.secret_key_file": "environment",
        "acceptor.region": "argument",
    }
    assert origins_of(b"", {}, {}) == {}


def test_a_reload_changes_what_it_took():
    """What was read again comes from the file, or is a default again; the rest comes from where it came."""
    before, after = load(FILE, {}, {}), load(b"[node]\nacceptors = 2\nlog_level = 'error'\n", {}, {})
    assert origins_after({"node.acceptors": "argument"}, before, after) == {
        "node.acceptors": "argument",
        "node.log_level": "file",
    }
    assert "node.log_level" not in origins_after({"node.log_level": "file"}, before, load(b"", {}, {}))
