"""What every metric of this program is called, which kind it is, and what it says.

A name that is not here is not shown: a node of a later release may tell of more. `rustfs_up` and the labels
`node` and `process` are put to what a process tells by whoever asked it.
"""

from __future__ import annotations

from enum import StrEnum

import attrs


class Kind(StrEnum):
    """As Prometheus calls them."""

    COUNTER = "counter"
    GAUGE = "gauge"
    HISTOGRAM = "histogram"


@attrs.frozen
class Family:
    """All series of one name."""

    name: str
    kind: Kind
    help: str


_USAGE = {
    "bytes": "Bytes of all versions",
    "objects": "Keys with a current version",
    "versions": "Versions",
    "delete_markers": "Delete markers",
    "objects_by_size": "Objects by class of size",
}

_GAUGES = {
    "rustfs_build_info": "1, with the release of the process.",
    "rustfs_up": "Whether the process answered when it was asked what it has counted.",
    "rustfs_process_start_time_seconds": "When the process began, in seconds since 1970.",
    "rustfs_process_clock_seconds": "The wall clock that the process goes by, in seconds since 1970.",
    "rustfs_process_resident_memory_bytes": "Memory that the process has in use.",
    "rustfs_process_open_fds": "Descriptors that are open.",
    "rustfs_process_max_fds": "Descriptors that may be open.",
    "rustfs_bus_peers": "Processes that this one dials.",
    "rustfs_bus_peers_up": "Those of them that can be asked now.",
    "rustfs_http_requests_in_flight": "Requests whose head has arrived and whose answer is not all sent.",
    "rustfs_http_connections": "Connections of clients.",
    "rustfs_set_drives": "Drives of the erasure set.",
    "rustfs_set_drives_online": "Those that serve, as this node sees them, healing ones among them.",
    "rustfs_set_drives_healing": "Those that serve and are being healed.",
    "rustfs_set_parity": "Parity shards of the set.",
    "rustfs_set_read_quorum": "Drives that reads need.",
    "rustfs_set_write_quorum": "Drives that writes need.",
    "rustfs_set_readable": "Whether enough drives serve for reads.",
    "rustfs_set_writable": "Whether enough drives serve for writes.",
    "rustfs_set_tasks": "Calls that are answered by a task and are under way.",
    "rustfs_set_streamed_writes": "Writes in blocks that are under way.",
    "rustfs_set_drive_state": "A drive as the set's worker sees it: -1 away, 0 online, 1 suspect, 2 healing,"
    " 3 faulty.",
    "rustfs_set_rebuild_rows": "Rows given to a drive that this node's worker of the set is rebuilding.",
    "rustfs_set_rebuild_bytes": "Bytes of shards given with them.",
    "rustfs_set_versions": "Versions by how well they are protected, as the last census or heal of the whole"
    " set by this node's worker left them: full, degraded, at_risk, unreadable.",
    "rustfs_set_census_time_seconds": "When that ended, in seconds since 1970.",
    "rustfs_set_usage_age_seconds": "How long ago what is stored in the set was counted.",
    "rustfs_set_usage_count_seconds": "How long that took.",
    **{f"rustfs_set_usage_{name}": f"{text} of the set." for name, text in _USAGE.items()},
    **{f"rustfs_bucket_usage_{name}": f"{text} of a bucket in the set." for name, text in _USAGE.items()},
    "rustfs_drive_state": "The drive as its worker sees it: 0 online, 1 suspect, 2 healing, 3 faulty.",
    "rustfs_drive_total_bytes": "Size of the drive's file system.",
    "rustfs_drive_free_bytes": "What is free of it.",
    "rustfs_drive_reserve_bytes": "What the drive keeps free of objects: below this it takes only removals.",
    "rustfs_drive_rows": "Rows of the index: versions, uploads, parts, tombstones, heal notes.",
    "rustfs_drive_log_bytes": "Bytes of the log that are in use.",
    "rustfs_drive_log_garbage_bytes": "Those that nothing refers to any more.",
    "rustfs_drive_heal_notes": "Keys that are noted to want healing.",
    "rustfs_drive_scrub_start_time_seconds": "When the present or last round of the scrub began, in seconds"
    " since 1970.",
    "rustfs_drive_waiting_commits": "Commits that no batch has taken yet.",
}

