"""SetStatus: how the set is, from what this worker knows of its drives; DriveGone: what it is told of one;
ListLocks: which keys have a turn taken here.
"""

from __future__ import annotations

from msgspec import structs

from rustfs_node.bus import Request
from rustfs_node.erasureset.peers import Condition, Rank
from rustfs_node.erasureset.state import SetState
from rustfs_node.plan import DrivePlan
from rustfs_proto.wire.drive_ops import DriveState
from rustfs_proto.wire.heal_ops import HealView, RebuildView, ScrubView
from rustfs_proto.wire.inspect_ops import ListLocks, LocksListed
from rustfs_proto.wire.set_ops import DriveView, SetStatusReply
from rustfs_proto.wire.supervisor_ops import DriveGone


def set_status(state: SetState, request: Request) -> None:
    """Answer a `SetStatus`."""
    conditions = state.drives.conditions
    reachable = state.drives.reachable
    views = tuple(
        view_of(plan, condition) for plan, condition in zip(state.plan.drives, conditions, strict=True)
    )
    request.reply(
        SetStatusReply(
            set_index=state.plan.index,
            k=state.k,
            m=state.m,
            write_quorum=state.write_quorum,
            readable=reachable >= state.k,
            writable=reachable >= state.write_quorum,
            drives=views,
            healing=_healing(state),
        )
    )


def list_locks(state: SetState, request: Request) -> None:
    """Answer a `ListLocks`."""
    message = request.message
    assert isinstance(message, ListLocks)
    told = state.locks.oldest(min(message.count, state.settings.locks_told_max))
    request.reply(LocksListed(told, len(state.locks)))


def drive_gone(state: SetState, request: Request) -> None:
    """Keep the reason of a `DriveGone`."""
    told = request.message
    assert isinstance(told, DriveGone)
    if 0 <= told.slot < state.n:
        state.drives.gone(told.slot, told.reason)


def _healing(state: SetState) -> HealView:
    statuses = [one.status for one in state.drives.conditions]
    rows = [status.rows if status else 0 for status in statuses]
    rebuilds = tuple(
        RebuildView(slot, one.given, one.size_bytes, max(0, max(rows) - rows[slot]))
        for slot, one in sorted(state.healing.rebuilds.items())
    )
    notes = max((status.heal_notes for status in statuses if status), default=0)
    scrubs = tuple(
        ScrubView(**structs.asdict(status.scrub), slot=slot) for slot, status in enumerate(statuses) if status
    )
    return HealView(notes, state.healing.healed, state.healing.failed, rebuilds, scrubs)


def view_of(plan: DrivePlan, condition: Condition) -> DriveView:
    """One drive, as this worker sees it."""
    status = condition.status
    if status is None or not condition.is_reachable:
        was_there = status is not None or not plan.fault
        reason = condition.absence or ("its worker does not answer" if was_there else plan.fault)
        return DriveView(plan.slot, plan.path, -1, reason=reason)
    is_slow = condition.rank is Rank.SUSPECT and status.state == DriveState.ONLINE
    drive_state = DriveState.SUSPECT if is_slow else status.state
    slowness = "it owes answers" if condition.is_mute else f"reads take {condition.latency_s:.2f} s"
    reason = slowness if is_slow else status.reason
    return DriveView(plan.slot, plan.path, drive_state, status.total_bytes, status.free_bytes, reason)
