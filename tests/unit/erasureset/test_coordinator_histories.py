"""Three workers of one set, chosen delays and cuts between each of them and each drive, and clocks that
disagree: what their clients are answered about a key has an order.
"""

from __future__ import annotations

import math
from random import Random

import attrs
import pytest
import trio

from rustfs_node.plan import drive_name
from rustfs_proto.stamp import NO_STAMP
from rustfs_proto.wire import set_ops
from rustfs_proto.wire.faults import Fault, FaultCode
from tests.linear.history import Kind, Op, Outcome
from tests.linear.verdict import judge
from tests.unit.erasureset.kit import Client
from tests.unit.erasureset.test_coordinators import KEY, WORKERS, Shared, shared_drives

DELAYS_S = (0.001, 0.003, 0.01, 0.05, 0.3)
WEIGHTS = {Kind.PUT: 3, Kind.CREATE: 3, Kind.REPLACE: 9, Kind.DELETE: 1, Kind.READ: 5}
OPERATIONS = 10
SEEDS = (1020, 1022, 1033, 1043, 1052, 1092)
"""Each of them was broken before workers of one set knew of each other what they must."""


@attrs.define(eq=False)
class Actor:
    """One client: `seen` are ETags and stamps that anybody was told of."""

    number: int
    client: Client
    chance: Random
    ops: list[Op]
    seen: list[tuple[str, int]]

    async def run(self) -> None:
        for index in range(OPERATIONS):
            await trio.sleep(self.chance.choice(DELAYS_S))
            (kind,) = self.chance.choices([*WEIGHTS], [*WEIGHTS.values()])
            op = Op(self.number, kind, trio.current_time())
            self.ops.append(op)
            try:
                await self._act(op, f"etag-{self.number}-{index}")
            except Fault as fault:
                self._failed(op, fault)
            else:
                op.end(Outcome.OK, trio.current_time())

    async def _act(self, op: Op, etag: str) -> None:
        if op.kind is Kind.READ:
            got = (
                await self.client.bus.call(self.client.worker, set_ops.Get("b", KEY), deadline_s=60)
            ).message
            op.etag = got.head.etag
            self.seen.append((got.head.etag, got.stamp))
        elif op.kind is Kind.DELETE:
            deleted = await self.client.ask(set_ops.Delete("b", (KEY,)))
            if deleted.faults[0]:
                raise Fault(FaultCode(deleted.faults[0]), "told of the key")
        else:
            expect = set_ops.ANY_STAMP if op.kind is Kind.PUT else NO_STAMP
            if op.kind is Kind.REPLACE:
                op.expect, expect = self.chance.choice(self.seen[-3:] or [("none", 1)])
            op.etag = etag
            message = set_ops.PutSmall("b", KEY, set_ops.ObjectInfo(etag=etag), expect=expect)
            done = await self.client.ask(message, etag.encode() * 9)
            self.seen.append((etag, done.stamp))

    def _failed(self, op: Op, fault: Fault) -> None:
        if op.kind is Kind.READ and fault.code is FaultCode.NOT_FOUND:
            op.status = 404
            op.end(Outcome.OK, trio.current_time())
        elif op.kind is Kind.READ or fault.not_applied:
            op.end(Outcome.FAIL, trio.current_time())


async def disturb(shared: Shared, chance: Random) -> None:
    """Draw the wires anew again and again; at most two drives are out of a worker's reach."""
    while True:
        for worker in range(len(WORKERS)):
            away = chance.sample(range(len(shared.drives)), chance.choice((0, 0, 1, 2)))
            for slot in range(len(shared.drives)):
                ends = (WORKERS[worker], drive_name(0, slot))
                shared.net.mend(*ends)
                for source, target in (ends, ends[::-1]):
                    shared.net.delay(source, target, chance.choice(DELAYS_S))
                    if slot in away and chance.random() < 0.5:
                        shared.net.cut_one_way(source, target)
        await trio.sleep(chance.choice((0.1, 0.5, 2.0)))


@pytest.mark.parametrize("seed", SEEDS)
async def test_what_three_workers_answer_has_an_order(autojump_clock, seed):
    """Nothing that was acknowledged is lost, nothing comes twice, and no comparison is passed over."""
    chance, ops, seen = Random(seed), list[Op](), list[tuple[str, int]]()
    drives, parity = chance.choice(((5, 2), (6, 2), (3, 1)))
    async with shared_drives(drives, parity, commit_timeout_s=1.5, lookup_timeout_s=0.8) as shared:
        for clock in shared.clocks:
            clock.off_ms = chance.choice((0, 0, -60_000, 60_000, chance.randint(-500, 500)))
        async with trio.open_nursery() as faults:
            faults.start_soon(disturb, shared, chance)
            async with trio.open_nursery() as nursery:
                for number, client in enumerate([*shared.clients, *shared.clients]):
                    nursery.start_soon(Actor(number, client, Random(f"{seed} {number}"), ops, seen).run)
            faults.cancel_scope.cancel()
    assert all(op.outcome is not Outcome.UNKNOWN or op.ended == math.inf for op in ops)
    judge(f"seed {seed}", [op for op in ops if op.outcome is not Outcome.FAIL], versioned=False)
