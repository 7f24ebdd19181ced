"""The plan of a node: what the supervisor decided at its start and every process reads.

A plan is a value; it goes through one JSON file, mode 0600 because it carries the credentials, in the runtime
folder. This module knows no files: `seams` reads and writes the bytes.
"""

from __future__ import annotations

import attrs
import msgspec

from rustfs_node.config import Settings

CONTROL = "control"
"""Name of the supervisor on the bus of its node."""

SOCKET_PATH_BYTES_MAX = 107
"""sun_path of unix(7) holds 108 bytes, the last of them zero."""


@attrs.frozen
class Credentials:
    """The owner's key pair."""

    access_key: str
    secret_key: str = attrs.field(repr=False)


@attrs.frozen
class BusKeys:
    """The key pair of this node on the buses of the cluster, in Z85."""

    public: str
    secret: str = attrs.field(repr=False)


@attrs.frozen
class PeerNode:
    """A node of the cluster: its name in the endpoints, and what its bus keys show it by."""

    name: str
    public_key: str


@attrs.frozen
class DrivePlan:
    """One slot of an erasure set, on the node of that number. A non-empty `fault` says why this drive takes
    no part: no worker runs for it. `endpoint` is how this node's processes reach it; where it is a drive of
    this node, `listen` is how other nodes do, empty where there are none.
    """

    slot: int
    name: str
    endpoint: str
    path: str
    drive_id: str
    healing: bool = False
    fault: str = ""
    node: int = 0
    listen: str = ""


@attrs.frozen
class ProcessPlan:
    """A process as others reach it: a set's worker on one of its nodes, or a node's first acceptor;
    `endpoint` and `listen` as those of a drive.
    """

    node: int
    name: str
    endpoint: str
    listen: str = ""


@attrs.frozen
class SetPlan:
    """An erasure set of `k` data and `m` parity shards; `drives` by slot, `k + m` of them. `name` and
    `endpoint` are those of its worker that this node's acceptors ask: the node's own where it has drives of
    the set. `workers` are all of its workers, one on each node that has drives of it. `class_parities`: the
    parity shards of each storage class that has fewer. `is_added`: the deployment was founded without it.
    `pool` is the number of its pool.
    """

    index: int
    name: str
    endpoint: str
    k: int
    m: int
    drives: tuple[DrivePlan, ...]
    class_parities: tuple[tuple[str, int], ...] = ()
    workers: tuple[ProcessPlan, ...] = ()
    is_added: bool = False
    pool: int = 0


@attrs.frozen
class NodePlan:
    """Everything that a process of this node is told. `node_number` is its place in `nodes` and the writer
    part of its stamps; `nodes`, `keys` and `contacts`, the first acceptor of each node, are for clusters
    only. `origins`: from where each setting comes that is not left at its default.
    """

    deployment_id: str
    node_number: int
    settings: Settings
    sets: tuple[SetPlan, ...]
    runtime_dir: str
    credentials: Credentials
    nodes: tuple[PeerNode, ...] = ()
    keys: BusKeys | None = None
    contacts: tuple[ProcessPlan, ...] = ()
    origins: dict[str, str] = attrs.field(factory=dict)

    def own_drives(self, one: SetPlan) -> tuple[DrivePlan, ...]:
        """The drives of the set that lie on this node."""
        return tuple(drive for drive in one.drives if drive.node == self.node_number)

    def own_worker(self, one: SetPlan) -> ProcessPlan | None:
        """This node's worker of the set, if it has drives of it."""
        if not one.workers:
            return ProcessPlan(self.node_number, one.name, one.endpoint)
        return next((worker for worker in one.workers if worker.node == self.node_number), None)


def encode_plan(plan: NodePlan) -> bytes:
    """The plan as it stands in its file."""
    return msgspec.json.format(msgspec.json.encode(plan), indent=1)


def decode_plan(raw: bytes) -> NodePlan:
    """The inverse of `encode_plan`; raises `msgspec.DecodeError` on anything else."""
    return msgspec.json.decode(raw, type=NodePlan)


def drive_name(set_index: int, slot: int) -> str:
    """Name of a drive worker on the bus and in the logs."""
    return f"drive-{set_index}-{slot}"


def set_name(set_index: int, node: int = 0) -> str:
    """Name of a set worker on the bus and in the logs. The first node's needs no number."""
    return f"set-{set_index}.{node}" if node else f"set-{set_index}"


def acceptor_name(number: int, node: int = 0) -> str:
    """Name of an acceptor on the bus and in the logs, likewise."""
    return f"acceptor-{number}.{node}" if node else f"acceptor-{number}"


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
