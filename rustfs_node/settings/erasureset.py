"""Settings of a set worker: the coordinator of one erasure set."""

from __future__ import annotations

import attrs

MIB = 1024 * 1024


@attrs.frozen
class SetSettings:
    """Table [set]. Times in seconds, sizes in bytes."""

    stripe_bytes: int = MIB
    """Bytes of an object that are encoded together. Larger: fewer messages for large objects; smaller: less
    read for a short range and less memory in flight. Objects keep the value that they were written with."""

    block_stripes_max: int = 4
    """Stripes that an acceptor may ask for at a time, read from each drive by one call. At most
    drive.read_bytes, and the memory for them is waited for in one piece."""

    inline_bytes_max: int = 256 * 1024
    """Largest shard that stands in the drives' logs beside its metadata. Larger: one fsync for more objects,
    but more bytes that compaction copies; beyond 256 KiB the copy costs more than a file of its own."""

    commit_timeout_s: float = 20.0
    """How long a drive may take to make a version durable. Longer than any healthy fsync, even behind a full
    queue; the write is answered as soon as a quorum has it, so one slow drive does not make clients wait this
    long.
    """

    lookup_timeout_s: float = 5.0
    """How long a drive may take to answer a lookup, scan or shard read before it counts as silent."""

    leave_max_s: float = 15.0
    """How long a worker that is told to stop waits for what other nodes have under way with it; below
    node.stop_deadline_s, which kills."""

    retries: int = 3
    """How often a write is tried again with a newer stamp because drives have seen a later one. One is enough
    unless clocks of several writers run apart."""

    in_flight_bytes_max: int = 24 * MIB
    """Bodies being written or read at one time; beyond it calls wait, and with them their senders. Their
    fragments, here and in the drive workers, come on top: up to twice as much again."""

    waiting_bytes_max: int = 128 * MIB
    """Bodies to be written that may wait for their turn; beyond it calls are answered OVERLOADED, which
    clients see as SlowDown. More than the blocks that the acceptors of a node send together
    (acceptor.put_blocks_max).
    """

    settle_delay_s: float = 0.01
    """For so long acknowledged versions are gathered before drives are told that they are settled. Until then
    reads of such a key ask every drive, if an older version is there."""

    resettle_delay_s: float = 2.0
    """How often it is looked whether a drive was started again, and may keep what is long replaced."""

    resettle_pause_s: float = 0.01
    """Pause between two questions about that: background work, which may take its time."""

    hedge_delay_s: float = 0.05
    """After this long without enough answers a read asks one more drive: about the 99th percentile of a
    healthy hard disk. While the whole set is slow the delay grows with it, so that hedging never doubles an
    overload.
    """

    suspect_latency_s: float = 0.1
    """A drive whose smoothed read latency is beyond this, and four times that of its peers, is asked last:
    twice the delay of the hedge, beyond what a busy hard disk takes.
    """

    mute_s: float = 0.25
    """A drive that owes answers to reads, and has given none for so long, is asked last until it does: five
    times the delay of the hedge. What it was asked before still has its time."""

    locks_told_max: int = 1000
    """Locks of keys that one answer to an operator tells of, the oldest: a set that is in trouble has as many
    as it has requests."""

    inspect_versions: int = 100
    """Versions of a key that are inspected at a time; each costs a question to every drive."""

    start_wait_s: float = 2.0
    """How long a starting set worker waits for its drives before it serves with those that are there."""

    status_period_s: float = 5.0
    """How often each drive is asked how it is."""

    charter_look_s: float = 60.0
    """Seconds between two looks whether all drives have the charter of the set: a handful of lookups."""

    charter_pause_s: float = 0.05
    """Seconds between two of them where somebody has met a drive that may have an old one."""

    handles_max: int = 256
    """Streamed writes open at one time."""

    handle_idle_s: float = 120.0
    """A streamed write that sees no call for this long is given up. Acceptors give up on a silent client
    sooner.
    """

    lag_blocks_max: int = 8
    """How many blocks a drive may be behind in a streamed write while a write quorum keeps up; beyond it the
    sender waits for the drive, `straggler_wait_s` in all, and then the drive is left out of this write and
    healed later. Bounds the memory that a slow drive costs."""

    straggler_wait_s: float = 0.2
    """How long the commit of a streamed write waits for drives that have not taken all blocks yet, once a
    write quorum has: that long, or twice what a write quorum needed for a block. Leaving a drive out costs a
    heal of the whole object, so a moment's patience is cheap.
    """

    straggler_share: float = 0.01
    """Share of the time that writes may wait so for one drive in the long run: a drive that is slow for good
    delays no more than one write in a hundred."""

    versions_cached: int = 2048
    """Resolved versions kept for block reads, one entry per object being read."""

    version_parts_cached: int = 65_536
    """Parts that these versions may have together, about 400 bytes each: enough for a hundred objects of
    5 GiB that were uploaded in parts of 8 MiB."""

    delete_concurrency: int = 64
    """Keys of one batch delete that are under way together."""

    lookup_concurrency: int = 16
    """Lookups under way together while a listing settles what its drives disagree about."""

    tasks_max: int = 4096
    """Calls that need a task of their own (large, conditional, listing, degraded) under way at one time;
    beyond it they are answered OVERLOADED. A task costs about 20 KiB."""

    scan_rows_max: int = 1001
    """Rows asked of a drive at a time while listing: one more than S3's largest page."""

    key_scan_rows: int = 100
    """Versions of one key asked of a drive at a time, where drives differ in which of them is current."""

    version_rounds: int = 10
    """How often the versions of a key are looked through while they keep changing, before the read is given
    up: two rounds are enough for a key at rest."""

    in_flight_wait_s: float = 2.0
    """How long a read that meets an unfinished write of the same key waits for it before it
    decides without.
    """

    rename_recent_s: float = 120.0
    """How long after a rename listings of its bucket are asked for three times, to be sure that none came in
    between. Longer than a listing may take."""

    steady_reads: int = 8
    """How often drives are asked again while writes of the same key go on between their answers, before the
    read is answered by an error. Each time waits for the writes under way, so more than two are rare.
    """

    steady_pause_s: float = 0.005
    """Pause before the second of these questions; each further one is that much longer. A write of another
    worker, whose end is not known here, takes about that long to get from its first drive to its last."""

    lock_wait_s: float = 10.0
    """How long a conditional write waits for the lock of its key."""

    complete_wait_s: float = 1.0
    """How long completing an upload waits for the slower drives to commit the object too, once a write quorum
    has: the upload ends only where the object is, and where it does not end there is something to heal. A
    rename waits as long for drives that are slow to tell how it stands.
    """

    heal_noted_keys: int = 4096
    """Keys remembered as already noted for healing, so that reads of one damaged object do not write a note
    each.
    """

    heal_note_again_s: float = 5.0
    """So long after a note of a key no second one is written. Below `heal_rest_s`."""

    heal_rest_s: float = 10.0
    """So long a note is known before its key is healed: then whatever was not noted again, because there was
    that note, has happened before the healer looks."""

    heal_pause_s: float = 5.0
    """Pause between two rounds over the notes of the set."""

    heal_retry_s: float = 5.0
    """After so long a key that could not be healed is tried again; with each further time twice that. At once
    when a drive comes back."""

    heal_retry_max_s: float = 600.0
    """Longest of these pauses: a drive that is away for days costs a look at what it missed now and then."""

    heal_tried_keys: int = 65_536
    """Keys remembered as tried, some 200 bytes each. Beyond it they are tried more often."""

    heal_leftover_s: float = 600.0
    """Age of a note from which every worker of the set heals its key, and not only the one that the key falls
    to: that one may be away."""

    heal_at_once: int = 4
    """Keys that a worker heals at one time, and shard files that it copies: each takes twice the memory of
    `block_stripes_max`, and its share of the drives."""

    heal_rows_ahead: int = 64
    """Versions of a drive's rebuild that are under way together: most are small, and with so many the drives
    make them durable in batches. Files among them are copied `heal_at_once` at a time."""

    heal_look_s: float = 0.25
    """How often a worker looks whether a drive has begun another life, and may have to be rebuilt: a glance
    at what it knows."""

    heal_keep_s: float = 10.0
    """How often a drive that is rebuilt is told how far that has come. So much of it is compared again by the
    next worker, where this one dies."""

    heal_busy_bytes_per_s: int = 16 * MIB
    """Bytes of shards, read to verify them or written, that healing is guaranteed while clients call, all of
    it in this worker together; more it takes only once nobody has called for a second. A tenth of what a hard
    disk can do, so that clients hardly notice: 8 TB are rebuilt within a week on a set that is never idle."""

    heal_row_bytes: int = 64 * 1024
    """What a row that is looked at or healed counts as there, beside its bytes: in the time of its questions
    and its commit so much could be read."""

    heal_compare_bytes: int = 4 * 1024
    """What a row counts as there that is only compared with those of other drives: some 50 µs of this
    worker's processor."""

    heal_bytes_per_s: int = 0
    """More than so many bytes of shards are not verified or written by a worker that heals, even while nobody
    calls. 0: as many as the drives can do."""

    heal_page_rows: int = 1000
    """Rows asked of a drive at a time by what compares drives, and notes that are gone through together."""

    census_s: float = 86_400.0
    """Seconds from one census of the whole set to the next that it begins by itself; 0: none. A day: a census
    reads indexes and no objects, and what it finds should not be older than an operator's last look."""

    census_look_s: float = 600.0
    """How often it is looked whether one is due; and how long after its start a worker waits with the first,
    when the drives are there that were started with it."""

    heal_sequences_max: int = 16
    """Sequences of an operator that a worker knows, those that have ended among them; the oldest of these
    makes room for a new one. Where all are under way a further one is refused."""

    heal_sequences_at_once: int = 2
    """How many of them go on at one time: a short one need not wait for a long one."""

    heal_sequence_patience_s: float = 600.0
    """So long a sequence whose drives cannot be listed tries to go on, before it is given up. Longer than a
    restart of a node takes."""

    heal_fresh_s: float = 2.0
    """So long after a write its slower drives may have it under way: what a sequence finds lacking of it is
    looked at again when that time is over. Longer than commits take on a healthy set."""

    heal_failures_kept: int = 100
    """Versions that a sequence could not heal, of which it tells the reasons; the others are only counted. A
    report of modest size, and enough to see what they have in common."""

    heal_items_max: int = 1000
    """Versions that a sequence keeps for a client which wants to hear of each, as MinIO's do: some 300 bytes
    each, and as many as MinIO keeps."""

    heal_items_wait_s: float = 60.0
    """How long a sequence waits until such a client has taken them. Then it goes on, and tells of no further
    ones until there is room: nobody may be there any more."""

    usage_ask_s: float = 15.0
    """How often a drive is asked what it has counted, which makes it count again when that is old."""

    usage_first_ask_s: float = 1.0
    """The same while nothing is known yet."""

    usage_metrics_buckets_max: int = 1000
    """Buckets whose usage the metrics tell, the first ones: some fifteen lines each in every scrape. The
    administration tells all."""

    lock_clock_keep_s: float = 60.0
    """How often the lock clock of a set that has or had locked versions is written down. A worker that is
    killed loses as much of it, and locks then last that much longer, until it has caught up.
    """

    lock_clock_catch_up_s_per_day: float = 0.0
    """Seconds that the lock clock gains for each day while it is behind the wall clock, because the node was
    off. 0: none, so that no retention ever ends early, and each lasts longer by the time that the node is
    off. With 1800 an hour without power is made good in two days, a weekend in three months; but a wall clock
    that is set wrongly forward, and stays so, then ends retentions early by a 48th of that time.
    """
