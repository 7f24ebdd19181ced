"""The [acceptor] table: where clients connect, and every bound on what one of them may cost."""

from __future__ import annotations

import attrs

KIB = 1024
MIB = 1024 * KIB
GIB = 1024 * MIB


@attrs.frozen
class AcceptorSettings:
    """Limits and timeouts of an acceptor; bounds per request multiply by `connections_max`."""

    address: str = ":9000"
    """Host and port to listen on; an empty host means all addresses, IPv6 ones are written [::1]:9000."""

    tls_cert: str = ""
    """PEM file with the certificate and its chain; empty: plain HTTP. Read again at SIGHUP."""

    tls_key: str = ""
    """PEM file with the certificate's private key."""

    domains: tuple[str, ...] = ()
    """Domains under which `<bucket>.<domain>` names a bucket (virtual-hosted style). Path style
    always works.
    """

    region: str = ""
    """The region that signatures must name. Empty accepts any: a client's default region then never stands in
    the way.
    """

    listen_backlog: int = 4096
    """Connections the kernel holds before they are accepted; it caps this at net.core.somaxconn."""

    connections_max: int = 4096
    """Connections at once per acceptor; one more is answered 503 SlowDown. About 40 KiB each while idle."""

    accept_backoff_s: float = 0.1
    """Seconds to wait after accept failed for want of descriptors or memory, which only time can mend."""

    head_bytes_max: int = 32 * KIB
    """Bytes of a request's line and headers: S3 allows 8 KiB of headers; the rest is for URLs with 1,024-byte
    keys percent-encoded, session tokens and proxies."""

    head_timeout_s: float = 30.0
    """Seconds from a head's first byte to its last; longer is a slow-loris."""

    idle_timeout_s: float = 180.0
    """Seconds a kept-alive connection may wait for its next request: above the 60 s or so of client pools, so
    that it is the client who closes and no request meets a closing connection."""

    body_gap_max_s: float = 30.0
    """Seconds without one byte of an expected body before it is answered RequestTimeout."""

    send_gap_max_s: float = 60.0
    """Seconds without one byte of an answer taken by the client before the connection is dropped."""

    watch_interval_s: float = 1.0
    """How often connections are looked over for those that exceed the four times above: their precision."""

    refused_drain_bytes: int = 256 * KIB
    """When a request is refused before its body was read, a rest up to this is read and dropped to keep the
    connection; a larger one costs less as a new connection."""

    linger_s: float = 2.0
    """Seconds to go on reading (and dropping) after an answer that closes the connection, because closing on
    unread bytes would reset it and destroy the answer on its way."""

    leave_s: float = 0.0
    """Seconds that an acceptor which is told to stop goes on serving, while /minio/health/ready and the paths
    below /minio/health/cluster answer 503 and each connection ends with its next answer: long enough for a
    load balancer to notice. 0: where none asks, nobody would. With drain_deadline_s below
    node.stop_deadline_s, which kills."""

    drain_deadline_s: float = 15.0
    """Seconds that requests in flight get to finish when the acceptor stops; below node.stop_deadline_s,
    which kills.
    """

    receive_bytes: int = 256 * KIB
    """Bytes read from a socket at once; one such buffer for the process."""

    buffers_kept: int = 16
    """Buffers of one stripe that are kept for uploads to come: memory that is touched already costs no page
    faults.
    """

    put_bytes_max: int = 64 * MIB
    """Bytes of blocks that all uploads together have received and not yet sent on. A slow client costs what
    it has sent; beyond this uploads wait, and those that are slow are ended. What a crowd of slow clients may
    cost; with fast ones the drives set the pace long before."""

    put_slow_s: float = 15.0
    """Seconds after which an upload that has not filled its block may be ended (SlowDown) for the sake of
    those that wait for memory: a megabyte in less is 70 KiB/s. Where memory suffices none is ended."""

    put_window: int = 4
    """Blocks (of one stripe) of one upload on their way to the set worker: enough to keep encoding, drives
    and the client's socket busy at once."""

    put_blocks_max: int = 24
    """Blocks of all uploads together on their way to set workers; further ones wait. As many keep the drives
    of a node busy, and with bus.queued_bytes_max none is refused. Each costs a stripe and its fragments,
    about 3 MiB with half of the drives for parity, in whichever process they are."""

    get_window: int = 4
    """Blocks of one download asked ahead of what the client has taken."""

    get_block_stripes: int = 2
    """Stripes of one such block, at most set.block_stripes_max. More: fewer messages; fewer: less memory for
    each download."""

    get_bytes_max: int = 48 * MIB
    """Bytes of blocks that all downloads together hold or have asked for. Beyond half of it each asks only
    for the block it sends next; at all of it they wait, and those of slow clients give theirs up and read
    them again later, in pieces of 256 KiB out of half of this. It bounds what a crowd of slow clients costs;
    raise it by a megabyte for each one whose download must not suffer from the others."""

    get_slow_s: float = 0.5
    """Seconds for a block of one stripe beyond which a client counts as slow where memory is short, and
    another download may have it: slower than 2 MiB/s. A crowd that comes at once keeps others waiting for
    about as long, times what it wants over get_bytes_max."""

    set_deadline_s: float = 30.0
    """Seconds a set worker has for one call before the client is answered 503."""

    complete_deadline_s: float = 120.0
    """The same for completing an upload, which checks up to 10,000 parts."""

    drive_deadline_s: float = 120.0
    """The same for what the supervisor is to do with a drive: its worker has `node.stop_deadline_s` to end,
    and a disk that has just been put in may take its time to be looked at.
    """

    health_deadline_s: float = 5.0
    """The same for the cluster's health: probes time out after a few seconds, and a later answer helps
    nobody.
    """

    rename_patience_s: float = 1.0
    """Seconds that a request waits for a rename, which it has met at its key, to end by itself, before it
    ends it. A rename is open for milliseconds; ending one that is still going on makes it begin again."""

    rename_poll_s: float = 0.02
    """Seconds between two looks at whether it has ended: about as long as a rename takes on a hard disk."""

    rename_rounds: int = 10
    """Renames one after the other that a request waits for, before it is answered 503."""

    rename_retries: int = 5
    """How often a rename begins again that other writes of its keys have overtaken, before it is answered
    409."""

    rename_listings: int = 40
    """How often a listing is tried in a bucket where renames go on, before it is answered 503. It needs three
    looks without a rename between them."""

    bucket_cache_s: float = 2.0
    """Seconds for which an acceptor believes what it knows of a bucket: how long another acceptor may still
    accept requests for one that was deleted here."""

    bucket_lookups: int = 256
    """Buckets that a ListBuckets looks up at once."""

    delete_lookups: int = 256
    """Objects that a DeleteObjects with conditions looks at at once."""

    move_patience_s: float = 10.0
    """Seconds that a request waits for a slot that is just moving to another set: as long as it takes to
    start a mover again that died at it."""

    move_poll_s: float = 0.05
    """Seconds between two looks whether it has moved, which take a few milliseconds nearly always."""

    move_look_s: float = 2.0
    """Seconds between two looks whether slots are to be moved, or go on to be."""

    move_tell_s: float = 1.0
    """Seconds after which whoever moves slots writes down how far it is, at the latest: how old progress is
    that is told, and the sign by which the other nodes know that it lives."""

    move_takeover_s: float = 5.0
    """Seconds without such a sign after which another node moves slots instead: several of them, so that a
    slow moment hands nothing over, and fewer than requests wait for a slot that is frozen
    (acceptor.move_patience_s)."""

    move_feel_s: float = 0.5
    """Seconds between two questions to the acceptors of all nodes whether they serve clients, while slots are
    moved: as long as a busy moment makes the mover slow."""

    homes_look_s: float = 5.0
    """Seconds after which an acceptor that was told nothing asks again which set has which slots: until then
    one that was cut off may ask a set in vain."""

    move_bytes_per_s: int = 64 * MIB
    """Bytes of objects that are moved in a second at most: half of what one slow disk reads."""

    move_objects_at_once: int = 4
    """Versions that are copied at once; each holds a stripe in memory, or two."""

    move_listen_s: float = 1.0
    """Seconds between two questions to drives for what was changed while slots are copied: well before
    drive.watched_changes_max keys are."""

    move_slots_at_once: int = 64
    """Slots that are frozen together while what was changed last is copied. Few of them: their writes wait;
    many: each group costs some writes of charters."""

    bucket_delete_lease_s: float = 60.0
    """Seconds that a bucket refuses writes while it is being deleted; a deletion that takes longer is given
    up, so that one that died half-way locks nobody out."""

    extract_entries_max: int = 100_000
    """Headers of one archive that PutObject extracts: each entry is a write of its own, and the client waits
    for all."""

    extract_entry_bytes_max: int = 5 * GIB
    """Bytes of one entry of such an archive: what one PutObject may carry."""

    extract_bytes_max: int = 64 * GIB
    """Bytes that such an archive may expand to."""

    extract_ratio_max: int = 250
    """Expanded bytes for each byte of such an archive. Text grows tenfold, tables and logs up to a
    hundredfold; what grows more is made to fill drives."""

    extract_ratio_free_bytes: int = 64 * MIB
    """Expanded bytes for which no ratio is asked: archives of empty files compress a thousandfold and are
    small all the same."""

    extract_window_bytes_max: int = 72 * MIB
    """Memory that the decoder of such an archive may ask for: xz -9 wants 65 MiB, zstd -19 wants 8; gzip and
    bzip2 never want more than 4."""

    extract_at_once: int = 4
    """Archives that are extracted at once; one more is answered SlowDown. Times the window above, that is
    what they may cost."""

    extract_puts: int = 16
    """Small entries of one archive on their way to drives at once: they share a sync."""

    zip_directory_bytes_max: int = 16 * MIB
    """Bytes of the directory of a zip archive of which members are read: it is read for each request."""

    zip_entries_max: int = 100_000
    """Members of such an archive: to walk through so many takes half a second, to list them two."""

    zip_reads_at_once: int = 16
    """Members of zip archives that are read at once; one more is answered SlowDown. Each holds a block of one
    stripe and a piece of 256 KiB."""

    listing_lookups: int = 64
    """Objects that a listing with metadata looks at at once."""

    force_delete_keys: int = 1000
    """Objects that a delete of everything below a key, or of a bucket with its objects, removes at once."""

    hash_thread_bytes_min: int = 64 * KIB
    """Blocks from this size on are hashed in a thread: MD5 of 64 KiB takes 120 µs, twice the cost
    of the hop.
    """

    threads: int = 4
    """Threads for hashing: MD5 runs at 0.5 GiB/s and leaves the interpreter free meanwhile."""

    metrics_auth: str = attrs.field(default="jwt", validator=attrs.validators.in_(("jwt", "public")))
    """Who may read metrics: jwt, whoever has a token that `rustfs-node ctl metrics-token` or `mc admin
    prometheus generate` made; public, everybody who reaches the node: metrics name buckets and drives."""

    metrics_deadline_s: float = 3.0
    """Seconds that processes and other nodes have to tell what they counted; who does not is told as down.
    Prometheus waits 10 s for all of it."""

    metrics_buckets_max: int = 100
    """Buckets whose requests are counted one by one, each some twenty series; of further ones only the sums
    are told."""

    trace_listeners_max: int = 4
    """Operators who may follow the requests of an acceptor at once (`rustfs-node ctl trace`)."""

    trace_queue: int = 1000
    """Requests that an acceptor keeps for each of them until it is asked again, which is every quarter of a
    second; those beyond are counted and told as a number."""

    trace_idle_s: float = 10.0
    """Seconds after which one who has not asked again is forgotten: then nothing is kept any more."""

    trace_wait_s: float = 2.0
    """Seconds that an answer waits at most for a request to end, so that nobody asks in vain all the time."""

    otlp_endpoint: str = ""
    """Where a collector of OpenTelemetry takes traces over HTTP, as `http://127.0.0.1:4318/v1/traces`. Empty:
    none are sent."""

    otlp_share: float = 0.01
    """Share of all requests of which traces are sent. One in a hundred shows where the time goes, and costs
    the others nothing; a client that samples its own trace is in any share."""

    otlp_every_s: float = 5.0
    """Seconds between two batches of traces; OpenTelemetry's own default. Below `trace_idle_s`."""

    otlp_timeout_s: float = 10.0
    """Seconds that the collector has to take a batch; OpenTelemetry's own default. What it does not take is
    lost and counted."""

    access_log: str = "info"
    """Level of the one line per request: debug, info, or off."""
