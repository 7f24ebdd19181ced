"""Notes what the scrubs of this node's drives have found, so that it is healed like anything that a read met.

A drive forgets a finding only when it hears that the key is noted durably. So none is lost: a worker that
dies in between leaves the finding where it was. One that is told twice is noted twice, and the second note
replaces the first.
"""

from __future__ import annotations

from functools import partial

import structlog
import trio

from rustfs_node.erasureset.peers import Rank
from rustfs_node.erasureset.state import SetState
from rustfs_node.erasureset.together import outcomes_of
from rustfs_proto.wire.faults import Fault
from rustfs_proto.wire.heal_ops import FindingsTold, FoundKey, TakeFindings

log = structlog.get_logger()

_NOTED_AT_ONCE = 16
"""Notes under way together: they leave as one batch, and no drive is filled with them."""


class FoundNoter:
    """`run` goes round and round over the drives of this node."""

    def __init__(self, state: SetState) -> None:
        self._state = state
        own = next((one.node for one in state.plan.workers if one.name == state.plan.name), 0)
        self._slots = [plan.slot for plan in state.plan.drives if plan.node == own]

    async def run(self) -> None:
        """Ask and note, for ever."""
        conditions = self._state.drives.conditions
        while True:
            await trio.sleep(self._state.settings.heal_pause_s)
            for slot in self._slots:
                if conditions[slot].rank is not Rank.AWAY:
                    await self._ask(slot)

    async def _ask(self, slot: int) -> None:
        """Until the drive has nothing more, or something cannot be noted now."""
        noted: tuple[FoundKey, ...] = ()
        is_all_noted = True
        while True:
            try:
                told = (await self._state.drives.read(slot, TakeFindings(noted))).message
            except Fault as fault:
                # It keeps them, and is asked again.
                log.debug("findings_not_told", set=self._state.plan.name, slot=slot, reason=str(fault))
                return
            assert isinstance(told, FindingsTold)
            if not told.found or not is_all_noted:
                return
            noted = await self._note(told.found)
            is_all_noted = len(noted) == len(told.found)

    async def _note(self, found: tuple[FoundKey, ...]) -> tuple[FoundKey, ...]:
        """Those of them that are noted durably now."""
        notes = self._state.heal_notes
        works = [partial(notes.keep, one.bucket, one.key) for one in found]
        outcomes = await outcomes_of(works, _NOTED_AT_ONCE)
        return tuple(one for one, is_kept in zip(found, outcomes, strict=True) if is_kept is True)
