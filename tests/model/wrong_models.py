"""Models that are wrong on purpose, each as a server might be: the comparison must notice all of them.

Each is the table of the model with one other function in it, and one sentence on what it does wrong.
"""

from __future__ import annotations

import attrs

from tests.model import operations as ops
from tests.model.answers import Answer, Either
from tests.model.s3 import deletes, listings, reading, uploads, writing
from tests.model.s3.model import MODEL, Model
from tests.model.s3.state import Bucket
from tests.model.wrong_versions import WRONG_VERSIONS


def keeps_tags(bucket: Bucket, operation: ops.Put) -> Answer:
    """An overwrite leaves the object the tags that it had."""
    old = bucket.current_object(operation.key)
    answer = writing.put(bucket, operation)
    new = bucket.current(operation.key)
    assert new is not None
    if old is not None and old.carried.tags and not new.carried.tags:
        carried = attrs.evolve(new.carried, tags=old.carried.tags)
        bucket.replace(operation.key, new, attrs.evolve(new, carried=carried))
    return answer


def keeps_deleted(bucket: Bucket, operation: ops.Delete) -> Answer:
    """A delete is answered, and the object stays."""
    return deletes.delete(attrs.evolve(bucket, versions=_copied(bucket)), operation)


def ignores_if_match(bucket: Bucket, operation: ops.Put) -> Answer:
    """A write goes through whatever it replaces."""
    return writing.put(bucket, attrs.evolve(operation, on=ops.OnWrite()))


def one_byte_more(bucket: Bucket, operation: ops.Read) -> Answer:
    """A range has one byte more than was asked for."""
    wanted = operation.range
    if wanted is not None and wanted.first is not None and wanted.last is not None:
        operation = attrs.evolve(operation, range=ops.Range(wanted.first, wanted.last + 1))
    return reading.read(bucket, operation)


def copy_brings_class(bucket: Bucket, operation: ops.Copy) -> Answer:
    """A copy has the storage class of its source."""
    source = bucket.current_object(operation.source)
    if source is not None and not operation.carried.storage_class:
        carried = attrs.evolve(operation.carried, storage_class=source.carried.storage_class)
        operation = attrs.evolve(operation, carried=carried)
    return writing.copy(bucket, operation)


def completion_keeps_upload(bucket: Bucket, operation: ops.Complete) -> Answer | Either:
    """An upload is still listed after its completion."""
    return uploads.complete(attrs.evolve(bucket, uploads=dict(bucket.uploads)), operation)


def marker_is_listed_again(bucket: Bucket, asked: ops.ListObjects) -> Answer:
    """A page begins with the key at its marker instead of behind it."""
    return listings.list_objects(bucket, attrs.evolve(asked, marker=asked.marker[:-1]))


def _copied(bucket: Bucket) -> dict[str, list]:
    return {key: list(versions) for key, versions in bucket.versions.items()}


WRONG: dict[str, tuple[type, object]] = {
    "keeps_tags": (ops.Put, keeps_tags),
    "keeps_deleted": (ops.Delete, keeps_deleted),
    "ignores_if_match": (ops.Put, ignores_if_match),
    "one_byte_more": (ops.Read, one_byte_more),
    "copy_brings_class": (ops.Copy, copy_brings_class),
    "completion_keeps_upload": (ops.Complete, completion_keeps_upload),
    "marker_is_listed_again": (ops.ListObjects, marker_is_listed_again),
    **WRONG_VERSIONS,
}


def wrong_model(name: str) -> Model:
    """The model with that mistake."""
    operation, function = WRONG[name]
    return {**MODEL, operation: function}
