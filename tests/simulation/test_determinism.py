"""The same seed does the same: twice in one process, and in processes that hash differently."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from functools import partial

import pytest
import trio

from tests.kit.sim.atlas import Swarm
from tests.kit.sim.chance import Chance
from tests.kit.sim.determinism import run_seeded
from tests.kit.sim.nemesis import TRANSIENT
from tests.kit.sim.node import Geometry
from tests.kit.sim.run import run_seed
from tests.kit.sim.workload import Load

SEED = 3
EVERYTHING = Swarm(Geometry(3, 1), is_loss=False, kinds=TRANSIENT, pause_s=0.7)
SHORT = Load(operations=12)


def test_two_runs_of_one_seed_are_equal() -> None:
    """Every message, call of a file system, answer and fault comes at the same moment with the same bytes."""
    one, other = (run_seed(SEED, EVERYTHING, SHORT, keep=None) for _ in range(2))
    for line, same in zip(one.trace.lines, other.trace.lines, strict=False):
        assert line == same
    assert one.digest == other.digest
    assert sum(one.faults.values()) > 3


def test_two_seeds_differ() -> None:
    """The hash tells runs apart."""
    assert run_seed(SEED, EVERYTHING, SHORT).digest != run_seed(SEED + 1, EVERYTHING, SHORT).digest


def test_processes_that_hash_differently_agree() -> None:
    """No order of a set, no identity of an object and no other chance of a process decides anything."""
    digests = [_digest_in_a_process(hash_seed) for hash_seed in ("0", "1")]
    assert digests[0] == digests[1]


def _digest_in_a_process(hash_seed: str) -> str:
    ran = subprocess.run(
        [sys.executable, "-m", "tests.simulation", "--seeds", str(SEED)],
        env={**os.environ, "PYTHONHASHSEED": hash_seed},
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    found = re.search(r"hash ([0-9a-f]{32})", ran.stdout)
    assert found is not None, ran.stdout + ran.stderr
    return found[1]


async def _race(order: list[int]) -> None:
    async def sleeper(number: int) -> None:
        await trio.sleep(1.0)
        order.append(number)

    async with trio.open_nursery() as nursery:
        for number in range(20):
            nursery.start_soon(sleeper, number)


@pytest.mark.parametrize("seed", [1, 2])
def test_equal_deadlines_expire_in_the_same_order(seed: int) -> None:
    """Who wakes first of those that sleep equally long is the seed's choice."""
    orders: list[list[int]] = []
    for _ in range(5):
        orders.append([])
        run_seeded(seed, partial(_race, orders[-1]))
    assert orders == [orders[0]] * 5


def test_a_draw_shifts_no_other_purpose() -> None:
    """Each purpose has its own generator, whatever the others have drawn."""
    chance = Chance(1)
    before = chance.fork("net").random()
    chance.fork("disk").random()
    assert chance.fork("net").random() == before != chance.fork("disk").random()
