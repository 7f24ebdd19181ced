"""One load process: reads an endpoint, a piece of work and its share of it from standard input, prints the
outcome as JSON.

A single thread drives all its connections by epoll; requests are signed before the clock starts.
"""

from __future__ import annotations

import json
import select
import sys
import time

import attrs

from bench import drives
from bench.connection import Connection
from bench.wire import Prepared, Requests
from bench.work import MIX, MIX_HEADS, Endpoint, Outcome, Work

_LIST_PAGES = 500
"""Different pages that a load process asks for, again and again."""


@attrs.define
class _Run:
    work: Work
    requests: list[Prepared]
    source: Requests
    deadline_s: float = 0.0
    next_index: int = 0
    errors: int = 0
    wrong: int = 0
    latencies_s: list[float] = attrs.field(factory=list)

    def start(self, connection: Connection) -> None:
        request = self.requests[self.next_index % len(self.requests)]
        self.next_index += 1
        verify = request.expects >= 0 and self.next_index % self.work.verify_every == 0
        connection.begin(request, keep_body=verify)

    def finish(self, connection: Connection) -> None:
        self.latencies_s.append(time.perf_counter() - connection.began_s)
        request = connection.request
        assert request is not None
        is_error = not 200 <= connection.status < 300
        self.errors += is_error
        if connection.received and not is_error:
            self.wrong += not self.source.is_right(self.work.operation, request.expects, connection.received)

    @property
    def over(self) -> bool:
        once = self.work.operation == "delete" or self.work.seconds == 0
        return time.perf_counter() >= self.deadline_s or (once and self.next_index >= len(self.requests))


def operations_of(work: Work) -> list[str]:
    """What one load process does, in order, until it begins anew."""
    if work.operation == "list":
        return ["list"] * min(_LIST_PAGES, work.keys_per_process)
    if work.operation != "mixed":
        return [work.operation] * work.keys_per_process
    mix = ["head" if place in MIX_HEADS else name for place, name in enumerate(MIX)]
    return [mix[i % len(mix)] for i in range(work.keys_per_process)]


def _drive(run: _Run, connections: list[Connection]) -> None:
    poll = select.epoll()
    by_fd = {c.socket.fileno(): c for c in connections}
    for fd, connection in by_fd.items():
        run.start(connection)
        poll.register(fd, select.EPOLLIN | select.EPOLLOUT | select.EPOLLET)
    busy = len(connections)
    while busy:
        for fd, _ in poll.poll():
            connection = by_fd[fd]
            while connection.request is not None and connection.step():
                run.finish(connection)
                if run.over:
                    connection.request = None
                    busy -= 1
                else:
                    run.start(connection)


def perform(endpoint: Endpoint, work: Work, connections: int, prefix: str) -> Outcome:
    """Do the work and say what came of it. With `work.seconds` 0 every key is visited once, however long it
    takes.
    """
    if endpoint.folders:
        return drives.perform(endpoint, work, connections, prefix)
    source = Requests(endpoint, work, prefix)
    requests = [source.build(operation, index) for index, operation in enumerate(operations_of(work))]
    return send(endpoint, work, requests, source, connections)


def send(
    endpoint: Endpoint, work: Work, requests: list[Prepared], source: Requests, connections: int
) -> Outcome:
    """Send those requests over so many connections."""
    run = _Run(work, requests, source)
    clients = [Connection(endpoint.host, endpoint.port) for _ in range(min(connections, len(requests)))]
    began = time.perf_counter()
    run.deadline_s = began + (work.seconds or float("inf"))
    _drive(run, clients)
    seconds = time.perf_counter() - began
    for client in clients:
        client.socket.close()
    return Outcome(
        len(run.latencies_s), run.errors, run.wrong, seconds, work.object_bytes, tuple(run.latencies_s)
    )


def main() -> None:
    """Read the task, work, answer."""
    task = json.loads(sys.stdin.readline())
    endpoint = Endpoint(**task["endpoint"])
    outcome = perform(endpoint, Work(**task["work"]), task["connections"], task["prefix"])
    sys.stdout.write(json.dumps(attrs.asdict(outcome)))


if __name__ == "__main__":
    main()
