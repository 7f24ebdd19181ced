"""A node or a cluster, clients at work on it, faults, and in the end the verdict on every key."""

from __future__ import annotations

import contextlib
import math
import random
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import attrs

from tests.kit.cluster import RunningCluster
from tests.kit.netns import Network
from tests.kit.node import RunningNode
from tests.kit.wall_clock import WallClock
from tests.linear.actor import Actor
from tests.linear.cluster_nemesis import ClusterNemesis
from tests.linear.history import Kind, Op, Outcome, line_of
from tests.linear.keys import Budget, Key, Keys
from tests.linear.nemesis import KINDS, Nemesis
from tests.linear.requests import Body, Requester, Wrong
from tests.linear.verdict import Broken, Verdict, judge
from tests.linear.wire import Wire
from tests.node.slow.loop_drives import LoopDrive, loop_drives

BUCKET = "linear"
ALL_BACK_S = 60.0
LOOKERS = 8
"""Of each node, in the end: one after the other takes long where there are many keys."""
PARITY_MAX = 2
"""Of six drives four hold data: with half of them for parity a write in doubt may come and go."""


@attrs.frozen
class Plan:
    """What is done. `weights` are of the operations, where the usual ones are not wanted. With k = m, as with
    4 drives, a write in doubt may come and go: docs/guarantees.md. With several `nodes`, each has `drives`,
    in each of the `pools`, and `kinds` are those of `cluster_nemesis`; drives that can stall are
    file systems of their own. Clients work in `teams`, each on keys of its own, and for `work_s` at most.
    """

    operations: int
    seed: int
    drives: int = 5
    clients: int = 8
    each: int = 200
    versioned: bool = False
    kinds: Mapping[str, int] = attrs.field(factory=lambda: KINDS)
    environment: Mapping[str, str] = attrs.field(factory=dict)
    weights: Mapping[str, int] | None = None
    nodes: int = 1
    pools: int = 1
    teams: int = 1
    work_s: float = math.inf


@attrs.define
class Scene:
    """Where it happens: the nodes, and what there is of a cluster."""

    nodes: Sequence[RunningNode]
    cluster: RunningCluster | None = None
    drives: Sequence[Sequence[LoopDrive]] = ()

    def requester(self, number: int, written: dict[str, Body]) -> Requester:
        """The connection of a client: they are spread over the nodes."""
        node = number % len(self.nodes)
        clock = self.cluster.clocks[node] if self.cluster else WallClock(Path())
        wall_s = lambda: time.time() + clock.off_ms / 1000  # noqa: E731
        return Requester(Wire(self.nodes[node], BUCKET, wall_s=wall_s), BUCKET, written)


@attrs.define
class Report:
    """What was done, and how it was judged."""

    plan: Plan
    verdicts: dict[str, Verdict]
    counts: Counter[str]
    kills: Counter[str]
    worked_s: float
    judged_s: float
    back_s: Sequence[float] = ()
    packets: Mapping[str, int] = attrs.field(factory=dict)

    def text(self) -> str:
        """For people."""
        zones = Counter(verdict.zones for verdict in self.verdicts.values())
        steps = max((verdict.steps for verdict in self.verdicts.values()), default=0)
        lines = [
            f"seed {self.plan.seed}: {sum(self.counts.values())} operations in {self.worked_s:.1f} s",
            f"  {dict(sorted(self.counts.items()))}",
            f"  faults {dict(sorted(self.kills.items()))}",
            *([f"  packets {dict(self.packets)}"] if self.packets else []),
            *([f"  first answer after them at most {max(self.back_s):.1f} s later"] if self.back_s else []),
            f"  {len(self.verdicts)} keys judged in {self.judged_s:.1f} s, at most {steps} steps",
            f"  zones {dict(sorted(zones.items()))}",
        ]
        return "\n".join(lines)


def run(folder: Path, plan: Plan, say: Callable[[str], object] = lambda _text: None) -> Report:
    """Raises where anything is wrong; the histories are left in `folder`."""
    with _scene(folder, plan) as scene:
        _make_bucket(scene.nodes[0], plan)
        began_s = time.monotonic()
        keys, nemesis, troubles = _work(scene, plan)
        worked_s = time.monotonic() - began_s
        say(f"{len(keys)} keys, faults {dict(nemesis.kills)}, in {worked_s:.1f} s")
    network = scene.cluster.network if scene.cluster else None
    packets = network.packets if network else Counter[str]()
    counts: Counter[str] = Counter()
    for key in keys:
        counts.update(f"{op.note} {op.outcome.value}" for op in key.ops)
        _write_down(folder, key)
    began_s = time.monotonic()
    try:
        verdicts = _judge_all(keys, plan)
    except Broken as broken:
        # It may well be what the histories tell of, or something else that nobody would hear of.
        raise Broken("\n".join([*map(repr, troubles), str(broken)])) from next(iter(troubles), None)
    for trouble in troubles:
        raise trouble
    judged_s = time.monotonic() - began_s
    return Report(plan, verdicts, counts, nemesis.kills, worked_s, judged_s, nemesis.back_s, packets)


