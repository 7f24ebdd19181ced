"""A set counts by itself how well its versions are protected."""

from __future__ import annotations

import trio

from rustfs_proto.wire.sequence_ops import FINISHED, SequencesTell, SequenceView
from tests.unit.erasureset.kit import TestSet, running_real_set
from tests.unit.erasureset.test_objects import body_of


async def known(a_set: TestSet) -> tuple[SequenceView, ...]:
    return (await a_set.client.ask(SequencesTell())).sequences


async def test_a_set_counts_again_and_again(tmp_path):
    """Soon after its start, and when the last census is old; one at a time, healing nothing."""
    async with running_real_set(tmp_path, 4, census_s=0.3, census_look_s=0.1) as a_set:
        for number in range(3):
            await a_set.client.put(b"k%d" % number, body_of(1000, number))
        with trio.fail_after(60):
            seen = await known(a_set)
            while sum(one.state == FINISHED and one.versions == 3 for one in seen) < 2:
                assert sum(one.state != FINISHED for one in seen) <= 1
                seen = await known(a_set)
        assert all(one.dry_run and one.asked_for == "set.census_s" for one in seen)


async def test_without_a_period_nothing_is_counted(tmp_path):
    """Where the setting is 0 no census begins, however often it would be looked."""
    async with running_real_set(tmp_path, 4, census_s=0.0, census_look_s=0.001) as a_set:
        for number in range(20):
            await a_set.client.put(b"k%d" % number, body_of(1000, number))
        assert await known(a_set) == ()
