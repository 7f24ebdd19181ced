"""What an operator asks of the scrubs of this set, passed on to its drives, on all nodes.

The drives scrub by themselves; nothing of an order is kept here.
"""

from __future__ import annotations

from functools import partial

from msgspec import structs

from rustfs_node.bus import Reply, Request
from rustfs_node.erasureset.state import SetState
from rustfs_node.erasureset.together import outcomes_of
from rustfs_proto.wire.drive_ops import ScrubProgress
from rustfs_proto.wire.faults import Fault
from rustfs_proto.wire.heal_ops import ScrubView
from rustfs_proto.wire.scrub_ops import DriveScrub, ScrubRefusal, SetScrub, SetScrubTold


def set_scrub(state: SetState, request: Request) -> None:
    """Answer a `SetScrub`."""
    state.answer_later(request, _set_scrub)


async def _set_scrub(state: SetState, request: Request) -> Reply:
    message, trace = request.message, request.trace
    assert isinstance(message, SetScrub)
    slots = [slot for slot in message.slots if 0 <= slot < state.n] or list(range(state.n))
    order = DriveScrub(message.action, message.flat_out)
    works = [partial(state.drives.read, slot, order, trace) for slot in slots]
    scrubs, refusals = [], []
    for slot, outcome in zip(slots, await outcomes_of(works, len(works)), strict=True):
        if isinstance(outcome, Fault):
            refusals.append(ScrubRefusal(slot, _reason(state, slot, outcome)))
        else:
            assert isinstance(outcome.message, ScrubProgress)
            scrubs.append(ScrubView(**structs.asdict(outcome.message), slot=slot))
    return Reply(SetScrubTold(tuple(scrubs), tuple(refusals)))


def _reason(state: SetState, slot: int, fault: Fault) -> str:
    condition = state.drives.conditions[slot]
    return (not condition.is_reachable and condition.absence) or fault.message
