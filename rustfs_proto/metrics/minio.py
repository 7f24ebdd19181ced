"""The metrics of this program under the names that MinIO's users have in their dashboards and alerts.

Only what can be told truthfully is here: nothing of scanners, replication or notifications. A family of MinIO
whose series cannot be had is absent, not zero.

The families of `rustfs_proto.metrics.families` are translated by tables: which of ours, grouped by which of
its labels under which names. What is about drives and sets as a whole comes from `standing`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

import attrs

from rustfs_proto.metrics.exposition import cumulated
from rustfs_proto.metrics.families import Family, Kind
from rustfs_proto.metrics.reading import Series
from rustfs_proto.wire.metrics_ops import Measure, Spread

Labels = Mapping[str, str]


@attrs.frozen
class Translation:
    """A family of MinIO: the sum of those of our `source` that `wants` takes, for each set of values of
    `labels` (theirs to ours). `fixed` are put to every series.
    """

    family: Family
    source: str
    labels: Mapping[str, str] = attrs.field(factory=dict)
    wants: Callable[[Labels], bool] = lambda _labels: True
    fixed: Mapping[str, str] = attrs.field(factory=dict)
    lowers: bool = False


def translate(tables: Iterable[Translation], series: Sequence[Series]) -> Iterator[Measure]:
    """Every series of those families that can be told."""
    by_name: dict[str, list[Series]] = {}
    for one in series:
        by_name.setdefault(one.name, []).append(one)
    for table in tables:
        sums: dict[tuple[tuple[str, str], ...], float] = {}
        for one in by_name.get(table.source, ()):
            if table.wants(one.labels):
                for labels, value in _values(table, one):
                    sums[labels] = sums.get(labels, 0) + value
        for labels, value in sums.items():
            yield Measure(table.family.name, value, dict(labels))


def _values(table: Translation, one: Series) -> Iterator[tuple[tuple[tuple[str, str], ...], float]]:
    labels = {theirs: one.labels[ours] for theirs, ours in table.labels.items()}
    if table.lowers and "api" in labels:
        labels["api"] = labels["api"].lower()
    labels |= table.fixed
    if isinstance(one, Spread):
        for bound, below in cumulated(one):
            yield (*labels.items(), ("le", bound)), below
    else:
        yield tuple(labels.items()), one.value


def _status(first: str) -> Callable[[Labels], bool]:
    """Requests of that class of status; 499 is no answer, and so none of 4xx."""
    return lambda labels: _is_s3(labels) and labels["status"].startswith(first) and labels["status"] != "499"


def _is_s3(labels: Labels) -> bool:
    return labels["operation"] not in NOT_S3


def _failed(labels: Labels) -> bool:
    return _status("4")(labels) or _status("5")(labels)


def _cancelled(labels: Labels) -> bool:
    return _is_s3(labels) and labels["status"] == "499"


def _reason(reason: str) -> Callable[[Labels], bool]:
    return lambda labels: labels["reason"] == reason


NOT_S3 = frozenset({"Health", "Metrics", "Admin"})
"""Operations of the node itself."""

REASONS = ("auth", "timestamp", "header", "invalid")

_SERVER = {"server": "node"}
_API = {"api": "operation", "server": "node"}
_NAMED = {"name": "operation", "server": "node"}


def _counter(name: str, text: str) -> Family:
    return Family(name, Kind.COUNTER, text)


def _gauge(name: str, text: str) -> Family:
    return Family(name, Kind.GAUGE, text)


def _requests(
    prefix: str, source: str, labels: Mapping[str, str], fixed: Mapping[str, str], *, lowers: bool
) -> tuple[Translation, ...]:
    """The families that count requests."""
    wanted: tuple[tuple[str, str, Callable[[Labels], bool]], ...] = (
        ("total", "Requests.", _is_s3),
        ("errors_total", "Requests answered by an error.", _failed),
        ("4xx_errors_total", "Requests answered by 4xx.", _status("4")),
        ("5xx_errors_total", "Requests answered by 5xx.", _status("5")),
        ("canceled_total", "Requests whose client did not wait.", _cancelled),
    )
    return tuple(
        Translation(_counter(f"{prefix}_{name}", text), source, labels, wants, fixed, lowers)
        for name, text, wants in wanted
    )


def _acceptor(prefix: str, fixed: Mapping[str, str]) -> tuple[Translation, ...]:
    """Of requests whose operation does not matter."""
    in_flight = _gauge(f"{prefix}_inflight_total", "Requests under way.")
    return (
        Translation(in_flight, "rustfs_http_requests_in_flight", _SERVER, fixed=fixed),
        *(
            Translation(
                _counter(f"{prefix}_rejected_{reason}_total", f"Requests refused: {reason}."),
                "rustfs_http_rejected_total",
                _SERVER,
                _reason(reason),
                fixed,
            )
            for reason in REASONS
        ),
    )


def _bytes(sent: str, received: str, fixed: Mapping[str, str]) -> tuple[Translation, ...]:
    return (
        Translation(_counter(sent, "Bytes sent."), "rustfs_http_sent_bytes_total", _SERVER, fixed=fixed),
        Translation(
            _counter(received, "Bytes received."), "rustfs_http_received_bytes_total", _SERVER, fixed=fixed
        ),
    )


def _first_byte(
    name: str, labels: Mapping[str, str], fixed: Mapping[str, str], *, lowers: bool
) -> Translation:
    family = _counter(name, "Requests whose first byte of the answer came in up to `le` seconds.")
    return Translation(family, "rustfs_http_first_byte_seconds", labels, _is_s3, fixed, lowers)


_S3 = {"type": "s3"}

V2_REQUESTS = (
    *_requests("minio_s3_requests", "rustfs_http_requests_total", _API, {}, lowers=True),
    *_acceptor("minio_s3_requests", {}),
    *_bytes("minio_s3_traffic_sent_bytes", "minio_s3_traffic_received_bytes", {}),
    _first_byte("minio_s3_requests_ttfb_seconds_distribution", _API, {}, lowers=True),
    _first_byte("minio_s3_ttfb_seconds_distribution", _API, {}, lowers=True),
)
V2_BUCKETS = (
    *_requests(
        "minio_bucket_requests", "rustfs_bucket_requests_total", {"bucket": "bucket", **_API}, {}, lowers=True
    ),
    *(
        Translation(
            _counter(f"minio_bucket_traffic_{way}_bytes", f"Bytes {way}."),
            f"rustfs_bucket_{way}_bytes_total",
            {"bucket": "bucket", "server": "node"},
        )
        for way in ("sent", "received")
    ),
)
_DRIVE = {"drive": "drive", "server": "node"}
_HEALED = {"type": "object"}
V2_NODE = (
    Translation(
        _counter("minio_heal_objects_heal_total", "Keys healed since the processes began."),
        "rustfs_set_keys_healed_total",
        _SERVER,
        fixed=_HEALED,
    ),
    Translation(
        _counter("minio_heal_objects_errors_total", "Attempts to heal a key that failed."),
        "rustfs_set_heal_failures_total",
        _SERVER,
        fixed=_HEALED,
    ),
    Translation(
        _counter("minio_node_process_cpu_total_seconds", "Processor time of all processes of the node."),
        "rustfs_process_cpu_seconds_total",
        _SERVER,
    ),
    Translation(
        _gauge("minio_node_process_resident_memory_bytes", "Memory of all processes of the node."),
        "rustfs_process_resident_memory_bytes",
        _SERVER,
    ),
    Translation(
        _gauge("minio_node_file_descriptor_open_total", "Descriptors open in all processes of the node."),
        "rustfs_process_open_fds",
        _SERVER,
    ),
    Translation(
        _counter("minio_node_drive_errors_ioerror", "Reads that the system refused."),
        "rustfs_drive_read_errors_total",
        _DRIVE,
    ),
    Translation(
        _gauge("minio_node_drive_io_waiting", "Commits that wait for the drive."),
        "rustfs_drive_waiting_commits",
        _DRIVE,
    ),
)
V3_REQUESTS = (
    *_requests("minio_api_requests", "rustfs_http_requests_total", _NAMED, _S3, lowers=False),
    *_acceptor("minio_api_requests", _S3),
    *_bytes("minio_api_requests_traffic_sent_bytes", "minio_api_requests_traffic_received_bytes", _S3),
    _first_byte("minio_api_requests_ttfb_seconds_distribution", _NAMED, _S3, lowers=False),
)
V3_BUCKETS = (
    *_requests(
        "minio_bucket_api",
        "rustfs_bucket_requests_total",
        {"bucket": "bucket", **_NAMED},
        _S3,
        lowers=False,
    ),
    *(
        Translation(
            _counter(f"minio_bucket_api_traffic_{way}_bytes", f"Bytes {way}."),
            f"rustfs_bucket_{way}_bytes_total",
            {"bucket": "bucket", "server": "node"},
            fixed=_S3,
        )
        for way in ("sent", "received")
    ),
)
V3_PROCESS = (
    Translation(
        _counter("minio_system_process_cpu_total_seconds", "Processor time of all processes of the node."),
        "rustfs_process_cpu_seconds_total",
        _SERVER,
    ),
    Translation(
        _gauge("minio_system_process_resident_memory_bytes", "Memory of all processes of the node."),
        "rustfs_process_resident_memory_bytes",
        _SERVER,
    ),
    Translation(
        _gauge("minio_system_process_file_descriptor_open_total", "Descriptors open in all processes."),
        "rustfs_process_open_fds",
        _SERVER,
    ),
)
