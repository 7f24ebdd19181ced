"""The drives' own speed: objects as plain files, written in parallel and synced.

An object of B bytes is a new file of B / k bytes in each folder, so that together they are B × N / k, the
bytes that an erasure-coded object of k data shards in N shards occupies. Each file is created, written and
fdatasynced; the object is done when all of them are. They are removed when the clock has stopped.
"""

from __future__ import annotations

import itertools
import os
import resource
import time
from concurrent.futures import ThreadPoolExecutor

from bench.wire import Bodies
from bench.work import Endpoint, Outcome, RoleTime, Work


def perform(endpoint: Endpoint, work: Work, in_flight: int, prefix: str) -> Outcome:
    """Keep `in_flight` objects under way for `work.seconds`."""
    shard_bytes = -(-work.object_bytes // endpoint.data_shards)
    shard = Bodies(shard_bytes, work.seed).body(0)
    stem = f"bench-{prefix.strip('/').replace('/', '-')}-{os.getpid()}"
    numbers = itertools.count()
    latencies_s: list[float] = []
    written: list[str] = []
    began_cpu_s, began = _cpu_s(), time.perf_counter()
    with ThreadPoolExecutor(in_flight * len(endpoint.folders)) as writers:

        def repeat() -> None:
            while (start := time.perf_counter()) < began + work.seconds:
                number = next(numbers)
                paths = [f"{folder}/{stem}-{number}" for folder in endpoint.folders]
                written.extend(paths)
                list(writers.map(_write, paths, itertools.repeat(shard)))
                latencies_s.append(time.perf_counter() - start)

        with ThreadPoolExecutor(in_flight) as clients:
            for client in [clients.submit(repeat) for _ in range(in_flight)]:
                client.result()
    seconds, cpu_s = time.perf_counter() - began, _cpu_s() - began_cpu_s
    for path in written:
        os.unlink(path)
    roles = {"server": RoleTime(1, cpu_s)}
    return Outcome(len(latencies_s), 0, 0, seconds, work.object_bytes, tuple(latencies_s), roles)


def _write(path: str, shard: memoryview) -> None:
    descriptor = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_CLOEXEC, 0o600)
    try:
        while len(shard):
            shard = shard[os.write(descriptor, shard) :]
        os.fdatasync(descriptor)
    finally:
        os.close(descriptor)


def _cpu_s() -> float:
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime
