"""Plagues the nodes of a cluster, with two faults at once, and lets clients work in between.

A blow is a pair of faults on nodes drawn by chance, the second a moment after the first; both last for a
while and end together, or one after the other. A long pause goes on when the other fault has ended. What may
happen to whom is bounded by nothing: a blow may well leave no quorum. What must hold is that nothing wrong is
answered then, and that all works again afterwards.
"""

from __future__ import annotations

import contextlib
import random
import signal
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence

import attrs

from rustfs_node.cli.asking import ADMIN, ask_as_owner
from rustfs_node.plan import Credentials
from tests.kit.cluster import RunningCluster
from tests.kit.netns import Network
from tests.kit.node import RunningNode
from tests.kit.relay import Weather
from tests.linear import cuts
from tests.node.slow.loop_drives import LoopDrive

REST_S = (0.3, 1.5)
"""Between two blows."""

LASTS_S = (0.4, 4.0)
"""How long a fault lasts: shorter and longer than silence is borne."""

APART_S = (0.0, 0.6)
"""Between the two faults of a blow."""

RETURN_S = 60.0
CLOCK_MAX_MS = 600_000
"""Less than nodes may differ by when they meet: see `cluster.clock_skew_max_s`."""

FAR_CLOCK_MAX_MS = 3_600_000
FAR_CLOCKS = {"RUSTFS_CLUSTER_CLOCK_SKEW_MAX_S": "8000"}
"""The environment of a cluster with such clocks: a node that is killed would not be let in again."""
LINE_KILOBITS = (500, 8000)
LONG_PAUSE_S = 30.0

KINDS = {
    "isolate": 3, "one-way": 3, "pair": 2, "halves": 1, "bridge": 2, "slow": 1, "weather": 3, "pause-node": 3,
    "pause-worker": 3, "kill-node": 2, "kill-worker": 3, "kill-workers": 2, "clock": 2,
}  # fmt: skip
"""Shares. Cuts are those of `cuts`. `long-pause` takes longer than a fault lasts; `far-clock` needs
`FAR_CLOCKS`, `stall-drive` drives that can stall, `layout` clusters of two pools.
"""

Undo = Callable[[], None]


