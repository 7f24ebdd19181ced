"""Small documents that a person may have touched: rustfs.json, layout.json, configuration, ranges of drives.

Every input goes to every reader. What is accepted is written again and read as the same.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from rustfs_node.config import ConfigError, load
from rustfs_proto.disk.identity import DriveIdentity, IdentityError, format_identity, parse_identity
from rustfs_proto.topology.deployment import (
    Deployment,
    DeploymentError,
    SetRecord,
    SlotRecord,
    format_deployment,
    parse_deployment,
)
from rustfs_proto.topology.ellipses import RANGE_MAX, EllipsesError, expand
from tests.fuzz.campaign import Target

T = TypeVar("T")
_ID = "6f3a1c52-0000-4000-8000-00000000abcd"


def _attempt(read: Callable[[], T], error: type[Exception]) -> T | None:
    try:
        return read()
    except error as refusal:
        told = str(refusal)
    assert told, "a refusal says what to do"
    return None


def check(data: bytes) -> str:
    """See the module."""
    accepted = []
    identity = _attempt(lambda: parse_identity(data), IdentityError)
    if identity is not None:
        assert parse_identity(format_identity(identity)) == identity
        accepted.append("identity")
    deployment = _attempt(lambda: parse_deployment(data), DeploymentError)
    if deployment is not None:
        assert parse_deployment(format_deployment(deployment)) == deployment
        accepted.append("layout")
    if _attempt(lambda: load(data, {}, {}), ConfigError) is not None:
        accepted.append("configuration")
    text = data.decode("utf-8", "replace")
    environment = {
        "RUSTFS_BUS_BATCH_CALLS": text,
        "RUSTFS_ACCEPTOR_DOMAINS": text,
        "RUSTFS_BUS_TIMER_S": text,
    }
    if _attempt(lambda: load(b"", environment, {}), ConfigError) is not None:
        accepted.append("environment")
    paths = _attempt(lambda: expand(text), EllipsesError)
    if paths is not None:
        assert 0 < len(paths) <= RANGE_MAX
        accepted.append("ranges" if len(paths) > 1 else "path")
    return " ".join(accepted)


def seeds() -> list[bytes]:
    identity = DriveIdentity(_ID, 0, 2, 4, _ID.replace("a", "b"), 1)
    sets = (SetRecord(2, (SlotRecord(_ID, "/mnt/a"), SlotRecord())),)
    return [
        format_identity(identity),
        format_identity(identity.healing("a reason")),
        format_deployment(Deployment(_ID, 3, complete=True, sets=sets)),
        b'[node]\nvolumes = ["/data{1...4}"]\n[acceptor]\naddress = ":9000"\n[bus]\nbatch_calls = 10\n',
        b"12",
        b"/mnt/shelf{a...c}/disk{01...12}",
    ]


TARGET = Target(
    "documents",
    check,
    seeds,
    executions=2500,
    tokens=(
        b"{", b"}", b"[", b"]", b'"', b"'", b'"""', b":", b",", b"\\", b"\\ud800", b"\\u0000", b"...",
        b"{1...9}", b"{0...ffff}", b"\n", b"[node]\n",
        b"[acceptor]\n", b"null", b"true", b"1e400", b"nan", b"-1", b"inf", b"[[", b"{{", b"a.b.c = 1\n",
        b"address = ", b'"format":1', b'"check":', b"\xff",
        b"2024-01-01T00:00:00Z", b"0x1F", b"1_000", b"=", b"#", b"9" * 30,
    ),
)  # fmt: skip
