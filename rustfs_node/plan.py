"""The plan of a node: what the supervisor decided at its start and every process reads.

A plan is a value; it goes through one JSON file, mode 0600 because it carries the credentials, in the runtime
folder. This module knows no files: `seams` reads and writes the bytes.
"""

from __future__ import annotations

import attrs
import msgspec

from rustfs_node.config import Settings

SOCKET_PATH_BYTES_MAX = 107
"""sun_path of unix(7) holds 108 bytes, the last of them zero."""


@attrs.frozen
class Credentials:
    """The owner's key pair."""

    access_key: str
    secret_key: str = attrs.field(repr=False)


@attrs.frozen
class DrivePlan:
    """One slot of an erasure set. A non-empty `fault` says why this drive takes no part: no worker runs for
    it.
    """

    slot: int
    name: str
    endpoint: str
    path: str
    drive_id: str
    healing: bool = False
    fault: str = ""


@attrs.frozen
class SetPlan:
    """An erasure set of `k` data and `m` parity shards; `drives` by slot, `k + m` of them. `class_parities`:
    the parity shards of each storage class that has fewer.
    """

    index: int
    name: str
    endpoint: str
    k: int
    m: int
    drives: tuple[DrivePlan, ...]
    class_parities: tuple[tuple[str, int], ...] = ()


@attrs.frozen
class NodePlan:
    """Everything that a process of this node is told. `node_number` is the writer part of its stamps."""

    deployment_id: str
    node_number: int
    settings: Settings
    sets: tuple[SetPlan, ...]
    runtime_dir: str
    credentials: Credentials


def encode_plan(plan: NodePlan) -> bytes:
    """The plan as it stands in its file."""
    return msgspec.json.format(msgspec.json.encode(plan), indent=1)


def decode_plan(raw: bytes) -> NodePlan:
    """The inverse of `encode_plan`; raises `msgspec.DecodeError` on anything else."""
    return msgspec.json.decode(raw, type=NodePlan)


def drive_name(set_index: int, slot: int) -> str:
    """Name of a drive worker on the bus and in the logs."""
    return f"drive-{set_index}-{slot}"


def set_name(set_index: int) -> str:
    """Name of a set worker on the bus and in the logs."""
    return f"set-{set_index}"


def acceptor_name(number: int) -> str:
    """Name of an acceptor on the bus and in the logs."""
    return f"acceptor-{number}"


def endpoint_of(runtime_dir: str, name: str) -> str:
    """The ZeroMQ endpoint of a worker; `ValueError` where the system's limit of socket paths is exceeded."""
    path = f"{runtime_dir}/{name}"
    size_bytes = len(path.encode())
    if size_bytes > SOCKET_PATH_BYTES_MAX:
        raise ValueError(
            f"socket path {path} has {size_bytes} bytes, the system allows {SOCKET_PATH_BYTES_MAX}:"
            " choose a shorter --runtime-dir"
        )
    return f"ipc://{path}"
