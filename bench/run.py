"""Spreads a piece of work over load processes and adds up what they report, with the server's CPU time beside
it.
"""

from __future__ import annotations

import json
import secrets
import subprocess
import sys

import attrs

from bench.connection import Connection
from bench.cpu import Times, between, times_of
from bench.load import perform, send
from bench.wire import Prepared, Requests, list_bucket, list_key
from bench.work import Endpoint, Outcome, RoleTime, Work

Row = tuple[Work, list[tuple[Endpoint, Outcome]]]

_NEED_OBJECTS = ("overwrite", "get", "head", "delete", "mixed")
_FILL_BATCH_KEYS = 10_000


def measure(endpoint: Endpoint, work: Work) -> Outcome:
    """Run `work` against `endpoint` now. Objects that it needs must have been put before (`prepare`)."""
    before = times_of(endpoint.pids)
    turn = f"{secrets.token_hex(4)}/" if work.operation == "put" else ""
    shares = enumerate(_shares(work))
    running = [_start(endpoint, work, share, _prefix(work, number) + turn) for number, share in shares]
    outcomes = [_finish(process) for process in running]
    return _sum(outcomes, between(before, times_of(endpoint.pids)))


def best_of(endpoints: list[Endpoint], work: Work, turns: int) -> Row:
    """Each endpoint's best turn by rate, taken in turns: what disturbs a turn makes it slower, never faster.
    Endpoints that cannot do the operation are left out.
    """
    able = [endpoint for endpoint in endpoints if work.operation in endpoint.operations]
    for endpoint in able:
        prepare(endpoint, work)
    taken: dict[str, list[Outcome]] = {endpoint.name: [] for endpoint in able}
    for _ in range(turns):
        for endpoint in able:
            taken[endpoint.name].append(measure(endpoint, work))
    return work, [
        (endpoint, max(taken[endpoint.name], key=lambda outcome: outcome.rate)) for endpoint in able
    ]


def prepare(endpoint: Endpoint, work: Work) -> None:
    """Make the bucket and put every object that `work` will read, replace or delete."""
    if endpoint.folders:
        return
    source = Requests(endpoint, work, "")
    if work.bucket_keys:
        fill_by_puts(endpoint, work, source)
        return
    ask(endpoint, source.create_bucket(endpoint.bucket))
    if work.operation not in _NEED_OBJECTS:
        return
    puts = attrs.evolve(work, operation="put", seconds=0)
    for number, share in enumerate(_shares(work)):
        outcome = perform(endpoint, puts, share, _prefix(work, number))
        if outcome.errors:
            raise SystemExit(
                f"{endpoint.name}: {outcome.errors} of {outcome.operations} preparing PUTs failed"
            )


def fill_by_puts(endpoint: Endpoint, work: Work, source: Requests) -> None:
    """Make the bucket that `work` lists, unless its last key is there already."""
    bucket = list_bucket(endpoint, work.bucket_keys)
    if ask(endpoint, source.head_of(bucket, list_key(work.bucket_keys - 1))) == 200:
        return
    ask(endpoint, source.create_bucket(bucket))
    puts = Work("put", 0, work.connections, 0)
    for start in range(0, work.bucket_keys, _FILL_BATCH_KEYS):
        numbers = range(start, min(start + _FILL_BATCH_KEYS, work.bucket_keys))
        batch = [source.put_empty(bucket, list_key(number)) for number in numbers]
        outcome = send(endpoint, puts, batch, source, work.connections)
        if outcome.errors:
            raise SystemExit(f"{endpoint.name}: {outcome.errors} PUTs that fill {bucket} failed")


def ask(endpoint: Endpoint, request: Prepared) -> int:
    """The status that one request is answered with."""
    try:
        connection = Connection(endpoint.host, endpoint.port)
    except OSError as error:
        address = f"{endpoint.host}:{endpoint.port}"
        raise SystemExit(f"{endpoint.name}: nobody answers at {address} ({error})") from error
    connection.socket.setblocking(True)
    connection.begin(request, keep_body=True)
    while not connection.step():
        pass
    connection.socket.close()
    if connection.status in {400, 403}:
        text = connection.received.decode(errors="replace")
        raise SystemExit(f"{endpoint.name} refused the first request with {connection.status}: {text}")
    return connection.status


def _shares(work: Work) -> list[int]:
    """How many connections each load process has."""
    processes = min(work.processes, work.connections)
    return [work.connections // processes + (n < work.connections % processes) for n in range(processes)]


def _prefix(work: Work, number: int) -> str:
    return f"bench-{work.object_bytes}-{number}/"


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
    found = json.loads(output)
    roles = {role: RoleTime(**time) for role, time in found.pop("roles").items()}
    return Outcome(**found, roles=roles)


def _sum(outcomes: list[Outcome], server: Times) -> Outcome:
    roles = dict(server)
    for outcome in outcomes:
        for role, time in outcome.roles.items():
            before = roles.get(role, RoleTime(0, 0.0))
            roles[role] = RoleTime(before.processes + time.processes, before.cpu_s + time.cpu_s)
    return Outcome(
        operations=sum(o.operations for o in outcomes),
        errors=sum(o.errors for o in outcomes),
        wrong=sum(o.wrong for o in outcomes),
        seconds=max(o.seconds for o in outcomes),
        object_bytes=outcomes[0].object_bytes,
        latencies_s=tuple(latency for o in outcomes for latency in o.latencies_s),
        roles=roles,
    )
