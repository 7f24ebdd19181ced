"""A census of the whole set from time to time without being asked, so that how well its versions are
protected is always known: metrics and alerts live on the last one.

One worker of the set does it, the first of the plan: while its node is away nobody counts, and that the node
is away is told. A census or heal of everything that an operator ordered of this worker counts as well.
"""

from __future__ import annotations

import structlog
import trio

from rustfs_node.erasureset.state import SetState
from rustfs_proto.wire.faults import Fault
from rustfs_proto.wire.sequence_ops import Scope, SequenceStart

log = structlog.get_logger()


async def count_regularly(state: SetState, own_name: str) -> None:
    """For ever, in the set's first worker."""
    settings, clock, workers = state.settings, state.clock, state.plan.workers
    if not settings.census_s or (workers and own_name != workers[0].name):
        return
    last, due_s = None, 0.0
    while True:
        await trio.sleep(settings.census_look_s)
        census = state.sequences.last_census
        if census is not last:
            last, due_s = census, clock.monotonic_s() + settings.census_s
        is_at_it = any(one.is_of_all and not one.has_ended for one in state.sequences.known.values())
        if clock.monotonic_s() >= due_s and not is_at_it:
            _begin(state)


def _begin(state: SetState) -> None:
    name = f"regular-{state.plan.index}-{state.clock.wall_ms()}"
    order = SequenceStart(name, (Scope(),), dry_run=True, sets=(state.plan.index,), asked_for="set.census_s")
    try:
        state.sequences.begin(state, order)
    except Fault as fault:
        log.info("census_put_off", set=state.plan.name, reason=str(fault))
