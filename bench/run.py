"""Spreads a piece of work over load processes and adds up what they report, with the server's CPU time beside
it.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import attrs

from bench.connection import Connection
from bench.load import perform
from bench.wire import Requests
from bench.work import Endpoint, Outcome, Work


def measure(endpoint: Endpoint, work: Work) -> Outcome:
    """Run `work` against `endpoint` now. Objects that a reading operation needs must have been put before
    (`prepare`).
    """
    before = cpu_seconds(endpoint.pid)
    share = max(1, work.connections // work.processes)
    running = [
        _start(endpoint, work, share, f"bench-{work.object_bytes}-{n}/") for n in range(work.processes)
    ]
    outcomes = [_finish(process) for process in running]
    return _sum(outcomes, cpu_seconds(endpoint.pid) - before)


def prepare(endpoint: Endpoint, work: Work) -> None:
    """Make the bucket and put every object that `work` will read or delete."""
    request = Requests(endpoint, work, "").create_bucket()
    connection = Connection(endpoint.host, endpoint.port)
    connection.socket.setblocking(True)
    connection.begin(request, keep_body=False)
    while not connection.step():
        pass
    puts = attrs.evolve(work, operation="put", seconds=0)
    for n in range(work.processes):
        outcome = perform(endpoint, puts, work.connections, f"bench-{work.object_bytes}-{n}/")
        if outcome.errors:
            raise SystemExit(
                f"{endpoint.name}: {outcome.errors} of {outcome.operations} preparing PUTs failed"
            )


def cpu_seconds(pid: int) -> float:
    """User and system time of the process tree under `pid` so far; 0 where `pid` is 0."""
    if not pid:
        return 0.0
    ticks = os.sysconf("SC_CLK_TCK")
    total = 0
    for member in _tree(pid):
        fields = Path(f"/proc/{member}/stat").read_text().rpartition(")")[2].split()
        total += int(fields[11]) + int(fields[12])
    return total / ticks


def _tree(pid: int) -> list[int]:
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [pid, *(member for child in children for member in _tree(int(child)))]


def _start(endpoint: Endpoint, work: Work, connections: int, prefix: str) -> subprocess.Popen[str]:
    process = subprocess.Popen(
        [sys.executable, "-m", "bench.load"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    task = {
        "endpoint": attrs.asdict(endpoint),
        "work": attrs.asdict(work),
        "connections": connections,
        "prefix": prefix,
    }
    assert process.stdin is not None
    process.stdin.write(json.dumps(task) + "\n")
    process.stdin.flush()
    return process


def _finish(process: subprocess.Popen[str]) -> Outcome:
    output, _ = process.communicate()
    if process.returncode:
        raise SystemExit(f"a load process ended with status {process.returncode}")
    return Outcome(**json.loads(output))


def _sum(outcomes: list[Outcome], cpu_s: float) -> Outcome:
    return Outcome(
        operations=sum(o.operations for o in outcomes),
        errors=sum(o.errors for o in outcomes),
        wrong=sum(o.wrong for o in outcomes),
        seconds=max(o.seconds for o in outcomes),
        object_bytes=outcomes[0].object_bytes,
        latencies_s=tuple(latency for o in outcomes for latency in o.latencies_s),
        cpu_s=cpu_s,
    )
