"""Random histories of a key with versions, against drives that fail by chance: what was acknowledged is
current, stays or is gone, whatever the drives missed.
"""

from __future__ import annotations

from random import Random

import pytest
import trio

from rustfs_proto.versions import NULL_VERSION, Versioning
from rustfs_proto.wire.faults import Fault, FaultCode
from rustfs_proto.wire.set_ops import (
    Amend,
    Delete,
    Get,
    List,
    ListVersions,
    ObjectInfo,
    PutSmall,
    RemoveVersions,
)
from tests.unit.erasureset.kit import TestSet, running_set
from tests.unit.erasureset.model_drive import ModelDrive
from tests.unit.erasureset.test_histories import body_of, disturb
from tests.unit.erasureset.version_checker import VersionChecker

KEY = b"k"
STEPS = 40
NO_EFFECT = {FaultCode.CONFLICT, FaultCode.NOT_FOUND}


async def put(a_set: TestSet[ModelDrive], checker: VersionChecker, random: Random, number: int) -> None:
    """A new version, or in place of the null version."""
    versioning = random.choice([Versioning.ENABLED, Versioning.ENABLED, Versioning.SUSPENDED])
    is_null = versioning is Versioning.SUSPENDED
    body = body_of(random, number)[:4000]
    try:
        info = ObjectInfo(etag=str(number))
        done = await a_set.client.ask(PutSmall("b", KEY, info, versioning=versioning), body)
    except Fault as fault:
        if fault.code not in NO_EFFECT:
            checker.born(None, body, replaces_null=is_null)
    else:
        assert (done.sub == NULL_VERSION) is is_null
        checker.born(done.sub, body, replaces_null=is_null)


async def mark(a_set: TestSet[ModelDrive], checker: VersionChecker, random: Random) -> None:
    """A delete marker."""
    versioning = random.choice([Versioning.ENABLED, Versioning.SUSPENDED])
    is_null = versioning is Versioning.SUSPENDED
    answer = await a_set.client.ask(Delete("b", (KEY,), versioning=versioning))
    if not answer.faults[0]:
        checker.born(answer.subs[0], None, replaces_null=is_null)
    elif FaultCode(answer.faults[0]) not in NO_EFFECT:
        checker.born(None, None, replaces_null=is_null)


async def remove(a_set: TestSet[ModelDrive], checker: VersionChecker, random: Random) -> None:
    """A version that is there goes for good."""
    if not checker.known:
        return
    sub = random.choice(checker.known)
    answer = await a_set.client.ask(RemoveVersions("b", ((KEY, sub),)))
    fault = answer.faults[0]
    if not fault or FaultCode(fault) not in NO_EFFECT:
        checker.removed(sub, certain=not fault)


async def amend(a_set: TestSet[ModelDrive], checker: VersionChecker, random: Random) -> None:
    """Tags of any version: nothing that the checker knows changes by it."""
    if checker.known:
        message = Amend("b", KEY, {"n": str(random.random())}, sub=random.choice(checker.known))
        try:
            await a_set.client.ask(message)
        except Fault as fault:
            if fault.code is FaultCode.NOT_FOUND:
                raise


async def read(a_set: TestSet[ModelDrive], checker: VersionChecker, *, must_answer: bool) -> None:
    """The current version, and each that is known."""
    found = await outcome(a_set, None, must_answer=must_answer)
    if found != "unreadable":
        possible = checker.possible()
        assert (None if found == "gone" else found) in possible, (found, checker)
    for sub in checker.known:
        found = await outcome(a_set, sub, must_answer=must_answer)
        assert found in ["unreadable", *checker.possible_of(sub)], (sub, found, checker)


async def outcome(a_set: TestSet[ModelDrive], sub: bytes | None, *, must_answer: bool) -> bytes | str | None:
    try:
        reply = await a_set.client.bus.call("set-0", Get("b", KEY, sub=sub), deadline_s=60)
    except Fault as fault:
        if fault.code is FaultCode.NOT_FOUND:
            return "gone"
        if must_answer:
            raise
        return "unreadable"
    return None if reply.message.is_marker else b"".join(reply.frames)


async def check_listings(a_set: TestSet[ModelDrive], checker: VersionChecker, page: int) -> None:
    """Where nothing is unknown all versions are listed in their order, page by page, and the key if it is
    there.
    """
    entries = []
    after_sub: bytes | None = None
    after = b""
    more = True
    while more:
        listed = await a_set.client.ask(ListVersions("b", after=after, after_sub=after_sub, limit=page))
        entries += listed.entries
        more = listed.more
        if more:
            after, after_sub = entries[-1].key, entries[-1].sub
    assert [(entry.sub, entry.is_marker) for entry in entries] == checker.listed()
    assert [entry.is_latest for entry in entries] == [True, *[False] * (len(entries) - 1)][: len(entries)]
    keys = [entry.key for entry in (await a_set.client.ask(List("b"))).entries]
    assert keys == ([] if checker.possible() == [None] else [KEY])


@pytest.mark.parametrize("drives", [1, 2, 3, 4, 5])
@pytest.mark.parametrize("seed", range(6))
async def test_versions_come_and_go_as_acknowledged(drives: int, seed: int) -> None:
    """Reads of the current version and of each known one find what was acknowledged, or a write of unknown
    effect; with all drives back they answer, and listings show all of it.
    """
    random = Random(seed * 100 + drives)
    checker = VersionChecker()
    async with running_set(drives) as a_set:
        with trio.fail_after(60):
            for number in range(STEPS):
                disturb(a_set, random, 0)
                match random.randrange(8):
                    case 0 | 1 | 2:
                        await put(a_set, checker, random, number)
                    case 3:
                        await mark(a_set, checker, random)
                    case 4:
                        await remove(a_set, checker, random)
                    case 5:
                        await amend(a_set, checker, random)
                    case _:
                        await read(a_set, checker, must_answer=False)
            for drive in a_set.drives:
                drive.refuses, drive.loses_settles = None, False
            await read(a_set, checker, must_answer=True)
            if checker.is_certain:
                await check_listings(a_set, checker, 1 + seed % 4)


@pytest.mark.parametrize("seed", range(4))
async def test_undisturbed_histories_are_listed_exactly(seed: int) -> None:
    """With drives that do as they are told every version is where it belongs, at every page size."""
    random = Random(seed)
    checker = VersionChecker()
    async with running_set(4) as a_set:
        for number in range(30):
            match random.randrange(6):
                case 0 | 1 | 2:
                    await put(a_set, checker, random, number)
                case 3:
                    await mark(a_set, checker, random)
                case 4:
                    await remove(a_set, checker, random)
                case _:
                    await amend(a_set, checker, random)
            await read(a_set, checker, must_answer=True)
            await check_listings(a_set, checker, 1 + number % 4)
        for page in (5, 7, 100):
            await check_listings(a_set, checker, page)
