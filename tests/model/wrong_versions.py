"""Models that are wrong on purpose about versions; as `wrong_models`."""

from __future__ import annotations

import attrs

from tests.model import operations as ops
from tests.model.answers import Answer
from tests.model.s3 import deletes, listings, reading, writing
from tests.model.s3.state import Bucket
from tests.model.symbols import NULL, VersionId


def reveals_nothing(bucket: Bucket, operation: ops.Delete) -> Answer:
    """A version that is deleted takes the one before it along."""
    answer = deletes.delete(bucket, operation)
    if operation.version is not None and (below := bucket.current(operation.key)) is not None:
        bucket.remove(operation.key, below.id)
    return answer


def suspension_keeps_null(bucket: Bucket, operation: ops.Put) -> Answer:
    """In a suspended bucket a write leaves the null version before it where it is."""
    old = bucket.find(operation.key, NULL) if bucket.versioning == "Suspended" else None
    answer = writing.put(bucket, operation)
    if old is not None:
        bucket.versions[operation.key].insert(0, old)
    return answer


def marker_is_nothing(bucket: Bucket, operation: ops.Read) -> Answer:
    """A delete marker that is named is a version that does not exist."""
    version = bucket.find(operation.key, operation.version)
    if version is not None and version.is_marker:
        operation = attrs.evolve(operation, version=VersionId(-1))
    return reading.read(bucket, operation)


def markers_are_listed_last(bucket: Bucket, asked: ops.ListVersions) -> Answer:
    """A listing gives all versions first, and then the delete markers."""
    answer = listings.list_versions(bucket, asked)
    rows = sorted(answer.body.get("rows", []), key=lambda row: row[0] == "DeleteMarker")
    return attrs.evolve(answer, body={**answer.body, "rows": rows}) if rows else answer


WRONG_VERSIONS: dict[str, tuple[type, object]] = {
    "reveals_nothing": (ops.Delete, reveals_nothing),
    "suspension_keeps_null": (ops.Put, suspension_keeps_null),
    "marker_is_nothing": (ops.Read, marker_is_nothing),
    "markers_are_listed_last": (ops.ListVersions, markers_are_listed_last),
}
