"""Errors as S3 writes them: status, code, message, resource and request id, for every way to go wrong."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import attrs
import pytest

from tests.clients.raw import Raw, path_of

NOWHERE = "no-such-bucket-here"


@attrs.frozen
class Case:
    """A request (its target may name {bucket}) and the error that it earns."""

    method: str
    target: str
    status: int
    code: str
    headers: dict[str, str] = attrs.field(factory=dict)
    body: bytes = b""


CASES = [
    Case("GET", "/{bucket}/none", 404, "NoSuchKey"),
    Case("GET", f"/{NOWHERE}/key", 404, "NoSuchBucket"),
    Case("PUT", f"/{NOWHERE}/key", 404, "NoSuchBucket", body=b"x"),
    Case("GET", f"/{NOWHERE}", 404, "NoSuchBucket"),
    Case("GET", f"/{NOWHERE}?uploads=", 404, "NoSuchBucket"),
    Case("GET", f"/{NOWHERE}?location=", 404, "NoSuchBucket"),
    Case("POST", f"/{NOWHERE}/key?uploads=", 404, "NoSuchBucket"),
    Case("PUT", "/AB", 400, "InvalidBucketName"),
    Case("GET", "/{bucket}/key?uploadId=none", 404, "NoSuchUpload"),
    Case("PUT", "/{bucket}/key?uploadId=none&partNumber=x", 400, "InvalidArgument"),
    Case("GET", "/{bucket}?max-keys=x", 400, "InvalidArgument"),
    Case("GET", "/{bucket}?list-type=7", 400, "InvalidArgument"),
    Case("PUT", f"/{{bucket}}/{'k' * 1025}", 400, "KeyTooLongError"),
    Case("POST", "/{bucket}/key", 405, "MethodNotAllowed"),
    Case("DELETE", "/", 405, "MethodNotAllowed"),
    Case("PUT", "/{bucket}/key", 400, "InvalidDigest", {"Content-MD5": "x"}),
    Case("PUT", "/{bucket}/key", 400, "InvalidStorageClass", {"x-amz-storage-class": "SHINY"}),
    Case("PUT", "/{bucket}/key", 400, "InvalidArgument", {"x-amz-copy-source": "/"}),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.method} {case.target[:40]} {case.code}")
def test_an_error_tells_what_and_where(raw, bucket, case):
    """Status, code, a message, the resource and the request id that is also in the header: all are there."""
    target = case.target.replace("{bucket}", bucket)
    answer = raw.request(case.method, target, case.headers, case.body)
    assert (answer.status, answer.code) == (case.status, case.code)
    assert answer.headers["content-type"] == "application/xml"
    assert answer.body.startswith(b"<?xml")
    assert answer.xml["Message"]
    assert answer.xml["Resource"] == target.partition("?")[0]
    assert answer.xml["RequestId"] == answer.headers["x-amz-request-id"] != ""


def test_an_error_of_head_has_no_body(raw, bucket):
    """HEAD answers the status of its error and nothing more, on a connection that stays good."""
    connection = raw.connect()
    for target, status in ((f"/{bucket}/none", 404), (f"/{NOWHERE}", 404), (f"/{bucket}", 200)):
        headers, _ = raw.signed("HEAD", target)
        connection.request("HEAD", target, headers=headers)
        response = connection.getresponse()
        assert (response.status, response.read()) == (status, b"")
    connection.close()


def test_two_requests_have_two_ids(raw, bucket):
    """Each answer, good or bad, has a request id of its own."""
    answers = [raw.request("GET", f"/{bucket}{suffix}") for suffix in ("", "/none", "", "/none")]
    assert len({answer.headers["x-amz-request-id"] for answer in answers}) == 4


def test_markup_in_names_is_escaped(raw, bucket):
    """A name with markup is text in the error that repeats it."""
    answer = raw.request("GET", f"/{bucket}/%3Cb%3E%26%22'")
    assert answer.code == "NoSuchKey"
    assert answer.xml["Key"] == "<b>&\"'"


def with_keys(raw: Raw, **keys: str) -> Raw:
    return Raw(attrs.evolve(raw.server, **keys))


def test_wrong_secret_key(raw, bucket):
    """A signature by another secret is SignatureDoesNotMatch."""
    answer = with_keys(raw, secret_key="another").request("GET", f"/{bucket}")
    assert (answer.status, answer.code) == (403, "SignatureDoesNotMatch")


def test_unknown_access_key(raw, bucket):
    """An access key that the node does not have is InvalidAccessKeyId."""
    answer = with_keys(raw, access_key="UNKNOWN").request("GET", f"/{bucket}")
    assert (answer.status, answer.code) == (403, "InvalidAccessKeyId")


@pytest.mark.parametrize("target", ["/", "/{bucket}", "/{bucket}/key", "/{bucket}/none"])
def test_without_a_signature(raw, bucket, target):
    """An unsigned request is AccessDenied, whether what it names exists or not."""
    raw.request("PUT", path_of(bucket, "key"), body=b"x")
    answer = raw.request("GET", target.replace("{bucket}", bucket), anonymous=True)
    assert (answer.status, answer.code) == (403, "AccessDenied")


@pytest.mark.parametrize("minutes", [-16, 16])
def test_a_clock_that_is_off(raw, bucket, minutes):
    """A request signed more than fifteen minutes off is RequestTimeTooSkewed; within them it is answered."""
    now = datetime.now(UTC)
    assert (
        raw.request("GET", f"/{bucket}", at=now + timedelta(minutes=minutes)).code == "RequestTimeTooSkewed"
    )
    nearly = 14 if minutes > 0 else -14
    assert raw.request("GET", f"/{bucket}", at=now + timedelta(minutes=nearly)).status == 200


TAMPERINGS = {
    "another header": lambda headers: headers | {"X-Amz-Date": "20200101T000000Z"},
    "another payload": lambda headers: headers | {"X-Amz-Content-SHA256": "0" * 64},
    "another scope": lambda headers: (
        headers | {"Authorization": headers["Authorization"].replace("/s3/", "/ec2/")}
    ),
    "garbage": lambda headers: headers | {"Authorization": "AWS4-HMAC-SHA256 nothing"},
    "another scheme": lambda headers: headers | {"Authorization": "Bearer token"},
    "basic": lambda headers: headers | {"Authorization": "Basic dXNlcjpwYXNz"},
}


@pytest.mark.parametrize("tampering", TAMPERINGS)
def test_a_tampered_header(raw, bucket, tampering):
    """A request whose signed headers were changed, or whose Authorization makes no sense, is refused."""
    headers, _ = raw.signed("GET", f"/{bucket}")
    answer = raw.send("GET", f"/{bucket}", TAMPERINGS[tampering](headers))
    assert answer.status in {400, 403}
    assert answer.code


# What this node does not build yet; each is a request of the S3 API reference.
NOT_IMPLEMENTED = [
    "GET /{bucket}?replication",
    "GET /{bucket}?inventory",
    "GET /{bucket}?analytics",
    "GET /{bucket}?metrics",
    "GET /{bucket}?intelligent-tiering",
    "GET /{bucket}?ownershipControls",
    "GET /{bucket}?publicAccessBlock",
    "PUT /{bucket}?website",
    "PUT /{bucket}?lifecycle",
    "PUT /{bucket}?policy",
    "PUT /{bucket}?replication",
    "PUT /{bucket}?notification",
    "PUT /{bucket}?encryption",
    "PUT /{bucket}?cors",
    "POST /{bucket}/key?restore",
    "POST /{bucket}/key?select&select-type=2",
    "GET /{bucket}/key?torrent",
]


@pytest.mark.parametrize("request_line", NOT_IMPLEMENTED)
def test_what_is_not_built_says_so(raw, bucket, request_line):
    """An operation of S3 that this node lacks is NotImplemented with 501, never a quiet success."""
    raw.request("PUT", path_of(bucket, "key"), body=b"x")
    method, _, target = request_line.partition(" ")
    answer = raw.request(method, target.replace("{bucket}", bucket), body=b"<x/>" if method != "GET" else b"")
    assert (answer.status, answer.code) == (501, "NotImplemented")
    assert raw.request("GET", path_of(bucket, "key")).body == b"x"


@pytest.mark.parametrize(
    "header",
    [
        {"x-amz-server-side-encryption-customer-algorithm": "AES256"},
        {"x-amz-server-side-encryption": "aws:kms"},
        {"x-amz-object-lock-event-hold": "ON"},
        {"x-amz-acl": "public-read"},
    ],
    ids=lambda header: next(iter(header)),
)
def test_headers_that_ask_for_more(raw, s3, bucket, header):
    """A header whose promise would not be kept is refused, and nothing is stored."""
    answer = raw.request("PUT", path_of(bucket, "key"), header, b"x")
    assert (answer.status, answer.code) == (501, "NotImplemented")
    assert s3.list_objects_v2(Bucket=bucket)["KeyCount"] == 0


# What is truly not there, so that clients which ask before they work go on.
ABSENT = {
    "policy": "NoSuchBucketPolicy",
    "cors": "NoSuchCORSConfiguration",
    "lifecycle": "NoSuchLifecycleConfiguration",
    "tagging": "NoSuchTagSet",
    "encryption": "ServerSideEncryptionConfigurationNotFoundError",
    "object-lock": "ObjectLockConfigurationNotFoundError",
}


@pytest.mark.parametrize("name", ABSENT)
def test_a_configuration_that_is_not_there(raw, bucket, name):
    """Asked for a configuration that no bucket has yet, the node answers 404 with the code of its absence."""
    answer = raw.request("GET", f"/{bucket}?{name}")
    assert (answer.status, answer.code) == (404, ABSENT[name])
    assert raw.request("GET", f"/{NOWHERE}?{name}").code == "NoSuchBucket"


def test_an_unversioned_bucket(s3, bucket):
    """Versioning was never switched on, and the ACL gives everything to the owner alone."""
    assert "Status" not in s3.get_bucket_versioning(Bucket=bucket)
    grants = s3.get_bucket_acl(Bucket=bucket)["Grants"]
    assert [grant["Permission"] for grant in grants] == ["FULL_CONTROL"]


def test_health(raw):
    """The health paths answer 200 without a signature."""
    for path in ("/minio/health/live", "/minio/health/ready", "/minio/health/cluster", "/health"):
        assert raw.request("GET", path, anonymous=True).status == 200, path