@attrs.define(eq=False)
class ClusterNemesis:
    """`stop` ends it; `kills` counts faults by kind, and pairs of them."""

    cluster: RunningCluster
    chance: random.Random
    stop: threading.Event
    kinds: Mapping[str, int] = attrs.field(factory=lambda: KINDS)
    drives: Sequence[Sequence[LoopDrive]] = ()
    """Of each node, where they can stall."""
    kills: Counter[str] = attrs.field(factory=Counter)
    back_s: list[float] = attrs.field(factory=list)
    _answers: int = 0
    _stalled: dict[int, contextlib.ExitStack] = attrs.field(factory=dict)
    _orders: list[threading.Thread] = attrs.field(factory=list)

    def answered(self) -> None:
        """A client was answered. Counted roughly: many threads call this."""
        self._answers += 1

    def run(self) -> None:
        """Until told to stop; in the end nothing is wrong any more."""
        left = self.chance.sample([*self.kinds], len(self.kinds))
        try:
            while not self.stop.wait(self.chance.uniform(*REST_S)):
                first = left.pop() if left else self._draw()
                self._blow([first, self._draw()])
        finally:
            self._end_all()

    def _draw(self) -> str:
        (kind,) = self.chance.choices([*self.kinds], [*self.kinds.values()])
        return kind

    def _blow(self, kinds: list[str]) -> None:
        undone: list[Undo] = []
        self.kills[" + ".join(sorted(kinds))] += 1
        try:
            for kind in kinds:
                self.kills[kind] += 1
                undone.append(self._begin(kind))
                self.stop.wait(self.chance.uniform(*APART_S))
            self.stop.wait(self.chance.uniform(*LASTS_S))
        finally:
            if kinds[0] == "long-pause" or self.chance.random() < 0.5:
                undone.reverse()
            for undo in undone:
                undo()
                self.stop.wait(self.chance.uniform(*APART_S))
            began_s, before = time.monotonic(), self._answers
            while self._answers == before and not self.stop.is_set():
                if time.monotonic() - began_s > RETURN_S:
                    raise AssertionError(f"no answer for {RETURN_S} s after {kinds}")
                self.stop.wait(0.02)
            self.back_s.append(time.monotonic() - began_s)

    # Faults: each begins one and returns what ends it

    def _begin(self, kind: str) -> Undo:
        if kind in cuts.KINDS:
            for source, target in cuts.KINDS[kind](self.chance, len(self.cluster.nodes)):
                self._network.cut(source, target)
            return self._network.heal
        begin: Callable[[], Undo] = getattr(self, f"_{kind.replace('-', '_')}")
        return begin()

    def _weather(self) -> Undo:
        """Around one node, or everywhere."""
        count, chance = len(self.cluster.nodes), self.chance
        victims = [self._node()] if chance.random() < 0.5 else range(count)
        weather = Weather(
            chance.randrange(1 << 30),
            delay_s=chance.uniform(0, 0.05),
            jitter_s=chance.uniform(0, 0.1),
            loss=chance.choice([0, 0.01, 0.05, 0.15]),
            double=chance.choice([0, 0.05, 0.2]),
        )
        self._network.relay([link for one in victims for link in cuts.all_links(one, count)], weather)
        return self._network.heal

    def _slow(self) -> Undo:
        self._network.slow(self._node(), self.chance.randint(*LINE_KILOBITS), self.chance.randint(5, 300))
        return self._network.heal

    def _pause_node(self) -> Undo:
        node = self.cluster.nodes[self._node()]
        node.signal_all(signal.SIGSTOP)
        return lambda: node.signal_all(signal.SIGCONT)

    def _long_pause(self) -> Undo:
        """Longer than anybody waits for an answer."""
        go_on, until_s = self._pause_node(), time.monotonic() + LONG_PAUSE_S

        def undo() -> None:
            self.stop.wait(max(0.0, until_s - time.monotonic()))
            go_on()

        return undo

    def _pause_worker(self) -> Undo:
        node = self.cluster.nodes[self._node()]
        pid = self._worker_pid(node)
        return lambda: None if pid is None else node.signal_one(pid, signal.SIGCONT)

    def _worker_pid(self, node: RunningNode) -> int | None:
        """That of a worker which was just stopped."""
        workers = self._workers(node)
        if not workers:
            return None
        pid = workers[self.chance.choice(sorted(workers))]
        node.signal_one(pid, signal.SIGSTOP)
        return pid

    def _stall_drive(self) -> Undo:
        """Whoever writes to it hangs in the kernel."""
        number = self._node()
        if number not in self._stalled:
            self._stalled[number] = contextlib.ExitStack()
            self._stalled[number].enter_context(self.chance.choice(self.drives[number]).frozen())
        return lambda: self._thaw(number)

    def _thaw(self, number: int) -> None:
        self._stalled.pop(number, contextlib.ExitStack()).close()

    def _kill_node(self) -> Undo:
        number = self._node()
        # What hangs in the kernel cannot die.
        self._thaw(number)
        node = self.cluster.nodes[number]
        node.kill_all()
        return lambda: None if node.is_running else node.spawn()

    def _kill_worker(self) -> Undo:
        return self._kill(self.cluster.nodes[self._node()], 1)

    def _kill_workers(self) -> Undo:
        node = self.cluster.nodes[self._node()]
        return self._kill(node, self.chance.randint(2, 5))

    def _kill(self, node: RunningNode, count: int) -> Undo:
        workers = self._workers(node)
        for name in self.chance.sample(sorted(workers), min(count, len(workers))):
            node.signal_one(workers[name], signal.SIGKILL)
        return lambda: None

    def _clock(self) -> Undo:
        self.cluster.clocks[self._node()].set(self.chance.randint(-CLOCK_MAX_MS, CLOCK_MAX_MS) // 2)
        return lambda: None

    def _far_clock(self) -> Undo:
        self.cluster.clocks[self._node()].set(self.chance.randint(-FAR_CLOCK_MAX_MS, FAR_CLOCK_MAX_MS))
        return lambda: None

    def _layout(self) -> Undo:
        """Order that one of two pools is left, or none; it is refused while slots move already."""
        node, leaving = self.cluster.nodes[self._node()], self.chance.choice(["", "0", "1"])
        order = threading.Thread(target=self._order_layout, args=(node, leaving))
        order.start()
        self._orders.append(order)
        return lambda: None

    def _order_layout(self, node: RunningNode, leaving: str) -> None:
        """The node may be cut off, or stopped: then it answers late."""
        owner = Credentials(node.access_key, node.secret_key)
        status, _ = ask_as_owner(node.url, f"{ADMIN}rebalance/start?leaving={leaving}", owner, "POST")
        self.kills["layout taken"] += status == "200"

    # Whom

    @property
    def _network(self) -> Network:
        assert self.cluster.network is not None
        return self.cluster.network

    def _node(self) -> int:
        return self.chance.randrange(len(self.cluster.nodes))

    def _workers(self, node: RunningNode) -> dict[str, int]:
        """Of a node that runs."""
        return {name: pid for name, pid in node.worker_pids().items() if name != "forge"}

    def _end_all(self) -> None:
        self._network.heal()
        for number in [*self._stalled]:
            self._thaw(number)
        for node in self.cluster.nodes:
            if node.is_running:
                node.signal_all(signal.SIGCONT)
            else:
                node.spawn()
        self.cluster.wait_healthy()
        for order in self._orders:
            order.join()
