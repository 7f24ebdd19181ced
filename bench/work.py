"""What to do to an endpoint, as values that travel to the load processes as JSON."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import urlsplit

import attrs

OPERATIONS = ("put", "get", "head", "delete", "list", "mixed")
"""`mixed` is 45 % get, 30 % put, 15 % head, 10 % list, in a fixed order that every endpoint sees."""

MIX = ("get", "put", "head", "get", "put", "get", "list", "get", "put", "get") * 2
MIX_HEADS = (3, 13, 18)
"""Places in `MIX` that are heads instead, which makes the shares come out."""


@attrs.frozen
class Endpoint:
    """Where to send requests. `pid` is the root of the server's process tree, for CPU accounting;
    0: unknown.
    """

    name: str
    host: str
    port: int
    access_key: str
    secret_key: str
    bucket: str
    region: str = "us-east-1"
    pid: int = 0


@attrs.frozen
class Work:
    """One measurement: `connections` clients spread over `processes`, each repeating `operation` for
    `seconds`.

    `object_bytes` is the size of every body; keys go round `keys_per_process`; one read in `verify_every` is
    compared byte by byte.
    """

    operation: str
    object_bytes: int
    connections: int
    seconds: float
    processes: int = 2
    keys_per_process: int = 1000
    verify_every: int = 16
    seed: int = 1


@attrs.frozen
class Outcome:
    """What came of one `Work` on one endpoint. Latencies in seconds; `cpu_s` is the server's, 0 where
    unknown.
    """

    operations: int
    errors: int
    wrong: int
    seconds: float
    object_bytes: int
    latencies_s: tuple[float, ...]
    cpu_s: float = 0.0

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

    @property
    def cpu_us(self) -> float:
        """CPU microseconds of the server for each operation."""
        return 1e6 * self.cpu_s / self.operations if self.operations else 0.0


def parse_endpoint(text: str, access_key: str, secret_key: str, bucket: str) -> Endpoint:
    """`NAME=http://host:port` or `NAME=http://host:port,pid=123`; raises ValueError with the form
    expected.
    """
    name, found, rest = text.partition("=")
    url, _, option = rest.partition(",pid=")
    parts = urlsplit(url)
    if not found or parts.scheme != "http" or not parts.hostname or not parts.port:
        raise ValueError(f"{text!r} is not NAME=http://HOST:PORT[,pid=N]")
    return Endpoint(name, parts.hostname, parts.port, access_key, secret_key, bucket, pid=int(option or 0))


def to_json(value: Any) -> str:
    """An attrs value as one line of JSON."""
    return json.dumps(attrs.asdict(value))
