"""A storm from its first process killed to its last file swept, and its figures."""

from __future__ import annotations

import random
import statistics
import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import attrs

from rustfs_proto.erasure.geometry import default_parity
from tests.kit.node import RunningNode
from tests.node.storm.aftermath import Findings, check_everything, unexplained
from tests.node.storm.killer import Kill, Killer, schedule
from tests.node.storm.machine import Machine
from tests.node.storm.model import Deaths
from tests.node.storm.writer import BUCKET, Writer, Wrong

WRITERS = 3
SLOW_WRITERS = 1
"""Writers whose bodies arrive in pieces, so that kills meet them half-way."""

SLOW_PIECE_S = 0.03
OPERATIONS_BETWEEN_KILLS = (3, 40)
"""Acknowledged ones, so that every life of a process sees some."""


@attrs.define
class Report:
    """The figures of a storm."""

    seed: int
    kills: list[Kill]
    operations: Counter[str]
    doubts: Counter[str]
    findings: Findings
    lasted_s: float

    def text(self) -> str:
        """For people."""
        done, doubts = sum(self.operations.values()), sum(self.doubts.values())
        lines = [
            f"seed {self.seed}: {len(self.kills)} kills in {self.lasted_s:.0f} s",
            f"  {done} operations acknowledged, {doubts} in doubt",
            f"  {dict(sorted(self.operations.items()))}",
            f"  in doubt: {dict(sorted(self.doubts.items()))}",
            f"  {self.findings}",
            "  seconds from the kill until a PUT and a GET succeed, as they were",
            *self._table(lambda kill: kill.serving_s),
            "  the same without what other users of the machine took",
            *self._table(lambda kill: kill.own_s),
        ]
        return "\n".join(lines)

    def _table(self, seconds: Callable[[Kill], float]) -> list[str]:
        lines = [f"  {'kind':<12}{'kills':>6}{'p50':>8}{'p90':>8}{'max':>8}"]
        for kind in [*sorted({kill.kind for kill in self.kills}), ""]:
            times = sorted(seconds(kill) for kill in self.kills if kind in {kill.kind, ""})
            p90 = times[min(len(times) - 1, int(0.9 * len(times)))]
            name, p50 = kind or "together", statistics.median(times)
            lines.append(f"  {name:<12}{len(times):>6}{p50:>8.2f}{p90:>8.2f}{times[-1]:>8.2f}")
        return lines


def run_storm(folder: Path, kills: int, seed: int, say=lambda _text: None, drives: int = 4) -> Report:
    """All of it, over a set of that many drives. Raises `Wrong` where a promise is broken."""
    began_s = time.monotonic()
    with RunningNode(folder, drives=drives) as node:
        node.boto3().create_bucket(Bucket=BUCKET)
        writers, done = _storm(node, kills, seed, say)
        findings = check_everything(node, writers)
        node.stop()
        check_log(node, done)
    operations = sum((writer.done for writer in writers), Counter())
    doubts = sum((writer.doubts for writer in writers), Counter())
    return Report(seed, done, operations, doubts, findings, time.monotonic() - began_s)


def _storm(node: RunningNode, kills: int, seed: int, say) -> tuple[list[Writer], list[Kill]]:
    deaths, stop, acknowledged = Deaths(), threading.Event(), threading.Semaphore(0)
    count, drives = WRITERS + SLOW_WRITERS, len(node.drive_paths)
    reads_last = 2 * default_parity(drives) != drives
    tell = acknowledged.release
    writers = [
        Writer(node, number, count, seed, deaths, stop, tell, reads_last, SLOW_PIECE_S * (number >= WRITERS))
        for number in range(count)
    ]
    chance = random.Random(f"moments {seed}")
    done: list[Kill] = []
    with Machine(node.folder) as machine, ThreadPoolExecutor(count) as pool:
        killer = Killer(node, seed, deaths, machine)
        running = [pool.submit(writer.run) for writer in writers]
        try:
            for kind in schedule(kills, seed):
                _let_work(node, acknowledged, running, chance.randint(*OPERATIONS_BETWEEN_KILLS))
                stop.wait(chance.random() * 0.03)
                done.append(killer.kill(kind))
                say(f"{len(done):4} {kind:<11}{done[-1].serving_s:7.2f} s, own {done[-1].own_s:.2f} s")
            _let_work(node, acknowledged, running, OPERATIONS_BETWEEN_KILLS[1])
        finally:
            stop.set()
        for future in running:
            future.result()
    for writer in writers:
        writer.client.close()
    return writers, done


def _let_work(
    node: RunningNode, acknowledged: threading.Semaphore, running: Sequence[Future[None]], operations: int
) -> None:
    """Wait for so many successes of the writers; a writer that ended found something wrong."""
    while acknowledged.acquire(blocking=False):
        pass
    for _ in range(operations):
        while not acknowledged.acquire(timeout=1):
            _check_running(running)
    _check_running(running)


def _check_running(running: Sequence[Future[None]]) -> None:
    for future in running:
        if future.done():
            future.result()
            raise Wrong("a writer ended by itself")


def check_log(node: RunningNode, kills: Sequence[Kill]) -> None:
    """Nothing died but what was killed, and nobody logged an error."""
    log = node.log_text()
    died = log.count("worker_died")
    # The supervisor does not count the forge among its workers, and tells nobody of its own death.
    victims = sum(len({*kill.victims} - {"forge"}) for kill in kills if kill.victims[0] != "supervisor")
    if died != victims:
        raise Wrong(f"{victims} workers were killed and {died} died\n{node.log_tail()}")
    errors = unexplained(log)
    if errors:
        raise Wrong("\n".join([f"{len(errors)} errors in the log:", *errors[:20]]))
