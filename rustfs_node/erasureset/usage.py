"""What is stored in the set, as one of its drives counts it.

One drive is asked, again and again, the first in an order of the set's own that is well: so every worker of
the set asks the same one, the others have no work with it, and the sets' drives of one node take turns. What
it told last is kept until another count is finished, there or, when it is gone, by the next.
"""

from __future__ import annotations

import structlog
import trio

from rustfs_node.bus import Request
from rustfs_node.erasureset.peers import Rank
from rustfs_node.erasureset.state import SetState
from rustfs_proto.wire.faults import Fault
from rustfs_proto.wire.usage_ops import CountUsage, SetUsage, UsageCounted

log = structlog.get_logger()


class UsageKeeper:
    """`run` asks the drives. `state.usage` is what is known."""

    def __init__(self, state: SetState) -> None:
        self._state = state
        first = state.plan.index % state.n
        self._slots = [*range(first, state.n), *range(first)]

    async def run(self) -> None:
        """Until cancelled."""
        settings, known = self._state.settings, self._state.usage
        while True:
            await self._ask()
            await trio.sleep(settings.usage_ask_s if known.usage else settings.usage_first_ask_s)

    async def _ask(self) -> None:
        """The first drive that can be asked."""
        conditions = self._state.drives.conditions
        ranks = [Rank.WELL, Rank.SUSPECT]
        slots = [slot for rank in ranks for slot in self._slots if conditions[slot].rank is rank]
        for slot in slots:
            try:
                told = (await self._state.drives.read(slot, CountUsage())).message
            except Fault as fault:
                # It is of an earlier release, or went away just now.
                log.debug("usage_not_told", set=self._state.plan.name, slot=slot, reason=str(fault))
                continue
            assert isinstance(told, UsageCounted)
            self._state.usage.take(told, self._state.clock.monotonic_s())
            return


def set_usage(state: SetState, request: Request) -> None:
    """Answer a `SetUsage`."""
    asked = request.message
    assert isinstance(asked, SetUsage)
    request.reply(state.usage.told(asked.bucket, state.clock.monotonic_s()))