@contextlib.contextmanager
def _scene(folder: Path, plan: Plan) -> Iterator[Scene]:
    if plan.nodes == 1:
        with RunningNode(folder, drives=plan.drives, environment=plan.environment) as node:
            yield Scene([node])
        return
    parity = min(PARITY_MAX, (plan.nodes * plan.drives - 1) // 2)
    environment = {"RUSTFS_NODE_PARITY": str(parity), **plan.environment}
    with contextlib.ExitStack() as stack:
        network = stack.enter_context(Network(plan.nodes))
        drives = []
        if "stall-drive" in plan.kinds:
            for number in range(plan.nodes):
                (own := folder / f"n{number}").mkdir(parents=True)
                drives.append(stack.enter_context(loop_drives(own, plan.drives)))
        cluster = RunningCluster(
            folder,
            nodes=plan.nodes,
            drives=plan.drives,
            environment=environment,
            network=network,
            clocks=True,
            pools=plan.pools,
        )
        yield Scene(stack.enter_context(cluster).nodes, cluster, drives)


def _judge_all(keys: Sequence[Key], plan: Plan) -> dict[str, Verdict]:
    """All are judged before the first that is broken is told of."""
    verdicts: dict[str, Verdict] = {}
    broken: list[str] = []
    for key in keys:
        try:
            verdicts[key.name] = judge(key.name, key.ops, versioned=plan.versioned)
        except Broken as error:
            broken.append(str(error))
    if broken:
        raise Broken("\n".join([f"{len(broken)} of {len(keys)} keys are broken", *broken]))
    return verdicts


def _make_bucket(node: RunningNode, plan: Plan) -> None:
    s3 = node.boto3()
    s3.create_bucket(Bucket=BUCKET)
    if plan.versioned:
        s3.put_bucket_versioning(Bucket=BUCKET, VersioningConfiguration={"Status": "Enabled"})


def _work(scene: Scene, plan: Plan) -> tuple[list[Key], Nemesis | ClusterNemesis, list[BaseException]]:
    """The keys, what was done to the nodes, and what went wrong beside: the histories may tell why."""
    done, written = threading.Event(), dict[str, Body]()
    budget = Budget(plan.operations, time.monotonic() + plan.work_s)
    teams = [Keys(budget, plan.each, team) for team in range(plan.teams)]
    chance = random.Random(f"nemesis {plan.seed}")
    nemesis: Nemesis | ClusterNemesis
    if scene.cluster is None:
        nemesis = Nemesis(scene.nodes[0], chance, done, plan.kinds)
    else:
        nemesis = ClusterNemesis(scene.cluster, chance, done, plan.kinds, scene.drives)
    with ThreadPoolExecutor(plan.clients + 1) as pool:
        killer = pool.submit(_plague, nemesis, done) if plan.kinds else pool.submit(done.wait)
        try:
            clients = []
            for number in range(plan.clients):
                actor = Actor(
                    number,
                    plan.clients,
                    random.Random(f"client {plan.seed} {number}"),
                    teams[number * plan.teams // plan.clients],
                    scene.requester(number, written),
                    done,
                    nemesis.answered,
                    plan.versioned,
                    plan.weights,
                )
                clients.append(pool.submit(_run, actor, done))
            troubles = [future.exception() for future in clients]
        finally:
            # Whoever interrupts this waits for all of them.
            done.set()
        troubles.append(killer.exception())
        found = [trouble for trouble in troubles if trouble is not None]
        if not found:
            _look_once_more(pool, scene, teams, written)
    return [key for keys in teams for key in keys.all], nemesis, found


def _plague(nemesis: Nemesis | ClusterNemesis, done: threading.Event) -> None:
    try:
        nemesis.run()
    # Clients would wait for what no longer comes back.
    except BaseException:
        done.set()
        raise


def _run(actor: Actor, done: threading.Event) -> None:
    """What goes wrong with one client ends the work of all."""
    try:
        actor.run()
    # Whatever it was: the others would go on for nothing.
    except BaseException:
        done.set()
        raise
    finally:
        actor.requester.close()


def _look_once_more(
    pool: ThreadPoolExecutor, scene: Scene, teams: Sequence[Keys], written: dict[str, Body]
) -> None:
    """Every worker is back and nobody writes: each key is read once more through each node, and has to
    answer.
    """
    until_s = time.monotonic() + ALL_BACK_S
    everything = [(team, key) for team in teams for key in team.all]
    looks = [
        pool.submit(_look, scene.requester(node, written), everything[part::LOOKERS], until_s)
        for node in range(len(scene.nodes))
        for part in range(LOOKERS)
    ]
    for look in looks:
        look.result()


def _look(requester: Requester, keys: Sequence[tuple[Keys, Key]], until_s: float) -> None:
    """Sets are well before their last drives have come, which a key may need that has less parity."""
    for team, key in keys:
        while not _answers(requester, team, key):
            if time.monotonic() > until_s:
                raise Wrong(f"{key.name} cannot be read although every worker is there")
    requester.close()


def _answers(requester: Requester, keys: Keys, key: Key) -> bool:
    op = Op(-1, Kind.READ, time.monotonic(), note="last look")
    requester.read(op, key.name)
    keys.end(key, op)
    return op.outcome is Outcome.OK


def _write_down(folder: Path, key: Key) -> None:
    lines = [line_of(op) for op in sorted(key.ops, key=lambda op: op.called)]
    (folder / f"{key.name}.history").write_text("\n".join(lines) + "\n")