_COUNTERS = {
    "rustfs_process_cpu_seconds_total": "Processor time spent.",
    "rustfs_bus_calls_total": "Calls to other processes.",
    "rustfs_bus_timeouts_total": "Calls without an answer in time.",
    "rustfs_bus_expired_total": "Requests whose time was over when they arrived.",
    "rustfs_bus_notices_dropped_total": "Notices for which there was no room or nobody to take them.",
    "rustfs_bus_turns_total": "Turns in which requests arrived.",
    "rustfs_bus_messages_sent_total": "Messages sent, of many calls and answers each.",
    "rustfs_bus_messages_received_total": "Messages received.",
    "rustfs_bus_requests_total": "Requests of other processes, by operation.",
    "rustfs_bus_failed_requests_total": "Those that were answered by a fault, by its code.",
    "rustfs_http_requests_total": "Requests of clients, by operation and status; 499: the client was gone.",
    "rustfs_http_received_bytes_total": "Bytes of their bodies.",
    "rustfs_http_sent_bytes_total": "Bytes of the answers, heads among them.",
    "rustfs_http_answers_cut_total": "Answers of which the rest could not be had.",
    "rustfs_http_rejected_total": "Requests turned away for what they are: auth, timestamp, header, invalid.",
    "rustfs_traces_sent_total": "Requests whose traces the collector took.",
    "rustfs_traces_lost_total": "Those it did not, and those for which there was no room.",
    "rustfs_bucket_requests_total": "Requests to a bucket, by operation and status.",
    "rustfs_bucket_received_bytes_total": "Bytes of their bodies.",
    "rustfs_bucket_sent_bytes_total": "Bytes of the answers.",
    "rustfs_set_degraded_reads_total": "Reads for which the first drives did not suffice or did not agree.",
    "rustfs_set_heal_notes_written_total": "Keys noted to want healing.",
    "rustfs_set_heal_notes_lost_total": "Those that no drive took the note of.",
    "rustfs_set_keys_healed_total": "Keys of heal notes that are healed.",
    "rustfs_set_heal_failures_total": "Attempts to heal a key that failed, and will be made again.",
    "rustfs_set_damage_found_total": "Shards that censuses and heals found damaged, by kind.",
    "rustfs_set_damage_repaired_total": "Those of them that were repaired.",
    "rustfs_drive_log_written_bytes_total": "Bytes written to the log.",
    "rustfs_drive_shard_written_bytes_total": "Bytes written to shard files.",
    "rustfs_drive_shard_read_bytes_total": "Bytes read from shard files.",
    "rustfs_drive_read_errors_total": "Reads that the system refused.",
    "rustfs_drive_usage_rows_total": "Records that were counted to tell what is stored.",
    "rustfs_drive_identities_mended_total": "How often rustfs.json was lost or damaged and written again.",
    "rustfs_drive_scrub_rounds_total": "Rounds of the scrub that ended, in the life of the drive.",
    "rustfs_drive_scrub_rows_total": "Versions whose records the scrub has read.",
    "rustfs_drive_scrub_bytes_total": "Bytes of records and shard files that the scrub has read.",
    "rustfs_drive_scrub_found_total": "What it found damaged or missing, by kind.",
    "rustfs_drive_scrub_repaired_total": "What of that was looked at again and read well.",
}

_HISTOGRAMS = {
    "rustfs_http_first_byte_seconds": "Time from a request's head to the first byte of its answer.",
    "rustfs_drive_batch_commits": "Commits that were made durable by one sync.",
    "rustfs_drive_sync_seconds": "Time of one write and sync of the log.",
}

OWN: tuple[Family, ...] = (
    *(Family(name, Kind.GAUGE, text) for name, text in _GAUGES.items()),
    *(Family(name, Kind.COUNTER, text) for name, text in _COUNTERS.items()),
    *(Family(name, Kind.HISTOGRAM, text) for name, text in _HISTOGRAMS.items()),
)
