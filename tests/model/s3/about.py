"""What is said of versions beside their bytes: tags, attributes; and whether the bucket keeps versions."""

from __future__ import annotations

import attrs

from tests.model.answers import Answer, document, tree
from tests.model.operations import (
    DeleteTags,
    GetAttributes,
    GetTags,
    GetVersioning,
    Pairs,
    PutTags,
    PutVersioning,
    Version,
)
from tests.model.s3.reading import select
from tests.model.s3.state import Bucket, ObjectVersion, Part
from tests.model.symbols import Maybe


def get_tags(bucket: Bucket, operation: GetTags) -> Answer:
    """The tags of the version, which may be none."""
    version = select(bucket, operation.key, operation.version)
    rows = [("Tag", tree(Key=key, Value=value)) for key, value in version.carried.tags]
    body = document("Tagging", TagSet=tree(rows))
    return Answer(200, bucket.id_header(version), body)


def put_tags(bucket: Bucket, operation: PutTags) -> Answer:
    """These tags are those of the version, in place of all it had."""
    return Answer(200, _tag(bucket, operation.key, operation.version, operation.tags))


def delete_tags(bucket: Bucket, operation: DeleteTags) -> Answer:
    """The version has no tags."""
    return Answer(204, _tag(bucket, operation.key, operation.version, ()))


def get_attributes(bucket: Bucket, operation: GetAttributes) -> Answer:
    """Only what is asked for; the ETag has no quotes, and a composite checksum no number of parts."""
    version = select(bucket, operation.key, operation.version)
    told = {
        "ETag": version.etag,
        "ObjectSize": str(len(version.data)),
        "StorageClass": version.storage_class if version.carried.storage_class else Maybe("STANDARD"),
        "Checksum": _checksum(version),
        "ObjectParts": _parts(version, operation) if version.parts else None,
    }
    shown = {name: told[name] for name in operation.wanted}
    headers = {"last-modified": version.made, **bucket.id_header(version)}
    return Answer(200, headers, document("GetObjectAttributesResponse", **shown))


def put_versioning(bucket: Bucket, operation: PutVersioning) -> Answer:
    """From now on new versions get ids, or are the null version again; those that are there stay."""
    bucket.versioning = operation.status
    return Answer(200)


def get_versioning(bucket: Bucket, _operation: GetVersioning) -> Answer:
    """Nothing is said of a bucket in which it was never set."""
    return Answer(200, {}, document("VersioningConfiguration", Status=bucket.versioning))


def _tag(bucket: Bucket, key: str, version_id: Version, tags: Pairs) -> dict[str, object]:
    version = select(bucket, key, version_id)
    bucket.replace(key, version, attrs.evolve(version, carried=attrs.evolve(version.carried, tags=tags)))
    return bucket.id_header(version)


def _checksum(version: ObjectVersion) -> object:
    checksum = version.checksum
    if checksum is None:
        return None
    value = checksum.value.partition("-")[0]
    return tree(ChecksumType=checksum.kind, **{f"Checksum{checksum.algorithm}": value})


def _parts(version: ObjectVersion, operation: GetAttributes) -> object:
    """The number of parts; the parts themselves only of an object with a checksum."""
    if version.checksum is None:
        return tree(PartsCount=len(version.parts))
    following = [part for part in version.parts if part.number > operation.after]
    shown = following[: operation.limit]
    return tree(
        [_part(part) for part in shown],
        PartsCount=len(version.parts),
        PartNumberMarker=str(operation.after),
        NextPartNumberMarker=str(shown[-1].number if shown else operation.after),
        MaxParts=str(operation.limit),
        IsTruncated=len(shown) < len(following),
    )


def _part(part: Part) -> tuple[str, object]:
    assert part.checksum is not None
    told = {f"Checksum{part.checksum.algorithm}": part.checksum.value}
    return "Part", tree(PartNumber=part.number, Size=str(len(part.data)), **told)
