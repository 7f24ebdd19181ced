"""What to do to an endpoint, as values that travel to the load processes as JSON."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

import attrs

OPERATIONS = ("put", "overwrite", "get", "head", "delete", "list", "mixed")
"""`put` stores under keys that are new in every turn, `overwrite` under those that are there. `mixed` is 45 %
get, 30 % put, 15 % head, 10 % list, in a fixed order that every endpoint sees.
"""

MIX = ("get", "put", "head", "get", "put", "get", "list", "get", "put", "get") * 2
MIX_HEADS = (3,)
"""Places in `MIX` that are heads instead, which makes the shares come out."""

PAGE_KEYS = 1000
"""Keys of one page of a listing: S3's largest."""

_FORMS = "NAME=http://HOST:PORT[,pid=N+N][,only=OP+OP] or NAME=drives:/FOLDER,/FOLDER?k=N"


@attrs.frozen
class Endpoint:
    """Where to send requests. `pids` are the roots of the server's process trees, for CPU accounting.

    With `folders` it is no server: objects are written into files there, `data_shards` of each object's
    shards holding data. `operations` are those that it can do.
    """

    name: str
    host: str
    port: int
    access_key: str
    secret_key: str
    bucket: str
    region: str = "us-east-1"
    pids: tuple[int, ...] = ()
    folders: tuple[str, ...] = ()
    data_shards: int = 1
    operations: tuple[str, ...] = OPERATIONS


@attrs.frozen
class Work:
    """One measurement: `connections` clients spread over `processes`, each repeating `operation` for
    `seconds`.

    `object_bytes` is the size of every body; keys go round `keys_per_process`; one read in `verify_every` is
    compared byte by byte. `bucket_keys` is how many keys the bucket of a `list` holds, in which pages begin
    at random; 0: the listing of whatever other work has put, from its beginning.
    """

    operation: str
    object_bytes: int
    connections: int
    seconds: float
    processes: int = 2
    keys_per_process: int = 1000
    verify_every: int = 16
    seed: int = 1
    bucket_keys: int = 0

    @property
    def title(self) -> str:
        """The first cell of its row."""
        if self.bucket_keys:
            return f"list {PAGE_KEYS} of {self.bucket_keys:,} x{self.connections}"
        return f"{self.operation} {size_text(self.object_bytes)} x{self.connections}"


@attrs.frozen
class RoleTime:
    """Processor seconds of all processes of one role together."""

    processes: int
    cpu_s: float


@attrs.frozen
class Outcome:
    """What came of one `Work` on one endpoint. Latencies in seconds; `roles` is what the server's processes
    took, by role, empty where unknown.
    """

    operations: int
    errors: int
    wrong: int
    seconds: float
    object_bytes: int
    latencies_s: tuple[float, ...]
    roles: dict[str, RoleTime] = attrs.field(factory=dict)

    @property
    def rate(self) -> float:
        """Completed operations a second."""
        return self.operations / self.seconds if self.seconds else 0.0

    @property
    def mib_rate(self) -> float:
        """Payload MiB a second."""
        return self.rate * self.object_bytes / (1 << 20)

    def quantile_ms(self, q: float) -> float:
        """The latency below which that share of the operations stayed, in milliseconds."""
        if not self.latencies_s:
            return 0.0
        ordered = sorted(self.latencies_s)
        return 1000 * ordered[min(len(ordered) - 1, int(q * len(ordered)))]

    def cpu_us(self, role: str = "") -> float:
        """CPU microseconds for each operation: of the whole server, or of each single process of `role` where
        every operation meets all of them (drives), or of all together where it meets one (acceptors, sets).
        """
        if not self.operations:
            return 0.0
        if not role:
            return 1e6 * sum(time.cpu_s for time in self.roles.values()) / self.operations
        time = self.roles.get(role, RoleTime(1, 0.0))
        shared_by = time.processes if role == "drive" else 1
        return 1e6 * time.cpu_s / self.operations / shared_by


def parse_endpoint(text: str, access_key: str, secret_key: str, bucket: str) -> Endpoint:
    """One of the two forms on the command line; raises ValueError with both."""
    name, found, rest = text.partition("=")
    if not found or not name:
        raise ValueError(f"{text!r} is not {_FORMS}")
    if rest.startswith("drives:"):
        return _parse_drives(text, name, rest.removeprefix("drives:"))
    url, *options = rest.split(",")
    parts = urlsplit(url)
    given = dict(option.partition("=")[::2] for option in options)
    if parts.scheme != "http" or not parts.hostname or not parts.port or given.keys() - {"pid", "only"}:
        raise ValueError(f"{text!r} is not {_FORMS}")
    operations = tuple(given["only"].split("+")) if "only" in given else OPERATIONS
    pids = tuple(map(int, given["pid"].split("+"))) if "pid" in given else ()
    return Endpoint(
        name, parts.hostname, parts.port, access_key, secret_key, bucket, pids=pids, operations=operations
    )


def _parse_drives(text: str, name: str, rest: str) -> Endpoint:
    folders, _, option = rest.partition("?k=")
    paths = tuple(folders.split(","))
    if not option.isdigit() or not 0 < int(option) <= len(paths) or not all(paths):
        raise ValueError(f"{text!r} is not {_FORMS}")
    return Endpoint(name, "", 0, "", "", "", folders=paths, data_shards=int(option), operations=("put",))


def size_text(size_bytes: int) -> str:
    """A size for people."""
    for unit, scale in (("MiB", 1 << 20), ("KiB", 1 << 10)):
        if size_bytes >= scale and size_bytes % scale == 0:
            return f"{size_bytes // scale} {unit}"
    return f"{size_bytes} B"


def to_json(value: Any) -> dict[str, Any]:
    """An attrs value as what JSON can carry."""
    return attrs.asdict(value)
