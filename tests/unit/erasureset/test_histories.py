"""Random histories of one client against drives that fail by chance: no acknowledged write is ever missed."""

from __future__ import annotations

from random import Random

import pytest
import trio

from rustfs_proto.erasure.geometry import default_parity
from rustfs_proto.wire.faults import Fault, FaultCode
from rustfs_proto.wire.set_ops import List
from tests.unit.erasureset.kit import RRS, TestSet, running_set
from tests.unit.erasureset.model_drive import ModelDrive

KEY = b"k"
STEPS = 30
FAULTS = [FaultCode.DRIVE_FAULT, FaultCode.PEER_DOWN, FaultCode.TIMEOUT]

Outcome = bytes | None
"""What a read may find: a body, or None for no such key."""


class Checker:
    """What may be read: the last acknowledged write, or any write of unknown effect since."""

    def __init__(self) -> None:
        self.possible: list[Outcome] = [None]
        self.is_certain = True

    def acknowledged(self, written: Outcome) -> None:
        self.possible, self.is_certain = [written], True

    def unknown(self, written: Outcome) -> None:
        self.possible.append(written)
        self.is_certain = False

    def read(self, found: Outcome) -> None:
        assert found in self.possible, (found, self.possible)


def body_of(random: Random, number: int) -> bytes:
    """Inline, in a shard file of one stripe, or in one of several; all different."""
    return b"%d:" % number + random.randbytes(random.choice([5, 3000, 9000]))


async def write(a_set: TestSet[ModelDrive], checker: Checker, random: Random, number: int) -> None:
    body = None if random.random() < 0.25 else body_of(random, number)
    try:
        if body is None:
            (fault,) = (await a_set.client.delete(KEY)).faults
            if fault:
                raise Fault(FaultCode(fault), "")
        else:
            # As large a share of either as there can be, so that they replace each other.
            await a_set.client.put(KEY, body, storage_class=RRS if number % 2 else "STANDARD")
    except Fault as fault:
        if fault.code is not FaultCode.CONFLICT:
            checker.unknown(body)
    else:
        checker.acknowledged(body)


async def read(a_set: TestSet[ModelDrive], checker: Checker, *, must_answer: bool) -> None:
    try:
        checker.read(await a_set.client.get(KEY))
    except Fault as fault:
        if fault.code is FaultCode.NO_QUORUM and not must_answer:
            return
        if fault.code is not FaultCode.NOT_FOUND:
            raise
        checker.read(None)
    if checker.is_certain and must_answer:
        listed = [entry.key for entry in (await a_set.client.ask(List("b"))).entries]
        assert listed == ([] if checker.possible == [None] else [KEY])


def disturb(a_set: TestSet[ModelDrive], random: Random, emptied_max: int) -> None:
    """Some drives refuse, lose notices or are replaced; others come back."""
    for drive in a_set.drives:
        drive.refuses = random.choice(FAULTS) if random.random() < 0.2 else None
        drive.loses_settles = random.random() < 0.2
    if random.random() < 0.1 and sum(drive.is_healing for drive in a_set.drives) < emptied_max:
        random.choice(a_set.drives).empty()


@pytest.mark.parametrize("drives", [1, 2, 3, 4, 5, 6])
@pytest.mark.parametrize("seed", range(12))
async def test_no_acknowledged_write_is_missed(drives: int, seed: int) -> None:
    """Reads find the last acknowledged write or a later one, in every state; with all drives back they do
    answer.
    """
    random = Random(seed * 100 + drives)
    checker = Checker()
    # An emptied drive takes what it had acknowledged along, so only as many as parity allows, and only in
    # half of the runs.
    emptied_max = default_parity(drives) // 2 if seed % 2 else 0
    # With four drives and more the classes differ in their parity.
    async with running_set(drives, classes=[(RRS, 1)] if drives > 3 else ()) as a_set:
        with trio.fail_after(30):
            for number in range(STEPS):
                disturb(a_set, random, emptied_max)
                if random.random() < 0.5:
                    await write(a_set, checker, random, number)
                else:
                    await read(a_set, checker, must_answer=False)
            for drive in a_set.drives:
                drive.refuses = None
            await read(a_set, checker, must_answer=not emptied_max)
