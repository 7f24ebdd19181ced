"""Operations as HTTP requests: API reference, the request syntax of each."""

from __future__ import annotations

from tests.model import object_requests as objects
from tests.model import operations as ops
from tests.model import upload_requests as uploads
from tests.model.headers import Request
from tests.model.names import Names

_MAKERS = {
    ops.Put: objects.put,
    ops.Read: objects.read,
    ops.Copy: objects.copy,
    ops.Rename: objects.rename,
    ops.Delete: objects.delete,
    ops.DeleteMany: objects.delete_many,
    ops.CreateUpload: uploads.create_upload,
    ops.UploadPart: uploads.upload_part,
    ops.CopyPart: uploads.copy_part,
    ops.Complete: uploads.complete,
    ops.Abort: uploads.abort,
    ops.ListParts: uploads.list_parts,
    ops.ListUploads: uploads.list_uploads,
    ops.ListObjects: uploads.list_objects,
    ops.ListObjects2: uploads.list_objects_2,
    ops.ListVersions: uploads.list_versions,
    ops.GetTags: objects.object_tags("GET"),
    ops.PutTags: objects.object_tags("PUT"),
    ops.DeleteTags: objects.object_tags("DELETE"),
    ops.GetAttributes: objects.attributes,
    ops.PutVersioning: objects.put_versioning,
    ops.GetVersioning: objects.get_versioning,
}


def request_of(operation: ops.Operation, names: Names, bucket: str) -> Request:
    """The request, with the server's names for what the operation names by the model's."""
    return _MAKERS[type(operation)](operation, names, bucket)
