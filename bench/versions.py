"""What a key costs that has thousands of versions, beside keys that have one: both measured in turns, one
request at a time, so that whatever disturbs one disturbs the other.
"""

from __future__ import annotations

import tempfile
import time
from pathlib import Path
from statistics import median

import attrs

from bench.connection import Connection
from bench.node import four_drives, running_node
from bench.report import Claim
from bench.run import ask
from bench.wire import Requests
from bench.work import Endpoint, Work

BODY_BYTES = 4096
ROUNDS = 400
SLOWER_MAX = 1.2
"""How many times as long a request of the key with many versions may take."""

_ENABLED = b"<VersioningConfiguration><Status>Enabled</Status></VersioningConfiguration>"


@attrs.define
class _Client:
    """One connection, and keys of which `many` has all the versions."""

    endpoint: Endpoint
    requests: Requests
    connection: Connection
    keys: int = 0

    def time_s(self, method: str, key: str) -> float:
        """How long one request takes; raises SystemExit where it is not answered 200."""
        body = self.requests.bodies.body(self.keys) if method == "PUT" else memoryview(b"")
        request = self.requests.of(method, f"/{self.endpoint.bucket}/{key}", body)
        began_s = time.perf_counter()
        self.connection.begin(request, keep_body=False)
        while not self.connection.step():
            pass
        if self.connection.status != 200:
            raise SystemExit(f"{method} of {key} was answered {self.connection.status}")
        return time.perf_counter() - began_s

    def new_key(self) -> str:
        """A key that has no version yet."""
        self.keys += 1
        return f"key-{self.keys}"


def measure_versions(folder: Path, versions: int) -> list[Claim]:
    """Start a node of four drives below `folder`, give a key that many versions, compare."""
    drives = four_drives(folder, may_exist=True)
    with (
        tempfile.TemporaryDirectory(prefix="bench-") as runtime,
        running_node(drives, Path(runtime), "bench-secret") as node,
    ):
        return _compare(_prepared(node, versions), versions)


def _prepared(node: Endpoint, versions: int) -> _Client:
    requests = Requests(node, Work("put", BODY_BYTES, 1, 0), "")
    ask(node, requests.create_bucket(node.bucket))
    ask(node, requests.of("PUT", f"/{node.bucket}?versioning=", memoryview(_ENABLED)))
    connection = Connection(node.host, node.port)
    connection.socket.setblocking(True)
    client = _Client(node, requests, connection)
    for _ in range(versions):
        client.time_s("PUT", "many")
    return client


def _compare(client: _Client, versions: int) -> list[Claim]:
    times: dict[str, list[float]] = {"PUT one": [], "PUT many": [], "GET one": [], "GET many": []}
    for _ in range(ROUNDS):
        key = client.new_key()
        times["PUT one"].append(client.time_s("PUT", key))
        times["PUT many"].append(client.time_s("PUT", "many"))
        times["GET one"].append(client.time_s("GET", key))
        times["GET many"].append(client.time_s("GET", "many"))
    return [
        Claim(
            f"{method} of a key with {versions:,} versions: times as long as of one with one",
            median(times[f"{method} many"]) / median(times[f"{method} one"]),
            at_most=SLOWER_MAX,
        )
        for method in ("PUT", "GET")
    ]
