"""A node, clients at work on it, workers dying, and in the end the verdict on every key."""

from __future__ import annotations

import random
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import attrs

from tests.kit.node import RunningNode
from tests.linear.actor import Actor
from tests.linear.history import Kind, Op, Outcome, line_of
from tests.linear.keys import Key, Keys
from tests.linear.nemesis import KINDS, Nemesis
from tests.linear.requests import Body, Requester, Wrong
from tests.linear.verdict import Broken, Verdict, judge
from tests.node.storm.client import Client

BUCKET = "linear"


@attrs.frozen
class Plan:
    """What is done. `weights` are of the operations, where the usual ones are not wanted. With k = m, as with
    4 drives, a write in doubt may come and go: docs/guarantees.md.
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


@attrs.define
class Report:
    """What was done, and how it was judged."""

    plan: Plan
    verdicts: dict[str, Verdict]
    counts: Counter[str]
    kills: Counter[str]
    worked_s: float
    judged_s: float

    def text(self) -> str:
        """For people."""
        zones = Counter(verdict.zones for verdict in self.verdicts.values())
        steps = max((verdict.steps for verdict in self.verdicts.values()), default=0)
        lines = [
            f"seed {self.plan.seed}: {sum(self.counts.values())} operations in {self.worked_s:.1f} s",
            f"  {dict(sorted(self.counts.items()))}",
            f"  killed {dict(sorted(self.kills.items()))}",
            f"  {len(self.verdicts)} keys judged in {self.judged_s:.1f} s, at most {steps} steps",
            f"  zones {dict(sorted(zones.items()))}",
        ]
        return "\n".join(lines)


def run(folder: Path, plan: Plan, say: Callable[[str], object] = lambda _text: None) -> Report:
    """Raises where anything is wrong; the histories are left in `folder`."""
    with RunningNode(folder, drives=plan.drives, environment=plan.environment) as node:
        _make_bucket(node, plan)
        began_s = time.monotonic()
        keys, kills, troubles = _work(node, plan)
        worked_s = time.monotonic() - began_s
        say(f"{len(keys.all)} keys, killed {dict(kills)}, in {worked_s:.1f} s")
    counts: Counter[str] = Counter()
    for key in keys.all:
        counts.update(f"{op.note} {op.outcome.value}" for op in key.ops)
        _write_down(folder, key)
    began_s = time.monotonic()
    verdicts = _judge_all(keys, plan)
    for trouble in troubles:
        raise trouble
    return Report(plan, verdicts, counts, kills, worked_s, time.monotonic() - began_s)


def _judge_all(keys: Keys, plan: Plan) -> dict[str, Verdict]:
    """All are judged before the first that is broken is told of."""
    verdicts: dict[str, Verdict] = {}
    broken: list[str] = []
    for key in keys.all:
        try:
            verdicts[key.name] = judge(key.name, key.ops, versioned=plan.versioned)
        except Broken as error:
            broken.append(str(error))
    if broken:
        raise Broken("\n".join([f"{len(broken)} of {len(keys.all)} keys are broken", *broken]))
    return verdicts


def _make_bucket(node: RunningNode, plan: Plan) -> None:
    s3 = node.boto3()
    s3.create_bucket(Bucket=BUCKET)
    if plan.versioned:
        s3.put_bucket_versioning(Bucket=BUCKET, VersioningConfiguration={"Status": "Enabled"})


def _work(node: RunningNode, plan: Plan) -> tuple[Keys, Counter[str], list[BaseException]]:
    """The keys, how often whom was killed, and what went wrong beside: the histories may tell why."""
    keys, done, written = Keys(plan.operations, plan.each), threading.Event(), dict[str, Body]()
    nemesis = Nemesis(node, random.Random(f"nemesis {plan.seed}"), done, plan.kinds)
    with ThreadPoolExecutor(plan.clients + 1) as pool:
        killer = pool.submit(nemesis.run if plan.kinds else done.wait)
        clients = []
        for number in range(plan.clients):
            requester = Requester(Client(node, BUCKET), BUCKET, written)
            chance = random.Random(f"client {plan.seed} {number}")
            actor = Actor(
                number,
                plan.clients,
                chance,
                keys,
                requester,
                done,
                nemesis.answered,
                plan.versioned,
                plan.weights,
            )
            clients.append(pool.submit(_run, actor, done))
        troubles = [future.exception() for future in clients]
        done.set()
        troubles.append(killer.exception())
    found = [trouble for trouble in troubles if trouble is not None]
    if not found:
        _look_once_more(node, keys, written)
    return keys, nemesis.kills, found


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


def _look_once_more(node: RunningNode, keys: Keys, written: dict[str, Body]) -> None:
    """Every worker is back and nobody writes: each key is read once more, and has to answer."""
    requester = Requester(Client(node, BUCKET), BUCKET, written)
    for key in keys.all:
        op = Op(-1, Kind.READ, time.monotonic(), note="last look")
        requester.read(op, key.name)
        keys.end(key, op)
        if op.outcome is not Outcome.OK:
            raise Wrong(f"{key.name} cannot be read although every worker is there")
    requester.close()


def _write_down(folder: Path, key: Key) -> None:
    lines = [line_of(op) for op in sorted(key.ops, key=lambda op: op.called)]
    (folder / f"{key.name}.history").write_text("\n".join(lines) + "\n")
