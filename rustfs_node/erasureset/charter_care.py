"""Gives the charter to drives that have an older one, or none: those that were away when it was written, or
were formatted since.

A charter counts once a write quorum of drives has it. A drive that missed it would go on telling that keys
are elsewhere which are here, so whoever meets that asks for care. A drive that has none refuses nothing: so
it is also looked after from time to time, lest a set that loses drives is left with too few that remember
what it gave away.
"""

from __future__ import annotations

import structlog
import trio

from rustfs_node.erasureset.resolve import resolve
from rustfs_node.erasureset.shard_copy import copy_version
from rustfs_node.erasureset.state import SetState
from rustfs_proto.erasure.charter import CHARTER_KEY
from rustfs_proto.erasure.decide import Verdict
from rustfs_proto.s3.names import SYSTEM_BUCKET
from rustfs_proto.wire.drive_ops import LookedUp, Lookup, Space
from rustfs_proto.wire.faults import Fault

log = structlog.get_logger()

_LOOKUP = Lookup(Space.OBJECT, SYSTEM_BUCKET, CHARTER_KEY, want_inline=False)


async def care_for_charter(state: SetState) -> None:
    """Look after it for ever."""
    while True:
        with trio.move_on_after(state.settings.charter_look_s):
            await state.charter_wanted.wait()
        state.charter_wanted = trio.Event()
        try:
            await _give(state)
        except Fault as fault:
            log.info("charter_not_looked_after", set=state.plan.name, reason=str(fault))
        # However many ask meanwhile.
        await trio.sleep(state.settings.charter_pause_s)


async def _give(state: SetState) -> None:
    read = await resolve(state, _LOOKUP)
    assert read.decision is not None
    if read.decision.verdict is Verdict.ABSENT:
        return
    for slot in range(state.n):
        try:
            reply = await state.drives.read(slot, _LOOKUP)
            assert isinstance(reply.message, LookedUp)
            if reply.message.stamp < read.decision.stamp:
                await copy_version(state, read, slot)
        except Fault:
            # It is away, or has a newer one by now: there is a next time.
            continue
