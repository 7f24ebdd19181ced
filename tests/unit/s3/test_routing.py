"""Every operation has a route, and sub-resources never fall through."""

from __future__ import annotations

import pytest

from rustfs_proto.s3.errors import S3Error
from rustfs_proto.s3.operations import Op
from rustfs_proto.s3.routing import route
from rustfs_proto.s3.subresources import (
    BUCKET_CONFIGURATIONS_BY_ID,
    BUCKET_SUBRESOURCES,
    OBJECT_SUBRESOURCES,
)
from rustfs_proto.s3.target import parse_target

COPY = {"x-amz-copy-source": "b/k"}
CASES = [
    ("GET /", {}, Op.ListBuckets),
    ("POST /", {}, Op.SecurityTokenService),
    ("GET /?events=s3:*", {}, Op.ListenNotification),
    ("OPTIONS /b/k", {}, Op.Preflight),
    ("OPTIONS /", {}, Op.Preflight),
    ("PUT /b", {}, Op.CreateBucket),
    ("HEAD /b", {}, Op.HeadBucket),
    ("DELETE /b", {}, Op.DeleteBucket),
    ("GET /b", {}, Op.ListObjects),
    ("GET /b?prefix=a&max-keys=1", {}, Op.ListObjects),
    ("GET /b?list-type=2&prefix=acl", {}, Op.ListObjectsV2),
    ("GET /b?location", {}, Op.GetBucketLocation),
    ("GET /b?versions&prefix=a", {}, Op.ListObjectVersions),
    ("GET /b?uploads", {}, Op.ListMultipartUploads),
    ("GET /b?versioning", {}, Op.GetBucketVersioning),
    ("POST /b?delete", {}, Op.DeleteObjects),
    ("POST /b", {"content-type": "multipart/form-data; boundary=x"}, Op.PostObject),
    ("POST /WriteGetObjectResponse", {"x-amz-request-route": "r"}, Op.WriteGetObjectResponse),
    ("GET /b?inventory", {}, Op.ListBucketInventoryConfigurations),
    ("GET /b?inventory&id=1", {}, Op.GetBucketInventoryConfiguration),
    ("PUT /b?inventory&id=1", {}, Op.PutBucketInventoryConfiguration),
    ("GET /b/k", {}, Op.GetObject),
    ("GET /b/k?versionId=1&partNumber=2&response-expires=x&x-id=GetObject", {}, Op.GetObject),
    ("HEAD /b/k?partNumber=1", {}, Op.HeadObject),
    ("PUT /b/k", {}, Op.PutObject),
    ("PUT /b/k?x-id=PutObject", {}, Op.PutObject),
    ("PUT /b/k", COPY, Op.CopyObject),
    ("PUT /b/k", {"x-amz-write-offset-bytes": "0"}, Op.AppendObject),
    ("PUT /b/k?partNumber=1&uploadId=u", {}, Op.UploadPart),
    ("PUT /b/k?partNumber=1&uploadId=u", COPY, Op.UploadPartCopy),
    ("PUT /b/k?tagging", COPY, Op.PutObjectTagging),
    ("DELETE /b/k", {}, Op.DeleteObject),
    ("DELETE /b/k?uploadId=u", {}, Op.AbortMultipartUpload),
    ("GET /b/k?uploadId=u", {}, Op.ListParts),
    ("POST /b/k?uploads", {}, Op.CreateMultipartUpload),
    ("POST /b/k?uploadId=u", {}, Op.CompleteMultipartUpload),
    ("POST /b/k?select&select-type=2", {}, Op.SelectObjectContent),
    ("POST /b/k?restore&versionId=1", {}, Op.RestoreObject),
    ("GET /b/k?acl", {}, Op.GetObjectAcl),
    ("GET /b/k?lambdaArn=x", {}, Op.GetObjectLambda),
    ("PUT /b/k?renameObject", {}, Op.RenameObject),
]


def routed(line: str, headers: dict[str, str]) -> Op:
    method, _, raw_target = line.partition(" ")
    target = parse_target(raw_target.encode())
    bucket, _, key = target.path[1:].partition("/")
    return route(method, has_bucket=bool(bucket), has_key=bool(key), params=target.params, headers=headers)


@pytest.mark.parametrize(("line", "headers", "operation"), CASES)
def test_routes(line, headers, operation):
    """A request is the operation that AWS's documentation says it is."""
    assert routed(line, headers) is operation


@pytest.mark.parametrize(
    ("table", "path"), [(BUCKET_SUBRESOURCES, "/b"), (OBJECT_SUBRESOURCES, "/b/k")], ids=["bucket", "object"]
)
def test_sub_resources_never_fall_through(table, path):
    """With any known sub-resource, every method is its own operation or MethodNotAllowed."""
    for name, methods in table.items():
        for method in ("GET", "PUT", "POST", "DELETE", "HEAD", "PATCH"):
            line = f"{method} {path}?{name}=x&partNumber=1"
            if method in methods:
                assert routed(line, {}) is methods[method], line
                continue
            with pytest.raises(S3Error) as caught:
                routed(line, {})
            assert caught.value.code == "MethodNotAllowed", line


def test_every_operation_is_reached():
    """No name of the enumeration is without a route."""
    reached = {operation for _, _, operation in CASES} | set(BUCKET_CONFIGURATIONS_BY_ID.values())
    for table in (BUCKET_SUBRESOURCES, OBJECT_SUBRESOURCES):
        reached |= {operation for methods in table.values() for operation in methods.values()}
    assert sorted(set(Op) - reached) == []


@pytest.mark.parametrize(
    ("line", "code"),
    [
        ("PATCH /b/k", "MethodNotAllowed"),
        ("POST /b/k", "MethodNotAllowed"),
        ("POST /b", "MethodNotAllowed"),
        ("DELETE /", "MethodNotAllowed"),
        ("PUT /b/k?partNumber=1", "InvalidArgument"),
        ("PUT /b/k?uploadId=1", "InvalidArgument"),
        ("GET /b?list-type=3", "InvalidArgument"),
        ("GET /b/k?acl&tagging", "InvalidArgument"),
    ],
)
def test_refused_requests(line, code):
    """A method without meaning is MethodNotAllowed, a contradictory query InvalidArgument."""
    with pytest.raises(S3Error) as caught:
        routed(line, {})
    assert caught.value.code == code


def test_method_not_allowed_names_what_is():
    """The Allow header that RFC 9110 §15.5.6 demands goes along."""
    with pytest.raises(S3Error) as caught:
        routed("PUT /b?location", {})
    assert caught.value.headers == {"allow": "GET"}
