"""Which operations there are: the class of each request, and the class of its answer.

An operation's name on the wire is the name of its request class, so class names are part of the protocol and
never change. A request whose answer is None is a notice. Encoders and decoders are made once per class and
kept.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import msgspec

from rustfs_proto.wire import (
    acceptor_ops,
    drive_ops,
    heal_ops,
    inspect_ops,
    metrics_ops,
    move_ops,
    node_ops,
    rename_ops,
    scrub_ops,
    sequence_ops,
    set_ops,
    supervisor_ops,
    upload_ops,
    usage_ops,
)

OPERATIONS: dict[type, type | None] = {
    drive_ops.Commit: drive_ops.Committed,
    drive_ops.Settle: None,
    drive_ops.Lookup: drive_ops.LookedUp,
    drive_ops.Scan: drive_ops.Scanned,
    drive_ops.ListUnsettled: drive_ops.UnsettledListed,
    drive_ops.ListRenames: drive_ops.RenamesHeld,
    drive_ops.WatchSlots: drive_ops.SlotsWatched,
    heal_ops.ListRows: heal_ops.RowsListed,
    heal_ops.CheckRow: heal_ops.RowChecked,
    heal_ops.Rejoin: heal_ops.Rejoined,
    heal_ops.MarkRebuild: heal_ops.RebuildMarked,
    heal_ops.TakeFindings: heal_ops.FindingsTold,
    usage_ops.CountUsage: usage_ops.UsageCounted,
    scrub_ops.DriveScrub: drive_ops.ScrubProgress,
    drive_ops.ShardWrite: drive_ops.ShardWritten,
    drive_ops.ShardDrop: None,
    drive_ops.ShardRead: drive_ops.ShardFragments,
    drive_ops.DriveStatus: drive_ops.DriveStatusReply,
    set_ops.PutSmall: set_ops.PutDone,
    set_ops.PutOpen: set_ops.PutOpened,
    set_ops.PutBlock: set_ops.PutBlockDone,
    set_ops.PutFinish: set_ops.PutDone,
    set_ops.PutAbort: set_ops.Done,
    set_ops.Get: set_ops.Got,
    set_ops.ReadBlock: set_ops.Block,
    set_ops.Amend: set_ops.Amended,
    set_ops.Delete: set_ops.Deleted,
    set_ops.RemoveVersions: set_ops.VersionsRemoved,
    set_ops.List: set_ops.Listed,
    set_ops.ListVersions: set_ops.VersionsListed,
    upload_ops.UploadCreate: upload_ops.UploadCreated,
    upload_ops.UploadGet: upload_ops.UploadGot,
    upload_ops.UploadParts: upload_ops.UploadPartsListed,
    upload_ops.UploadComplete: upload_ops.UploadCompleted,
    upload_ops.UploadAbort: set_ops.Done,
    upload_ops.UploadList: upload_ops.UploadsListed,
    rename_ops.RenameStage: rename_ops.RenameStaged,
    rename_ops.RenameMark: set_ops.Done,
    rename_ops.RenameDecide: rename_ops.RenameDecided,
    rename_ops.RenameFinish: set_ops.Done,
    rename_ops.RenameDrop: set_ops.Done,
    rename_ops.RenameForget: set_ops.Done,
    rename_ops.RenamesOpen: rename_ops.RenamesListed,
    move_ops.MoveScan: move_ops.MoveScanned,
    move_ops.MoveVersion: set_ops.Done,
    move_ops.MoveRemove: set_ops.Done,
    move_ops.MoveChanges: move_ops.MoveChanged,
    set_ops.LockTime: set_ops.LockTimeTold,
    set_ops.SetStatus: set_ops.SetStatusReply,
    usage_ops.SetUsage: usage_ops.SetUsageTold,
    inspect_ops.Inspect: inspect_ops.Inspected,
    sequence_ops.SequenceStart: sequence_ops.SequencesTold,
    sequence_ops.SequenceStop: sequence_ops.SequencesTold,
    sequence_ops.SequencesTell: sequence_ops.SequencesTold,
    inspect_ops.ListLocks: inspect_ops.LocksListed,
    scrub_ops.SetScrub: scrub_ops.SetScrubTold,
    acceptor_ops.BucketChanged: acceptor_ops.BucketNoted,
    acceptor_ops.TraceRequests: acceptor_ops.RequestsTraced,
    acceptor_ops.SlotsMoved: None,
    acceptor_ops.AskLoad: acceptor_ops.LoadTold,
    metrics_ops.Metrics: metrics_ops.MetricsTold,
    node_ops.Introduce: node_ops.Introduced,
    node_ops.FormatDrives: node_ops.DrivesFormatted,
    node_ops.FinishFounding: node_ops.FoundingFinished,
    supervisor_ops.DriveLookAgain: supervisor_ops.DriveStands,
    supervisor_ops.DriveGone: None,
    supervisor_ops.DriveLetGo: supervisor_ops.DriveStands,
    supervisor_ops.DriveLocate: supervisor_ops.DriveLocated,
}
"""Request class to reply class; None for a notice."""

REQUESTS: dict[str, type] = {request.__name__: request for request in OPERATIONS}
"""Name on the wire to request class."""

assert len(REQUESTS) == len(OPERATIONS), "two operations share a name"

encode_message = msgspec.msgpack.Encoder().encode
"""The msgpack map of a message."""


@cache
def decoder_of(message_class: type) -> msgspec.msgpack.Decoder[Any]:
    """The decoder that checks every field against the class and skips those it does not know."""
    return msgspec.msgpack.Decoder(message_class)
