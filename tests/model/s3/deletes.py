"""DeleteObject and DeleteObjects: User Guide, "Deleting object versions from a versioning-enabled bucket".

Without an id an unversioned bucket forgets the object, a versioned one gets a delete marker on top, and a
suspended one a delete marker that is the null version. With an id exactly that version goes for good, and
whatever is below it is current again. What is not there counts as deleted.
"""

from __future__ import annotations

from tests.model.answers import Answer, Refused, document, error, tree
from tests.model.operations import Delete, DeleteMany, Version
from tests.model.s3.state import Bucket, ObjectVersion
from tests.model.symbols import MADE_UP, NULL, Maybe


def delete(bucket: Bucket, operation: Delete) -> Answer:
    """One version, or a delete marker on top of all."""
    if operation.version == MADE_UP:
        raise Refused(error("InvalidArgument"))
    if refusals := _refusals(bucket, operation):
        raise Refused(*refusals)
    gone, marker = _delete(bucket, operation.key, operation.version)
    if marker is not None:
        return Answer(204, {"x-amz-delete-marker": "true", "x-amz-version-id": marker.id})
    headers: dict[str, object] = {}
    if operation.version is not None:
        told = operation.version
        headers["x-amz-version-id"] = told if bucket.versioning else Maybe(told)
    if gone is not None and gone.is_marker:
        headers["x-amz-delete-marker"] = "true"
    return Answer(204, headers)


def delete_many(bucket: Bucket, operation: DeleteMany) -> Answer:
    """Each of them as by itself; the order of the answer is nobody's business."""
    rows = [("Deleted", _told(bucket, key, version)) for key, version in operation.items]
    return Answer(200, {}, document("DeleteResult", [] if operation.is_quiet else rows))


def _told(bucket: Bucket, key: str, version_id: Version) -> object:
    gone, marker = _delete(bucket, key, version_id)
    told = marker if marker is not None else gone if gone is not None and gone.is_marker else None
    if told is None:
        return tree(Key=key, VersionId=version_id)
    return tree(Key=key, VersionId=version_id, DeleteMarker="true", DeleteMarkerVersionId=told.id)


def _delete(
    bucket: Bucket, key: str, version_id: Version
) -> tuple[ObjectVersion | None, ObjectVersion | None]:
    """What went away, and the delete marker that came."""
    if version_id is not None:
        return bucket.remove(key, version_id), None
    if not bucket.versioning:
        return bucket.remove(key, NULL), None
    return None, bucket.add(key, ObjectVersion(NULL, bucket.moment(), is_marker=True))


def _refusals(bucket: Bucket, operation: Delete) -> list[Answer]:
    """An ETag that differs is 412, and 404 where there is none; size and time hold where there is nothing."""
    current = bucket.current_object(operation.key)
    if current is None:
        return [error("NoSuchKey")] if operation.if_match is not None else []
    when = operation.if_modified
    assert when is None or when.days or when.moment == current.made, "a time of another version"
    holds = (
        operation.if_match in (None, "*", current.etag)
        and operation.if_size in (None, len(current.data))
        and (when is None or when.days == 0)
    )
    return [] if holds else [error("PreconditionFailed")]
