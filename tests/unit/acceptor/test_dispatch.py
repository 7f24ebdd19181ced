"""What an acceptor answers by itself: refusals, unbuilt operations, health, and a set worker that is not
there.
"""

from __future__ import annotations

import attrs
import pytest
from lxml import etree

from rustfs_node.acceptor.faults import s3_error_of
from rustfs_node.bus import MemoryNet
from rustfs_proto.wire.faults import Fault, FaultCode
from tests.unit.acceptor.http_kit import request
from tests.unit.acceptor.node_kit import SETTINGS, accepting, plan_of, raw_client, signed_request


async def ask(message: bytes, settings=SETTINGS) -> tuple[int, dict[str, str], bytes]:
    """The answer of an acceptor whose set workers are not there."""
    async with accepting(MemoryNet(), plan_of(1), settings) as port, raw_client(port) as client:
        await client.send(message)
        return await client.answer(has_body=not message.startswith(b"HEAD"))


def code_of(body: bytes) -> str:
    """The error code in an error document."""
    return str(etree.fromstring(body).findtext("Code"))


async def test_anonymous_requests_are_denied_with_a_full_error_document():
    """An error names its resource and carries the request id of its header."""
    status, headers, body = await ask(request("GET", "/bucket/a%20key"))
    error = etree.fromstring(body)
    found = {child.tag: child.text for child in error}
    assert status == 403
    assert found["Code"] == "AccessDenied"
    assert (found["BucketName"], found["Key"], found["Resource"]) == ("bucket", "a key", "/bucket/a%20key")
    assert found["RequestId"] == headers["x-amz-request-id"]
    assert found["HostId"] == headers["x-amz-id-2"]
    assert headers["content-type"] == "application/xml"


@pytest.mark.parametrize(
    ("method", "target", "headers", "status", "code"),
    [
        ("PUT", "/b-1?lifecycle", {}, 501, "NotImplemented"),
        ("PUT", "/b-1?website", {}, 501, "NotImplemented"),
        ("PUT", "/b-1/k", {"x-amz-server-side-encryption": "AES256"}, 501, "NotImplemented"),
        ("PUT", "/b-1/k", {"x-amz-acl": "public-read"}, 501, "NotImplemented"),
        ("PATCH", "/b-1/k", {}, 405, "MethodNotAllowed"),
        ("GET", "/B/k", {}, 400, "InvalidBucketName"),
        ("GET", "/.rustfs.sys/buckets/x", {}, 400, "InvalidBucketName"),
        ("GET", "/b-1/" + "k" * 1025, {}, 400, "KeyTooLongError"),
        ("GET", "/b-1/%ff", {}, 400, "InvalidURI"),
        ("GET", "/b-1/k", {"x-amz-expected-bucket-owner": "somebody"}, 403, "AccessDenied"),
    ],
)
async def test_what_cannot_be_done_is_refused_precisely(method, target, headers, status, code):
    """Each refusal has its own code, before any set worker is asked."""
    found, _, body = await ask(signed_request(method, target, headers))
    assert (found, code_of(body)) == (status, code)


async def test_an_unbuilt_operation_is_named():
    """NotImplemented says what is not implemented."""
    _, _, body = await ask(signed_request("PUT", "/b-1?lifecycle"))
    assert b"PutBucketLifecycleConfiguration" in body


async def test_preflight_is_refused_as_without_cors_configuration():
    """OPTIONS needs no signature and is forbidden where no bucket has CORS."""
    status, _, body = await ask(request("OPTIONS", "/b-1/k", "Origin: http://x"))
    assert (status, code_of(body)) == (403, "AccessDenied")


async def test_a_missing_set_worker_is_503_with_a_time_to_retry():
    """While the set worker is down a client is told to come back."""
    status, headers, body = await ask(signed_request("GET", "/b-1/k"))
    assert (status, headers["retry-after"], code_of(body)) == (503, "1", "ServiceUnavailable")


async def test_errors_to_head_have_no_body():
    """HEAD gets the status alone, and the connection can be used again."""
    async with accepting(MemoryNet(), plan_of(1)) as port, raw_client(port) as client:
        for _ in range(2):
            await client.send(signed_request("HEAD", "/b-1/k"))
            assert (await client.answer(has_body=False))[0] == 503


@pytest.mark.parametrize(
    ("target", "status"),
    [
        ("/health", 200),
        ("/minio/health/live", 200),
        ("/minio/health/ready", 200),
        ("/minio/health/cluster", 503),
        ("/minio/health/cluster/read", 503),
        ("/minio/health/healing", 503),
        ("/minio/health/unknown", 400),
    ],
)
async def test_health_needs_no_signature(target, status):
    """The paths live and ready are about this process, cluster about the sets."""
    found, headers, _ = await ask(request("GET", target))
    assert found == status
    assert headers.get("x-minio-server-status") == ("offline" if status == 503 else None)


async def test_a_signed_request_for_the_bucket_named_health_is_no_probe():
    """The short health path does not hide a bucket."""
    assert (await ask(signed_request("GET", "/health")))[0] == 503


async def test_virtual_hosted_buckets_are_found_by_domain():
    """`<bucket>.<domain>` names the bucket, and the path is the key."""
    settings = attrs.evolve(SETTINGS, domains=("s3.example",))
    message = signed_request("PUT", "/k?acl", host="b-1.s3.example:9000")
    _, _, body = await ask(message, settings)
    error = etree.fromstring(body)
    assert (error.findtext("BucketName"), error.findtext("Key")) == ("b-1", "k")


@pytest.mark.parametrize("code", list(FaultCode))
@pytest.mark.parametrize("is_write", [True, False])
def test_every_fault_has_an_s3_error(code: FaultCode, is_write: bool):
    """No fault can escape the table, and none tells clients about drives."""
    error = s3_error_of(Fault(code, "drive-0-2 said no"), is_write=is_write)
    assert "drive" not in error.message.replace("drive threshold", "").replace("drives answered", "")
    assert error.status >= 400
