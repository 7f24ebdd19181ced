"""The table of operations. A model that is wrong on purpose is this table with another function in it."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from tests.model import operations as ops
from tests.model.answers import Answer, Either, Refused
from tests.model.s3 import about, deletes, listings, reading, upload_listings, uploads, writing
from tests.model.s3.state import Bucket

Model = Mapping[type, Callable[[Bucket, object], Answer | Either]]

MODEL: Model = {
    ops.Put: writing.put,
    ops.Read: reading.read,
    ops.Copy: writing.copy,
    ops.Rename: writing.rename,
    ops.Delete: deletes.delete,
    ops.DeleteMany: deletes.delete_many,
    ops.CreateUpload: uploads.create,
    ops.UploadPart: uploads.upload_part,
    ops.CopyPart: uploads.copy_part,
    ops.Complete: uploads.complete,
    ops.Abort: uploads.abort,
    ops.ListParts: upload_listings.list_parts,
    ops.ListUploads: upload_listings.list_uploads,
    ops.ListObjects: listings.list_objects,
    ops.ListObjects2: listings.list_objects_2,
    ops.ListVersions: listings.list_versions,
    ops.GetTags: about.get_tags,
    ops.PutTags: about.put_tags,
    ops.DeleteTags: about.delete_tags,
    ops.GetAttributes: about.get_attributes,
    ops.PutVersioning: about.put_versioning,
    ops.GetVersioning: about.get_versioning,
}


def expected(model: Model, bucket: Bucket, operation: ops.Operation) -> Answer | Either:
    """What must be answered; the bucket is afterwards as the operation leaves it."""
    try:
        return model[type(operation)](bucket, operation)
    except Refused as refused:
        return refused.answer
