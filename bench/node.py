"""The whole table of docs/performance.md in one go: a node of four drives, the bare server and the drives
themselves, measured in turns on this machine.
"""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import IO

import attrs

from bench.fill import fill
from bench.report import Claim, first_outcome, ratio
from bench.run import Row, ask, best_of
from bench.wire import Requests, list_bucket, list_key
from bench.work import Endpoint, Work

KIB, MIB = 1 << 10, 1 << 20
SMALL_BYTES, LARGE_BYTES = 4 * KIB, 16 * MIB
SMALL_BUCKET_KEYS = 10_000
BARE_OPERATIONS = ("put", "overwrite", "get", "head", "delete")

_PARALLEL_DRIVES = 4
_SET_BYTES = 512 * MIB


def keys_for(operation: str, object_bytes: int) -> int:
    """Objects for each load process: many, but no more than half a gigabyte of them. A key is new once and
    can be deleted once, so those operations need more.
    """
    wanted = {"put": 20_000, "delete": 5000}.get(operation, 1000)
    return max(16, min(wanted, _SET_BYTES // max(1, object_bytes)))


@attrs.frozen
class Plan:
    """What to measure, and for how long."""

    connections: int = 32
    seconds: float = 5.0
    turns: int = 3
    large_bucket_keys: int = 1_000_000
    small_bucket_keys: int = SMALL_BUCKET_KEYS
    object_bytes: int = LARGE_BYTES
    keys_per_process: int = 0
    """0: as many as `keys_for` says."""

    def objects(self) -> list[Work]:
        """Work on objects."""
        operations = ("put", "get", "overwrite", "head", "delete")
        small = [self._work(operation, SMALL_BYTES) for operation in operations]
        return [*small, *(self._work(operation, self.object_bytes) for operation in ("put", "get"))]

    def listings(self) -> list[Work]:
        """Pages of the small bucket and of the large one."""
        sizes = (self.small_bucket_keys, self.large_bucket_keys)
        return [Work("list", 0, self.connections, self.seconds, bucket_keys=size) for size in sizes]

    def _work(self, operation: str, size: int) -> Work:
        keys = self.keys_per_process or keys_for(operation, size)
        return Work(operation, size, self.connections, self.seconds, keys_per_process=keys)


def claims(rows: Sequence[Row], plan: Plan) -> list[Claim]:
    """The bounds that every release is held to."""
    titles = [work.title for work, _ in rows]
    put_small, get_small, _, _, _, put_large, get_large, few_keys, many_keys = titles
    pages = [first_outcome(rows, title) for title in (few_keys, many_keys)]
    slower = pages[1].quantile_ms(0.5) / pages[0].quantile_ms(0.5)
    found = [
        Claim(f"{put_small}: requests of the bare server's", ratio(rows, put_small, "bare"), at_least=0.25),
        Claim(f"{get_small}: requests of the bare server's", ratio(rows, get_small, "bare"), at_least=0.33),
        Claim(f"{put_large}: of plain parallel writes", ratio(rows, put_large, "drives"), at_least=0.5),
        Claim(f"{get_large}: of the bare server's", ratio(rows, get_large, "bare"), at_least=0.25),
        Claim(f"a page of {plan.large_bucket_keys:,} keys: times as long", slower, at_most=1.5),
    ]
    for title in (put_small, get_small):
        outcome = first_outcome(rows, title)
        for role, limit in (("acceptor", 200), ("set", 80), ("drive", 30)):
            found.append(Claim(f"{title}: CPU µs/op of each {role}", outcome.cpu_us(role), at_most=limit))
    return found


def measure_node(folders: Sequence[Path], plan: Plan) -> list[Row]:
    """Start everything, measure, stop everything. One folder gets four drives, several get one each."""
    homes = list(folders) if len(folders) > 1 else [folders[0] / f"{n + 1}" for n in range(_PARALLEL_DRIVES)]
    drives = [home / "node" for home in homes]
    plain = [home / "plain" for home in homes]
    for path in (*drives, *plain):
        path.mkdir(parents=True, exist_ok=True)
    secret = os.urandom(16).hex()
    parity = len(drives) // 2 if len(drives) < 8 else 4
    files = Endpoint(
        "drives",
        "",
        0,
        "",
        "",
        "",
        folders=tuple(map(str, plain)),
        data_shards=len(drives) - parity,
        operations=("put",),
    )
    with tempfile.TemporaryDirectory(prefix="bench-") as runtime, bare_server() as bare:
        with running_node(drives, Path(runtime), secret) as node:
            rows = [best_of([node, bare, files], work, plan.turns) for work in plan.objects()]
            missing = [work for work in plan.listings() if not _make_bucket(node, work)]
        for work in missing:
            fill([str(drive) for drive in drives], list_bucket(node, work.bucket_keys), work.bucket_keys)
        with running_node(drives, Path(runtime), secret) as node:
            return rows + [best_of([node], work, plan.turns) for work in plan.listings()]


def _make_bucket(node: Endpoint, work: Work) -> bool:
    """Make the bucket to be listed; whether it was filled before."""
    source, bucket = Requests(node, work, ""), list_bucket(node, work.bucket_keys)
    ask(node, source.create_bucket(bucket))
    return ask(node, source.head_of(bucket, list_key(work.bucket_keys - 1))) == 200


def four_drives(folder: Path, *, may_exist: bool = False) -> list[Path]:
    """Folders for the drives of a node."""
    drives = [folder / f"{number + 1}" for number in range(_PARALLEL_DRIVES)]
    for drive in drives:
        drive.mkdir(parents=True, exist_ok=may_exist)
    return drives


@contextlib.contextmanager
def running_node(
    drives: Sequence[Path], runtime: Path, secret: str, settings: Mapping[str, str] | None = None
) -> Iterator[Endpoint]:
    """A node on those folders, with the settings that it has by default but for these."""
    port = _free_port()
    # A folder of its own: the node removes all that is in it when it ends.
    (runtime / "bus").mkdir(mode=0o700, exist_ok=True)
    state = {"XDG_STATE_HOME": str(runtime / "state")}
    keys = {"RUSTFS_ACCESS_KEY": "bench", "RUSTFS_SECRET_KEY": secret}
    environment = os.environ | keys | state | dict(settings or {})
    command = [sys.executable, "-m", "rustfs_node.cli.main", "serve", "--address", f"127.0.0.1:{port}"]
    command += ["--runtime-dir", str(runtime / "bus"), *map(str, drives)]
    with (runtime / "node.log").open("ab") as log, _started(command, log, environment) as pid:
        yield Endpoint("node", "127.0.0.1", port, "bench", secret, "bench", pids=(pid,))


@contextlib.contextmanager
def bare_server() -> Iterator[Endpoint]:
    """`bench.bare` on a free port."""
    port = _free_port()
    command = [sys.executable, "-m", "bench.bare", str(port)]
    with _started(command, None, os.environ) as pid:
        yield Endpoint(
            "bare", "127.0.0.1", port, "bench", "bench", "bench", pids=(pid,), operations=BARE_OPERATIONS
        )


@contextlib.contextmanager
def _started(command: Sequence[str], log: IO[bytes] | None, environment: Mapping[str, str]) -> Iterator[int]:
    """The process id of a program that has said that it serves; it is told to stop at the end."""
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log, env=environment) as process:
        try:
            assert process.stdout is not None
            if not any(b"serves" in line for line in process.stdout):
                said = Path(log.name).read_text(errors="replace").splitlines()[-5:] if log else []
                raise SystemExit("\n".join([f"{command[2]} ended with status {process.wait()}", *said]))
            yield process.pid
        finally:
            process.terminate()
            process.wait()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
