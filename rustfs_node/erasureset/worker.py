"""The set worker: starts what it is made of and hands each request to its operation.

It holds nothing that cannot be lost: killed at any moment it costs its clients a retry.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import structlog
import trio

from rustfs_node.bus import Bus, Request
from rustfs_node.erasureset import (
    amend,
    deletes,
    inspect,
    leaving,
    listing,
    lock_clock,
    move_in,
    move_rows,
    puts,
    read,
    read_block,
    removal,
    rename_decide,
    rename_rows,
    rename_source,
    rename_target,
    scrub_orders,
    sequences,
    status,
    stream_write,
    uploads,
    usage,
    version_listing,
)
from rustfs_node.erasureset.charter_care import care_for_charter
from rustfs_node.erasureset.charters import KnownCharter
from rustfs_node.erasureset.handles import Handles
from rustfs_node.erasureset.heal_counts import HealCounts
from rustfs_node.erasureset.heal_found import FoundNoter
from rustfs_node.erasureset.heal_noted import NoteHealer
from rustfs_node.erasureset.heal_notes import HealNotes
from rustfs_node.erasureset.heal_pace import Pace
from rustfs_node.erasureset.hedge import Hedger
from rustfs_node.erasureset.lock_clock import LockClock, keep_lock_clock
from rustfs_node.erasureset.locks import KeyLocks, WritesUnderWay
from rustfs_node.erasureset.memory import Memory
from rustfs_node.erasureset.metrics import set_measures
from rustfs_node.erasureset.open_reads import OpenReads
from rustfs_node.erasureset.patience import Patience
from rustfs_node.erasureset.peers import Drives
from rustfs_node.erasureset.rebuild import Rebuilder
from rustfs_node.erasureset.regular_census import count_regularly
from rustfs_node.erasureset.resettle import Resettler
from rustfs_node.erasureset.settle import Settler
from rustfs_node.erasureset.state import SetState
from rustfs_node.erasureset.versions import Versions
from rustfs_node.plan import SetPlan
from rustfs_node.seams.clock import Clock
from rustfs_node.seams.randomness import Randomness
from rustfs_node.settings.erasureset import SetSettings
from rustfs_proto.erasure.geometry import write_quorum
from rustfs_proto.objects import Geometry
from rustfs_proto.stamp import LIFE_MAX, StampIssuer
from rustfs_proto.wire import (
    inspect_ops,
    move_ops,
    rename_ops,
    scrub_ops,
    sequence_ops,
    set_ops,
    supervisor_ops,
    upload_ops,
    usage_ops,
)
from rustfs_proto.wire.faults import Fault, FaultCode

log = structlog.get_logger()

OPERATIONS: dict[type, Callable[[SetState, Request], None]] = {
    set_ops.PutSmall: puts.put_small,
    set_ops.Get: read.get,
    set_ops.ReadBlock: read_block.read_block,
    set_ops.Amend: amend.amend,
    set_ops.Delete: deletes.delete,
    set_ops.RemoveVersions: removal.remove_versions,
    set_ops.PutOpen: stream_write.put_open,
    set_ops.PutBlock: stream_write.put_block,
    set_ops.PutFinish: stream_write.put_finish,
    set_ops.PutAbort: stream_write.put_abort,
    set_ops.List: listing.list_objects,
    set_ops.ListVersions: version_listing.list_versions,
    upload_ops.UploadCreate: uploads.create,
    upload_ops.UploadGet: uploads.get,
    upload_ops.UploadParts: uploads.parts,
    upload_ops.UploadComplete: uploads.complete,
    upload_ops.UploadAbort: uploads.abort,
    upload_ops.UploadList: listing.list_uploads,
    rename_ops.RenameStage: rename_target.stage,
    rename_ops.RenameMark: rename_source.mark,
    rename_ops.RenameDecide: rename_decide.decide,
    rename_ops.RenameFinish: rename_target.finish,
    rename_ops.RenameDrop: rename_target.drop,
    rename_ops.RenameForget: rename_source.forget,
    rename_ops.RenamesOpen: rename_rows.renames_open,
    move_ops.MoveScan: move_rows.scan,
    move_ops.MoveVersion: move_in.move_version,
    move_ops.MoveRemove: move_in.remove,
    move_ops.MoveChanges: move_rows.changes,
    set_ops.LockTime: lock_clock.lock_time,
    supervisor_ops.DriveGone: status.drive_gone,
    set_ops.SetStatus: status.set_status,
    inspect_ops.Inspect: inspect.inspect,
    sequence_ops.SequenceStart: sequences.start,
    sequence_ops.SequenceStop: sequences.stop,
    sequence_ops.SequencesTell: sequences.tell,
    inspect_ops.ListLocks: status.list_locks,
    usage_ops.SetUsage: usage.set_usage,
    scrub_ops.SetScrub: scrub_orders.set_scrub,
}

_NOBODY_WAITS = frozenset({status.set_status, sequences.tell, usage.set_usage, scrub_orders.set_scrub})
"""Asked for all the time, by those who watch."""


async def run_set(
    bus: Bus,
    plan: SetPlan,
    settings: SetSettings,
    clock: Clock,
    randomness: Randomness,
    *,
    writer: int,
    stopping: trio.Event | None = None,
    task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED,
) -> None:
    """Serve one erasure set on `bus` until cancelled, or until `stopping` and all that was begun is finished;
    started when every drive has been asked how it is.

    `bus` is not running yet. `writer` is the number of this node, part of every stamp issued here.
    """
    drives = Drives(bus, plan.drives, settings, clock, own_node=writer)
    async with trio.open_nursery() as nursery:
        state = make_state(plan, settings, clock, randomness, nursery, drives, writer)
        bus.serve(lambda requests: handle(state, requests))
        bus.meter.add(partial(set_measures, state))
        bus.ask_metrics_of({one.name: False for one in plan.drives if one.node == writer and not one.fault})
        await nursery.start(bus.run)
        for service in (state.settler.run, state.heal_notes.run, state.hedger.run, state.handles.watch):
            nursery.start_soon(service)
        await nursery.start(drives.watch)
        # Versions of a former life must not look newer than what is written now, even if the clock was set
        # back.
        state.issuer.last = max(state.issuer.last, drives.newest_stamp)
        nursery.start_soon(Resettler(bus, state).run)
        nursery.start_soon(NoteHealer(bus, state).run)
        nursery.start_soon(Rebuilder(bus, state).run)
        nursery.start_soon(FoundNoter(state).run)
        nursery.start_soon(usage.UsageKeeper(state).run)
        nursery.start_soon(count_regularly, state, bus.own_name)
        nursery.start_soon(keep_lock_clock, state)
        nursery.start_soon(care_for_charter, state)
        log.info("set_serving", set=plan.name, k=plan.k, m=plan.m, reachable=drives.reachable)
        task_status.started()
        if stopping is not None:
            await stopping.wait()
            await leaving.finish(bus, state)
            nursery.cancel_scope.cancel()


def make_state(
    plan: SetPlan,
    settings: SetSettings,
    clock: Clock,
    randomness: Randomness,
    nursery: trio.Nursery,
    drives: Drives,
    writer: int,
) -> SetState:
    """The state of a worker that starts. `writer` is the number of the node, part of every stamp."""
    geometry = Geometry(plan.k, plan.m, settings.stripe_bytes)
    issuer = StampIssuer(writer, randomness.token(1)[0] & LIFE_MAX)
    settler = Settler(drives, settings.settle_delay_s, marks=plan.k == plan.m)
    return SetState(
        plan=plan,
        settings=settings,
        clock=clock,
        randomness=randomness,
        nursery=nursery,
        drives=drives,
        hedger=Hedger(drives, clock),
        settler=settler,
        heal_notes=HealNotes(
            drives,
            settler,
            issuer,
            clock,
            plan.m + 1,
            settings.heal_noted_keys,
            settings.heal_note_again_s,
        ),
        healing=HealCounts(),
        heal_pace=Pace(settings, clock),
        heal_files=trio.CapacityLimiter(settings.heal_at_once),
        sequences=sequences.Sequences(settings.heal_sequences_at_once),
        open_reads=OpenReads(),
        locks=KeyLocks(settings.lock_wait_s, clock),
        under_way=WritesUnderWay(),
        issuer=issuer,
        memory=Memory(settings.in_flight_bytes_max, settings.waiting_bytes_max, clock),
        patience=Patience(len(plan.drives), settings.straggler_wait_s, settings.straggler_share, clock),
        versions=Versions(settings.versions_cached, settings.version_parts_cached),
        handles=Handles(settings.handles_max, settings.handle_idle_s, clock, randomness),
        lock_clock=LockClock(),
        charter=KnownCharter(),
        geometry=geometry,
        geometries={
            name: Geometry(plan.k + plan.m - parity, parity, settings.stripe_bytes)
            for name, parity in plan.class_parities
        },
        k=plan.k,
        m=plan.m,
        n=plan.k + plan.m,
        write_quorum=write_quorum(plan.k, plan.m),
    )


def handle(state: SetState, requests: list[Request]) -> None:
    """Everything that came in with one turn of the bus."""
    for request in requests:
        operation = OPERATIONS.get(type(request.message))
        if operation not in _NOBODY_WAITS:
            state.heal_pace.called()
        if operation is None:
            name = type(request.message).__name__
            request.fail(Fault(FaultCode.UNKNOWN_OP, f"a set worker does not answer {name}"))
        else:
            operation(state, request)
