"""PutObject, CopyObject, RenameObject: API reference; User Guide on copying, versions and checksums."""

from __future__ import annotations

import attrs

from tests.model.answers import Answer, Refused, document, error, quoted
from tests.model.operations import Carried, Copy, Put, Rename, Version
from tests.model.s3.conditions import source_refusals, write_refusals
from tests.model.s3.digests import checksum_of, etag_of
from tests.model.s3.reading import not_there
from tests.model.s3.state import Bucket, Checksum, ObjectVersion
from tests.model.symbols import NULL


def put(bucket: Bucket, operation: Put) -> Answer:
    """The bytes become the current version, with nothing of the one before."""
    refusals = write_refusals(bucket, operation.key, operation.on)
    digest = operation.digest
    if digest is not None and not digest.is_right:
        refusals.append(error("BadDigest"))
    if refusals:
        raise Refused(*refusals)
    checksum = checksum_of(digest.algorithm if digest else "", operation.body.data)
    version = store(bucket, operation.key, operation.body.data, operation.carried, checksum)
    headers = {"etag": quoted(version.etag), **bucket.id_header(version)}
    if checksum is not None:
        headers[f"x-amz-checksum-{checksum.algorithm.lower()}"] = checksum.value
        headers["x-amz-checksum-type"] = checksum.kind
    return Answer(200, headers)


def store(
    bucket: Bucket, key: str, data: bytes, carried: Carried, checksum: Checksum | None
) -> ObjectVersion:
    """A new current version of bytes in one piece."""
    made = ObjectVersion(NULL, bucket.moment(), False, data, etag_of(data), carried, checksum)
    return bucket.add(key, made)


def copy(bucket: Bucket, operation: Copy) -> Answer:
    """The bytes of another version, with what went with them or what the request gives instead."""
    refusals = [error("InvalidRequest")] if changes_nothing(operation) else []
    refusals += write_refusals(bucket, operation.key, operation.on)
    try:
        source = copy_source(bucket, operation.source, operation.version)
        refusals += source_refusals(source, operation.on_source)
    except Refused as refused:
        raise Refused(*refusals, *refused.answers) from None
    if refusals:
        raise Refused(*refusals)
    # A copy has the kind of checksum that its source has, unless another is asked for; of all its bytes.
    algorithm = operation.algorithm or (source.checksum.algorithm if source.checksum else "")
    checksum = checksum_of(algorithm, source.data)
    made = store(bucket, operation.key, source.data, _carried(operation, source), checksum)
    headers = bucket.id_header(made)
    if bucket.versioning:
        headers["x-amz-copy-source-version-id"] = source.id
    return Answer(200, headers, _result("CopyObjectResult", made))


def rename(bucket: Bucket, operation: Rename) -> Answer:
    """The very same object, under another key; API reference of RenameObject. Not where there may be
    versions, which directory buckets do not have.
    """
    refusals: list[Answer] = []
    names = operation.source, operation.key
    if names[0] == names[1] or any(name.endswith("/") for name in names):
        refusals.append(error("InvalidRequest"))
    if bucket.versioning:
        refusals.append(error("NotImplemented"))
    source, target = bucket.current_object(operation.source), bucket.current_object(operation.key)
    if source is None:
        raise Refused(*refusals, error("NoSuchKey"))
    refusals += source_refusals(source, operation.on_source)
    if target is not None:
        refusals += source_refusals(target, operation.on)
    elif operation.on.if_match is not None or operation.on.if_modified_since is not None:
        refusals.append(error("PreconditionFailed"))
    if refusals:
        raise Refused(*refusals)
    bucket.remove(operation.source, NULL)
    bucket.add(operation.key, source)
    return Answer(200, {})


def copy_source(bucket: Bucket, key: str, version_id: Version) -> ObjectVersion:
    """The version to copy; raises Refused. A delete marker by its id is a wrong request."""
    version = bucket.current_object(key) if version_id is None else bucket.find(key, version_id)
    if version_id is not None and version is not None and version.is_marker:
        raise Refused(error("InvalidRequest"))
    if version is None:
        raise Refused(not_there(version_id))
    return version


def changes_nothing(operation: Copy) -> bool:
    """A copy onto itself must change something, unless it brings an older version back."""
    is_same = operation.source == operation.key and operation.version is None
    changes = operation.replaces_metadata or operation.carried.storage_class or operation.algorithm
    return is_same and not changes


def _carried(operation: Copy, source: ObjectVersion) -> Carried:
    """Metadata and tags follow their directives; the storage class is always the request's."""
    given, old = operation.carried, source.carried
    kept = given if operation.replaces_metadata else old
    tags = given.tags if operation.replaces_tags else old.tags
    return attrs.evolve(kept, tags=tags, storage_class=given.storage_class)


def _result(root: str, version: ObjectVersion) -> object:
    told: dict[str, object] = {"ETag": quoted(version.etag), "LastModified": version.made}
    if version.checksum is not None:
        told[f"Checksum{version.checksum.algorithm}"] = version.checksum.value
        told["ChecksumType"] = version.checksum.kind
    return document(root, **told)
