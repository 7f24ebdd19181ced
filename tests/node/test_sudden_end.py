"""kill -9 of every process of a node while clients write: what was acknowledged is there, and whole."""

from __future__ import annotations

import random
import struct
import threading
from concurrent.futures import ThreadPoolExecutor

import attrs
import pytest
from botocore.exceptions import BotoCoreError, ClientError

from tests.clients.content import INLINE_BYTES, MIB, content
from tests.kit import corrupt
from tests.kit.node import RunningNode

pytestmark = pytest.mark.slow

BUCKET = "sudden"
WRITERS = 4
KEYS_PER_WRITER = 12
ACKNOWLEDGED_BEFORE_KILL = 60
ROUNDS = 1
SIZES = (0, 1, 3000, INLINE_BYTES, INLINE_BYTES + 1, 2 * MIB + 3)


@attrs.define
class Key:
    """What is known of a key: the last acknowledged state, and what was tried since without an answer.

    A state is the seed of the bytes, or None for deleted or never written.
    """

    acknowledged: int | None = None
    tried: list[int | None] = attrs.field(factory=list)

    def may_be(self, state: int | None) -> bool:
        return state in (self.acknowledged, *self.tried)


def body_of(seed: int) -> bytes:
    """The bytes of a state: they begin with their seed, and so tell which state was read."""
    return struct.pack(">Q", seed) + content(SIZES[seed % len(SIZES)], seed=seed)


@attrs.define
class Writer:
    """Puts and deletes its own keys, one at a time, until the node is gone."""

    number: int
    keys: dict[str, Key] = attrs.field(factory=dict)
    step: int = 0

    def run(self, node: RunningNode, acknowledged: threading.Semaphore, seed: int) -> None:
        s3, chance = node.boto3(), random.Random(f"{seed} {self.number}")
        try:
            while True:
                self.act(s3, chance)
                acknowledged.release()
        except (BotoCoreError, ClientError):
            return

    def act(self, s3, chance: random.Random) -> None:
        self.step += 1
        name = f"writer-{self.number}/{chance.randrange(KEYS_PER_WRITER)}"
        key = self.keys.setdefault(name, Key())
        state = None if chance.random() < 0.2 else self.step * WRITERS + self.number
        key.tried.append(state)
        if state is None:
            s3.delete_object(Bucket=BUCKET, Key=name)
        else:
            s3.put_object(Bucket=BUCKET, Key=name, Body=body_of(state))
        key.acknowledged = state
        key.tried.clear()


def state_of(s3, name: str) -> int | None:
    """The state of a key as it is read; a body that is not whole fails here."""
    try:
        body = s3.get_object(Bucket=BUCKET, Key=name)["Body"].read()
    except s3.exceptions.NoSuchKey:
        return None
    (seed,) = struct.unpack(">Q", body[:8])
    assert body == body_of(seed), name
    return seed


def check(node: RunningNode, writers: list[Writer]) -> None:
    """Every key is in its acknowledged state or in one tried after it, and then stays in that."""
    s3 = node.boto3()
    present = set()
    for writer in writers:
        for name, key in writer.keys.items():
            state = state_of(s3, name)
            assert key.may_be(state), (name, state, key)
            key.acknowledged, key.tried = state, []
            if state is not None:
                present.add(name)
    assert {row["Key"] for row in s3.list_objects_v2(Bucket=BUCKET).get("Contents", [])} == present


def write_until_killed(node: RunningNode, writers: list[Writer], seed: int) -> None:
    """Let the writers work, and kill every process at once when enough was acknowledged."""
    acknowledged = threading.Semaphore(0)
    with ThreadPoolExecutor(WRITERS) as pool:
        running = [pool.submit(writer.run, node, acknowledged, seed) for writer in writers]
        for _ in range(ACKNOWLEDGED_BEFORE_KILL):
            assert acknowledged.acquire(timeout=60), node.log_tail()
        node.kill_all()
        for future in running:
            future.result()


def test_all_processes_killed_during_writes(tmp_path):
    """After each of several kills the node starts by itself, and every acknowledged write or delete holds."""
    with RunningNode(tmp_path) as node:
        node.boto3().create_bucket(Bucket=BUCKET)
        writers = [Writer(number) for number in range(WRITERS)]
        for seed in range(ROUNDS):
            write_until_killed(node, writers, seed)
            node.start()
            check(node, writers)
        node.restart()
        check(node, writers)


@pytest.mark.parametrize("slot", [0, 3])
def test_killed_and_one_drive_emptied(tmp_path, slot):
    """A write is acknowledged by three drives: after a kill any one of the four may be lost as well."""
    with RunningNode(tmp_path) as node:
        node.boto3().create_bucket(Bucket=BUCKET)
        writers = [Writer(number) for number in range(WRITERS)]
        write_until_killed(node, writers, 100 + slot)
        corrupt.empty_drive(node.drive_paths[slot])
        node.start()
        check(node, writers)


@pytest.mark.parametrize("victim", ["acceptor-0", "set-0", "drive-0-1"])
def test_one_worker_killed(tmp_path, victim):
    """When one process is killed the supervisor starts it again, and everything acknowledged holds."""
    with RunningNode(tmp_path) as node:
        node.boto3().create_bucket(Bucket=BUCKET)
        s3 = node.boto3(retries={"total_max_attempts": 10, "mode": "standard"})
        writers = [Writer(0)]
        for step in range(60):
            if step % 20 == 10:
                node.kill_worker(victim)
                node.wait_all_ready()
            writers[0].act(s3, random.Random(step))
        check(node, writers)
