"""ListObjects of both versions and ListObjectVersions, as the API reference tells of each element."""

from __future__ import annotations

from collections.abc import Iterator

from tests.model.answers import Answer, document, quoted, tree
from tests.model.operations import ListObjects, ListObjects2, ListVersions
from tests.model.s3.pages import Entry, Page, Start, behind_marker, page_of
from tests.model.s3.state import Bucket, ObjectVersion, Position
from tests.model.symbols import SOME, Maybe, Token

OWNER = {"ID": SOME, "DisplayName": Maybe(SOME)}


def list_objects(bucket: Bucket, asked: ListObjects) -> Answer:
    """Keys with their owners. NextMarker need only be told with a delimiter."""
    start = Start(behind_marker(asked.marker, asked.prefix, asked.delimiter))
    page = page_of(_objects(bucket, shows_owner=True), asked.prefix, asked.delimiter, start, asked.limit)
    following = None if page.last is None else page.last.key
    told = {
        "Marker": asked.marker,
        "NextMarker": following if following is None or asked.delimiter else Maybe(following),
        **_shape(asked, page),
    }
    return Answer(200, {}, document("ListBucketResult", page.rows, **told))


def list_objects_2(bucket: Bucket, asked: ListObjects2) -> Answer:
    """Keys without owners; a continuation token decides over start-after."""
    start = Start(Position(asked.start_after) if asked.start_after else None)
    if asked.token is not None:
        start = Start(bucket.tokens[asked.token.number])
    page = page_of(_objects(bucket, shows_owner=False), asked.prefix, asked.delimiter, start, asked.limit)
    following = None
    if page.last is not None:
        following = Token(len(bucket.tokens))
        bucket.tokens.append(page.last)
    told = {
        "StartAfter": asked.start_after,
        "ContinuationToken": asked.token,
        "NextContinuationToken": following,
        "KeyCount": str(len(page.rows)),
        **_shape(asked, page),
    }
    return Answer(200, {}, document("ListBucketResult", page.rows, **told))


def list_versions(bucket: Bucket, asked: ListVersions) -> Answer:
    """Every version and delete marker, those of one key from the newest to the oldest."""
    place = None
    if asked.version_marker is not None:
        ids = [version.id for version in reversed(bucket.versions[asked.key_marker])]
        place = ids.index(asked.version_marker)
    start = Start(behind_marker(asked.key_marker, asked.prefix, asked.delimiter), place)
    page = page_of(_versions(bucket), asked.prefix, asked.delimiter, start, asked.limit)
    told = {
        "KeyMarker": asked.key_marker,
        "VersionIdMarker": asked.version_marker,
        "NextKeyMarker": None if page.last is None else page.last.key,
        "NextVersionIdMarker": None if page.entry is None else page.entry.row[1]["VersionId"],
        **_shape(asked, page),
    }
    return Answer(200, {}, document("ListVersionsResult", page.rows, **told))


def _shape(asked: ListObjects | ListObjects2 | ListVersions, page: Page) -> dict[str, object]:
    """What every listing of objects repeats of its request."""
    return {
        "Name": SOME,
        "Prefix": asked.prefix,
        "Delimiter": asked.delimiter,
        "MaxKeys": str(asked.limit),
        "IsTruncated": page.last is not None,
    }


def _objects(bucket: Bucket, *, shows_owner: bool) -> Iterator[Entry]:
    for key in bucket.versions:
        version = bucket.current_object(key)
        if version is not None:
            owner = OWNER if shows_owner else None
            yield Entry(key, ("Contents", tree(Key=key, Owner=owner, **_object(version))))


def _versions(bucket: Bucket) -> Iterator[Entry]:
    for key, versions in bucket.versions.items():
        for place, version in enumerate(reversed(versions)):
            told: dict[str, object] = {"Key": key, "VersionId": version.id, "Owner": OWNER}
            told["IsLatest"] = place == 0
            if version.is_marker:
                row = tree(LastModified=version.made, **told)
                yield Entry(key, ("DeleteMarker", row), place)
            else:
                yield Entry(key, ("Version", tree(**told, **_object(version))), place)


def _object(version: ObjectVersion) -> dict[str, object]:
    told: dict[str, object] = {
        "ETag": quoted(version.etag),
        "Size": str(len(version.data)),
        "StorageClass": version.storage_class,
        "LastModified": version.made,
    }
    if version.checksum is not None:
        told["ChecksumAlgorithm"] = Maybe(version.checksum.algorithm)
        told["ChecksumType"] = Maybe(version.checksum.kind)
    return told
