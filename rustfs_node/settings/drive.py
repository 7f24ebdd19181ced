"""Settings of a drive worker: the [drive] table."""

from __future__ import annotations

import attrs
from attrs import validators

KIB = 1024
MIB = 1024 * KIB
GIB = 1024 * MIB


@attrs.frozen
class DriveSettings:
    """Limits of one drive worker. Sizes in bytes, times in seconds."""

    segment_bytes: int = 64 * MIB
    """Size of a log segment. Smaller ones are compacted in smaller steps, larger ones cost fewer folder
    syncs."""

    segment_zero_fill: bool = True
    """Write a new segment full of zeros ahead of its use: on ext4 a sync then takes 110 instead of 170 µs,
    because no block changes its state. Costs the bandwidth of the log once more; off for drives that wear."""

    batch_bytes: int = 8 * MIB
    """Most bytes of one batch, so that its fsync stays short; at most half a segment, because no batch spans
    two."""

    batch_records: int = 512
    """Most records of one batch: bounds the time that its index transaction keeps lookups waiting."""

    queue_requests: int = 8192
    """Commits and notices that may wait for a batch; beyond it the answer is OVERLOADED."""

    queue_bytes: int = 32 * MIB
    """Payload bytes that may wait for a batch; beyond it the answer is OVERLOADED."""

    index_dir: str = ""
    """Folder for the index, on a faster device; empty: on the drive itself. The index is derived and may be
    lost."""

    index_cache_bytes: int = 16 * MIB
    """Page cache of the index. There is one drive worker per drive, so it counts once per drive."""

    index_check_rows: int = 100_000
    """An index of up to so many rows is read from end to end before it is trusted, which takes half a second;
    of a larger one, damage is noticed when the rows it is in are read."""

    index_flush_s: float = 0.05
    """Changes of the index are gathered for so long before they go into its file, in one transaction. A
    worker that is killed applies the records of that time again when it starts."""

    rebuilt_trust_s: float = 60.0
    """Seconds. When the index has to be rebuilt, versions that are older than the newest one by so much are
    taken for finished: no write takes longer between its first drive and its last, but one that was given up.
    What a drive knew of younger ones it hears again when they are read.
    """

    index_wal_bytes: int = 16 * MIB
    """Size of the index's write-ahead file at which it is folded into the index, between two batches."""

    replay_records: int = 4096
    """Records per index transaction while the log is replayed at start."""

    read_files: int = 64
    """Log segments, and as many shard files, kept open for reading."""

    read_idle_s: float = 30.0
    """A shard file nobody read for that long is closed, so that the space of a removed one comes back."""

    read_bytes: int = 8 * MIB
    """Most bytes of fragments that one ShardRead may ask for: bounds memory per call."""

    inline_read_bytes: int = 64 * KIB
    """Shard frames from this size on are read, verified and written in a thread; below, the hop would cost
    more."""

    scan_rows: int = 5000
    """Most rows of one page of a listing, whatever was asked for: bounds the time that other requests
    wait."""

    shard_writers: int = 512
    """Unfinished shard files at one time; each costs a descriptor. Beyond it the answer is OVERLOADED. Twice
    set.handles_max, because one that was given up stays until the next tick."""

    shard_buffer_bytes: int = 136 * MIB
    """Fragments taken over and not yet written; beyond it the answer is OVERLOADED. More than
    set.in_flight_bytes_max, which is what makes writers wait: then a slow drive never has to refuse a
    fragment.
    """

    shard_sync_bytes: int = 64 * MIB
    """A growing shard file is synced after so many new bytes, so that the last sync, which a client waits
    for, is short."""

    shard_write_threads: int = 2
    """Threads that write shard files at one time. Few: what waits meanwhile is written together."""

    shard_batch_bytes: int = 4 * MIB
    """Fragments, of however many files, that one of them takes at a time: what the last of them waits for."""

    shard_write_bytes: int = 2 * MIB
    """Fragments of one file written by one call, where so many wait. Each thread may hold a copy of as much;
    a call costs as much as copying half a megabyte."""

    shard_direct: bool = True
    """Write shard files past the page cache (O_DIRECT), where the file system can: a fifth of the processor
    time, and no writeback that piles up until the sync which a client waits for. Off where large objects are
    read soon after they are written, from slow disks and with memory to spare."""

    shard_idle_s: float = 600.0
    """An unfinished shard file that got nothing for that long is given up. More than a client's longest
    pause."""

    reserve_bytes: int = 512 * MIB
    """Free space that values may not use: deletes, heal notes, compaction and the index go on in it."""

    compact_live_ratio: float = 0.5
    """A sealed segment with less live data than this part of its size is rewritten. Higher saves space, costs
    writes."""

    compact_garbage_bytes: int = 1 * GIB
    """Dead log bytes that are left alone while the drive has room: a segment of keys that are written again
    and again dies by itself, and goes without having been read."""

    compact_bytes_per_s: int = 16 * MIB
    """Log bytes that compaction may read per second: background work never takes the drive away from
    clients."""

    compact_step_bytes: int = 1 * MIB
    """Log bytes looked at in one step of compaction, between two batches: bounds the delay it causes."""

    tombstone_grace_s: float = 3600.0
    """Age from which a settled tombstone may go, by its stamp. Covers clocks that differ between nodes."""

    tombstones_waiting: int = 100_000
    """Settled tombstones kept only because old segments remain; beyond it the oldest segment is rewritten,
    however live."""

    watched_changes_max: int = 20_000
    """Keys that a drive remembers to have been changed in slots that are about to move, until the mover asks
    for them, which it does every second; with more it has to look through all keys once more."""

    renames_open_max: int = 10_000
    """Renames that may be open on a drive together. Each is a few hundred bytes of memory and open for
    milliseconds, unless a crash left it."""

    sweep_grace_s: float = 60.0
    """How long a shard file stays after its last row is gone: readers that looked it up before finish their
    read."""

    orphan_grace_s: float = 86_400.0
    """Age from which a shard file that no row ever referred to is removed: longer than any upload takes to
    commit."""

    sweep_step_files: int = 64
    """Shard files removed in one step of the sweep."""

    scrub_period_s: float = 30 * 86_400.0
    """From the beginning of one round of the scrub to that of the next: so long damage that nobody reads may
    go unnoticed. A month is much less than the time in which a second and a third drive damage the same
    object. 0: the drive is not scrubbed."""

    scrub_bytes_per_s: int = 16 * MIB
    """Bytes that the scrub may read per second, a record or the opening of a file counted as 64 KiB at least,
    as a hard disk has to seek for it: a tenth of what one can do, and 40 TB within a period."""

    scrub_step_bytes: int = 1 * MIB
    """Bytes of a shard file that the scrub reads at a time: what a client waits for that comes meanwhile."""

    scrub_busy_bytes_per_s: int = 4 * MIB
    """Of these so many are guaranteed, however many requests come: a drive that is never idle is read all the
    same, 10 TB or a hundred million small objects within a period."""

    scrub_yield_s: float = 0.5
    """What is beyond them waits for a moment without requests, but no longer than that."""

    scrub_keep_s: float = 60.0
    """How often the scrub writes down how far it is, and how long it waits after a start, when there is much
    else to read."""

    scrub_found_keys: int = 1024
    """Damaged keys that the drive keeps for set workers to note. With so many the scrub waits: a drive that
    lost very much is found out by the first of them."""

    scrub_look_again_s: float = 10.0
    """How often what the scrub found is read again, until it reads well: so old what is told as repaired may
    be."""

    scrub_look_again: int = 16
    """Records and pieces of shard files, of `scrub_step_bytes` at most, that are read again at a time."""

    usage_period_s: float = attrs.field(default=60.0, validator=validators.ge(0))
    """Age from which what is stored is counted again when somebody asks: so old the usage of buckets may be,
    and the time that a count takes. 0: the drive does not count."""

    usage_share: float = attrs.field(default=0.1, validator=[validators.gt(0), validators.le(1)])
    """Of the time so much may be spent on counting, from more than 0 up to 1: with a tenth ten million
    objects take some five minutes, and longer where the machine is busy."""

    usage_step_rows: int = attrs.field(default=64, validator=validators.gt(0))
    """Records that are counted without a rest in between: a fifth of a millisecond in which nothing else is
    answered."""

    usage_buckets_max: int = 10_000
    """Buckets whose usage is told by name, the first ones. The sum is of all."""

    usage_prefixes_max: int = 10_000
    """Prefixes whose usage is told by name, the largest of all buckets together: a few hundred bytes of
    memory each."""

    threads: int = 8
    """Threads for what blocks: syncs, reads and writes of shard files. A hard disk gains nothing from
    more."""

    tick_s: float = 1.0
    """Pause between two looks at free space, the mount, idle writers, compaction and sweep."""

    slow_sync_s: float = 2.0
    """A sync that takes longer makes the drive SUSPECT: reads avoid it."""

    suspect_s: float = 60.0
    """How long a drive stays SUSPECT after the last slow sync or read error."""

    read_errors: int = 3
    """I/O errors while reading, within `suspect_s`, from which the drive is fenced."""
