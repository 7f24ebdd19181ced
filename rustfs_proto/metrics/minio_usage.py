"""MinIO's metrics of what is stored, from what set workers tell of their sets.

Every node has a worker of each set, and all of them tell of the same drives: of each set the freshest count
is taken, and the sets are added up. Where a set tells nothing there are no sums: they would be wrong.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from rustfs_proto.metrics.families import Family, Kind
from rustfs_proto.metrics.reading import Series
from rustfs_proto.usage import histogram_of
from rustfs_proto.wire.metrics_ops import Measure

_AGE = "rustfs_set_usage_age_seconds"
_VALUES = ("bytes", "objects", "versions", "delete_markers")

_V2_TOTAL = dict(
    zip(_VALUES, ("total_bytes", "object_total", "version_total", "deletemarker_total"), strict=True)
)
_V3_TOTAL = dict(
    zip(_VALUES, ("total_bytes", "count", "versions_count", "delete_markers_count"), strict=True)
)
_V3_BUCKET = _V3_TOTAL | {"objects": "objects_count"}

_FAMILIES = {
    "minio_usage_last_activity_nano_seconds": "Nanoseconds since what is stored was counted.",
    **{f"minio_cluster_usage_{name}": "Of all buckets." for name in _V2_TOTAL.values()},
    "minio_cluster_objects_size_distribution": "Objects by class of size.",
    **{f"minio_bucket_usage_{name}": "Of the bucket." for name in _V2_TOTAL.values()},
    "minio_bucket_objects_size_distribution": "Objects of the bucket by class of size.",
    **{f"minio_cluster_usage_objects_{name}": "Of all buckets." for name in _V3_TOTAL.values()},
    "minio_cluster_usage_objects_size_distribution": "Objects by class of size.",
    "minio_cluster_usage_objects_since_last_update_seconds": "Seconds since what is stored was counted.",
    **{f"minio_cluster_usage_buckets_{name}": "Of the bucket." for name in _V3_BUCKET.values()},
    "minio_cluster_usage_buckets_object_size_distribution": "Objects of the bucket by class of size.",
    "minio_cluster_usage_buckets_since_last_update_seconds": "Seconds since what is stored was counted.",
}
USAGE_FAMILIES = tuple(Family(name, Kind.GAUGE, text) for name, text in _FAMILIES.items())

Sums = dict[tuple[str, str], float]
"""Values by bucket (empty: of all) and name, or class of size."""


def v2_usage(series: Sequence[Series], sets: int) -> Iterator[Measure]:
    """What version 2 tells of the deployment."""
    found, age_s = usage_sums(series, sets)
    if age_s is not None:
        yield Measure("minio_usage_last_activity_nano_seconds", int(age_s * 1e9))
        yield from _told(found, "", "minio_cluster_usage_", _V2_TOTAL)
        yield from _sizes(found, "", "minio_cluster_objects_size_distribution")


def v2_bucket_usage(series: Sequence[Series], sets: int) -> Iterator[Measure]:
    """And of each bucket."""
    found, age_s = usage_sums(series, sets)
    if age_s is not None:
        yield Measure("minio_usage_last_activity_nano_seconds", int(age_s * 1e9))
    for bucket in _buckets(found):
        yield from _told(found, bucket, "minio_bucket_usage_", _V2_TOTAL)
        yield from _sizes(found, bucket, "minio_bucket_objects_size_distribution")


def v3_usage_objects(series: Sequence[Series], sets: int) -> Iterator[Measure]:
    """`/cluster/usage/objects` of version 3."""
    found, age_s = usage_sums(series, sets)
    if age_s is not None:
        yield Measure("minio_cluster_usage_objects_since_last_update_seconds", age_s)
        yield from _told(found, "", "minio_cluster_usage_objects_", _V3_TOTAL)
        yield from _sizes(found, "", "minio_cluster_usage_objects_size_distribution")


def v3_usage_buckets(series: Sequence[Series], sets: int) -> Iterator[Measure]:
    """`/cluster/usage/buckets` of version 3."""
    found, age_s = usage_sums(series, sets)
    if age_s is not None:
        yield Measure("minio_cluster_usage_buckets_since_last_update_seconds", age_s)
    for bucket in _buckets(found):
        yield from _told(found, bucket, "minio_cluster_usage_buckets_", _V3_BUCKET)
        yield from _sizes(found, bucket, "minio_cluster_usage_buckets_object_size_distribution")


def usage_sums(series: Iterable[Series], sets: int) -> tuple[Sums, float | None]:
    """The sums over all of so many sets, and the age of the oldest count among them; nothing and None where
    a set tells nothing.
    """
    measures = [one for one in series if isinstance(one, Measure) and "_usage_" in one.name]
    freshest: dict[str, tuple[float, str]] = {}
    for one in measures:
        if one.name == _AGE:
            told = (one.value, one.labels["node"])
            freshest[one.labels["set"]] = min(told, freshest.get(one.labels["set"], told))
    if not freshest or len(freshest) < sets:
        return {}, None
    found: Sums = {}
    for one in measures:
        labels = one.labels
        name = one.name.partition("_usage_")[2]
        is_sum = name in _VALUES or name == "objects_by_size"
        if is_sum and freshest.get(labels["set"], (0.0, ""))[1] == labels["node"]:
            at = (labels.get("bucket", ""), labels.get("range", name))
            found[at] = found.get(at, 0) + one.value
    return found, max(age_s for age_s, _ in freshest.values())


def _buckets(found: Sums) -> list[str]:
    return sorted({bucket for bucket, _ in found if bucket})


def _told(found: Sums, bucket: str, prefix: str, names: Mapping[str, str]) -> Iterator[Measure]:
    for ours, theirs in names.items():
        yield Measure(f"{prefix}{theirs}", found.get((bucket, ours), 0), _of(bucket))


def _sizes(found: Sums, bucket: str, family: str) -> Iterator[Measure]:
    by_name = {name: int(value) for (whose, name), value in found.items() if whose == bucket}
    for name, count in histogram_of(by_name).items():
        yield Measure(family, count, {"range": name} | _of(bucket))


def _of(bucket: str) -> dict[str, str]:
    return {"bucket": bucket} if bucket else {}
