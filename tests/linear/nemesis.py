"""Kills workers of the node, one after the other or several at a blow, and lets clients work in between."""

from __future__ import annotations

import random
import threading
from collections import Counter
from collections.abc import Iterator, Mapping

from tests.kit.node import RunningNode

ANSWERS_BETWEEN = (20, 100)
"""So many answers lie between the return of all workers and the next blow."""

RETURN_S = 300.0
KINDS = {"set": 4, "drive": 4, "acceptor": 3, "drives": 2, "several": 2}
"""Shares. `drives` are all drive workers but one, `several` are any workers."""


class Nemesis:
    """`answered` is called by clients with each answer; `stop` ends it. It kills by the shares of `kinds`."""

    def __init__(
        self, node: RunningNode, chance: random.Random, stop: threading.Event, kinds: Mapping[str, int]
    ) -> None:
        self._node, self._chance, self._stop, self._kinds = node, chance, stop, kinds
        self._answers = threading.Semaphore(0)
        self.kills: Counter[str] = Counter()
        # How long clients waited is told of whole nodes only.
        self.back_s: tuple[float, ...] = ()

    def answered(self) -> None:
        """A client was answered."""
        self._answers.release()

    def run(self) -> None:
        """Until told to stop; at the end every worker is there."""
        kinds = self._order()
        while self._clients_work(self._chance.randint(*ANSWERS_BETWEEN)):
            victims = self._victims(next(kinds))
            self._node.kill_workers(victims)
            self.kills.update(victim.partition("-")[0] for victim in victims)
            self._node.wait_all_ready(RETURN_S)

    def _clients_work(self, answers: int) -> bool:
        """Wait for so many answers; False where no more will come."""
        while self._answers.acquire(blocking=False):
            pass
        for _ in range(answers):
            while not self._answers.acquire(timeout=0.1):
                if self._stop.is_set():
                    return False
        return not self._stop.is_set()

    def _order(self) -> Iterator[str]:
        """Each kind once, and then by their shares."""
        kinds = list(self._kinds)
        yield from self._chance.sample(kinds, len(kinds))
        while True:
            yield from self._chance.choices(kinds, list(self._kinds.values()))

    def _victims(self, kind: str) -> list[str]:
        workers = sorted(self._node.worker_pids().keys() - {"forge"})
        drives = [name for name in workers if name.startswith("drive")]
        if kind == "drives":
            return sorted(self._chance.sample(drives, len(drives) - 1))
        if kind == "several":
            return sorted(self._chance.sample(workers, self._chance.randint(2, len(workers))))
        return [self._chance.choice([name for name in workers if name.startswith(kind)])]
