"""Who is killed, when, and how long it takes until the node serves again.

The time counts from the kill to the end of the first PUT and GET that both succeed and after which none fails
until every process is back. It is measured by a client that asks without pause and tries nothing twice.
"""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor

import attrs

from tests.kit.node import RunningNode
from tests.node.storm.client import Client, Lost, Refused
from tests.node.storm.machine import Machine, Moment, taken_by_others_s
from tests.node.storm.model import Deaths
from tests.node.storm.writer import BUCKET, Wrong

SHARES = {"drive": 22, "set": 20, "acceptor": 20, "several": 8, "forge": 8, "supervisor": 8, "all": 14}
"""Of a hundred kills. `several` are some workers at one blow; the `forge` takes all workers along, and the
`supervisor` the forge as well, so that the next start meets them dying; `all` is every process at once.
"""

SLOW_S = 1.0
"""A PUT and a GET that take longer together are no service yet."""

RETURN_S = 300.0
"""Until then every process is back, however busy the machine is; how long it took is judged afterwards."""

PAUSE_S = 0.01
"""Between two questions of the probe: it shares the machine with the processes that start."""


@attrs.frozen
class Kill:
    """One kill: of which kind, the names of those killed, seconds until the node served again, and how many
    of those others took who use the machine.
    """

    kind: str
    victims: tuple[str, ...]
    serving_s: float
    others_s: float

    @property
    def own_s(self) -> float:
        """Seconds that the node itself took."""
        return max(0.0, self.serving_s - self.others_s)


def schedule(kills: int, seed: int) -> list[str]:
    """The kinds in a seeded order; every kind has its share, and no share is empty."""
    kinds = [kind for kind, share in SHARES.items() for _ in range(max(1, round(kills * share / 100)))]
    random.Random(seed).shuffle(kinds)
    return kinds


class Killer:
    """Kills, and watches the node come back."""

    def __init__(self, node: RunningNode, seed: int, deaths: Deaths, machine: Machine) -> None:
        self._node, self._machine = node, machine
        self._chance = random.Random(f"killer {seed}")
        self._deaths = deaths
        self._probe = Client(node, BUCKET)
        self._probes = 0
        self._no_hurry = threading.Event()

    def kill(self, kind: str) -> Kill:
        """One kill, and the wait until every process is back."""
        with ThreadPoolExecutor(1) as waiter:
            before = self._moment()
            victims, began_s = self._strike(kind)
            is_complete: Future[None] = waiter.submit(self._node.wait_all_ready, RETURN_S)
            serving_s, others_s = self._probe_until(is_complete, before)
            is_complete.result()
        return Kill(kind, victims, serving_s - began_s, others_s)

    def _moment(self) -> Moment:
        node = self._node.process
        return self._machine.now([node.pid, *self._node.worker_pids().values()] if node else [])

    def _strike(self, kind: str) -> tuple[tuple[str, ...], float]:
        """Who was killed, and the moment before."""
        workers = sorted(self._node.worker_pids())
        if kind in {"all", "supervisor"}:
            self._deaths.of_the_set += 1
            began_s = time.monotonic()
            if kind == "all":
                self._node.kill_all()
            else:
                self._node.kill_supervisor()
            self._node.spawn()
            return ("supervisor", *workers), began_s
        if kind == "several":
            workers.remove("forge")
            victims = sorted(self._chance.sample(workers, self._chance.randint(2, len(workers))))
        else:
            victims = [self._chance.choice([name for name in workers if name.startswith(kind)])]
        # Before the kill: what is begun after it goes to another life of the set worker.
        self._deaths.of_the_set += "set-0" in victims or kind == "forge"
        began_s = time.monotonic()
        self._node.kill_workers(victims)
        return tuple(workers if kind == "forge" else victims), began_s

    def _probe_until(self, is_complete: Future[None], before: Moment) -> tuple[float, float]:
        """When the node served again, and what others took until then."""
        serving_s, others_s, now_s = 0.0, 0.0, time.monotonic()
        for succeeded in self._pairs():
            asked_s, now_s = now_s, time.monotonic()
            if not succeeded:
                serving_s = 0.0
            elif not serving_s or now_s - asked_s > SLOW_S:
                serving_s, others_s = now_s, taken_by_others_s(before, self._moment())
            if is_complete.done() and serving_s:
                return serving_s, others_s
            self._no_hurry.wait(PAUSE_S)
        raise AssertionError("the probe ended")

    def _pairs(self) -> Iterator[bool]:
        """Whether a PUT and a GET succeed, again and again."""
        while True:
            self._probes += 1
            body = str(self._probes).encode()
            try:
                self._probe.request("PUT", f"probe/{self._probes % 10}", body=body)
                found = self._probe.request("GET", f"probe/{self._probes % 10}").body
            except (Lost, Refused):
                yield False
            else:
                if found != body:
                    raise Wrong(f"a GET found {found!r} after a PUT of {body!r}")
                yield True
