"""Presigned URLs: good for what was signed, as long as was signed, and for nothing else."""

from __future__ import annotations

import http.client
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest

from tests.clients.raw import Answer, Raw

DAY_S = 86_400


def fetch(
    raw: Raw, method: str, url: str, body: bytes = b"", headers: dict[str, str] | None = None
) -> Answer:
    """What a browser would do: the URL and nothing else of S3."""
    parts = urlsplit(url)
    sent = {"Host": parts.netloc} | (headers or {})
    return raw.send(method, f"{parts.path}?{parts.query}", sent, body)


def sign(s3, operation: str, expires_s: int = 300, **arguments) -> str:
    return s3.generate_presigned_url(operation, Params=arguments, ExpiresIn=expires_s)


@pytest.mark.parametrize("key", ["key", "a b+c&d=e?f#g%20/é日本", "x//y"])
def test_put_and_get(raw, s3, bucket, key):
    """A URL for PUT stores what is sent to it, and one for GET gives it to anybody."""
    body = b"presigned " + key.encode()
    assert fetch(raw, "PUT", sign(s3, "put_object", Bucket=bucket, Key=key), body).status == 200
    assert s3.get_object(Bucket=bucket, Key=key)["Body"].read() == body
    answer = fetch(raw, "GET", sign(s3, "get_object", Bucket=bucket, Key=key))
    assert (answer.status, answer.body) == (200, body)
    assert fetch(raw, "HEAD", sign(s3, "head_object", Bucket=bucket, Key=key)).status == 200
    assert fetch(raw, "DELETE", sign(s3, "delete_object", Bucket=bucket, Key=key)).status == 204


def test_signed_headers_are_demanded(raw, s3, bucket):
    """A URL signed with a content type takes only that one."""
    url = sign(s3, "put_object", Bucket=bucket, Key="key", ContentType="text/x-signed")
    assert fetch(raw, "PUT", url, b"x", {"Content-Type": "text/x-other"}).code in {
        "SignatureDoesNotMatch",
        "AccessDenied",
    }
    assert fetch(raw, "PUT", url, b"x").status == 403
    assert fetch(raw, "PUT", url, b"x", {"Content-Type": "text/x-signed"}).status == 200


def test_overrides_in_the_url(raw, s3, bucket):
    """Response headers chosen in a signed URL are those of the answer."""
    s3.put_object(Bucket=bucket, Key="key", Body=b"x")
    url = sign(
        s3,
        "get_object",
        Bucket=bucket,
        Key="key",
        ResponseContentType="text/html",
        ResponseContentDisposition='attachment; filename="ü"',
    )
    assert fetch(raw, "GET", url).headers["content-type"] == "text/html"


def test_an_expired_url(raw, s3, bucket):
    """After its time a URL is AccessDenied; long before it was signed it is no good either."""
    s3.put_object(Bucket=bucket, Key="key", Body=b"x")
    now = datetime.now(UTC)
    for at in (now - timedelta(seconds=301), now + timedelta(days=1)):
        answer = raw.request("GET", raw.presigned("GET", f"/{bucket}/key", 300, at), anonymous=True)
        assert (answer.status, answer.code) == (403, "AccessDenied")


def test_a_url_lives_as_long_as_signed(raw, s3, bucket):
    """A URL signed for seven days is good after six: the fifteen minutes of a header do not apply."""
    s3.put_object(Bucket=bucket, Key="key", Body=b"x")
    target = raw.presigned("GET", f"/{bucket}/key", 7 * DAY_S, datetime.now(UTC) - timedelta(days=6))
    assert raw.request("GET", target, anonymous=True).body == b"x"


@pytest.mark.parametrize("expires_s", [7 * DAY_S + 1, -1])
def test_impossible_lifetimes(raw, bucket, expires_s):
    """More than seven days, or less than nothing, is AuthorizationQueryParametersError."""
    answer = raw.request("GET", raw.presigned("GET", f"/{bucket}/key", expires_s), anonymous=True)
    assert (answer.status, answer.code) == (400, "AuthorizationQueryParametersError")


TAMPERINGS = {
    "signature": lambda query: query | {"X-Amz-Signature": "0" * 64},
    "lifetime": lambda query: query | {"X-Amz-Expires": "3600"},
    "date": lambda query: query | {"X-Amz-Date": datetime.now(UTC).strftime("%Y%m%dT000000Z")},
    "another parameter": lambda query: query | {"response-content-type": "text/html"},
    "headers": lambda query: query | {"X-Amz-SignedHeaders": "host;x-amz-date"},
}


@pytest.mark.parametrize("tampering", TAMPERINGS)
def test_a_tampered_url(raw, s3, bucket, tampering):
    """Whatever is changed in a signed URL, it is refused with 403."""
    s3.put_object(Bucket=bucket, Key="key", Body=b"x")
    parts = urlsplit(sign(s3, "get_object", Bucket=bucket, Key="key"))
    query = TAMPERINGS[tampering]({name: values[0] for name, values in parse_qs(parts.query).items()})
    answer = fetch(raw, "GET", parts._replace(query=urlencode(query)).geturl())
    assert answer.status == 403
    assert answer.code in {"SignatureDoesNotMatch", "AccessDenied"}


def test_another_key_or_method(raw, s3, bucket):
    """A URL for one key and method is good for no other key or method."""
    s3.put_object(Bucket=bucket, Key="key", Body=b"x")
    s3.put_object(Bucket=bucket, Key="other", Body=b"secret")
    url = sign(s3, "get_object", Bucket=bucket, Key="key")
    assert fetch(raw, "GET", url.replace("/key?", "/other?")).code == "SignatureDoesNotMatch"
    assert fetch(raw, "DELETE", url).code == "SignatureDoesNotMatch"
    assert fetch(raw, "PUT", url, b"new").code == "SignatureDoesNotMatch"
    assert s3.get_object(Bucket=bucket, Key="key")["Body"].read() == b"x"


def test_an_unknown_access_key(raw, s3, bucket):
    """A URL of keys that the node does not have is InvalidAccessKeyId."""
    parts = urlsplit(sign(s3, "get_object", Bucket=bucket, Key="key"))
    query = {name: values[0] for name, values in parse_qs(parts.query).items()}
    query["X-Amz-Credential"] = "UNKNOWN/" + query["X-Amz-Credential"].partition("/")[2]
    answer = fetch(raw, "GET", parts._replace(query=urlencode(query)).geturl())
    assert (answer.status, answer.code) == (403, "InvalidAccessKeyId")


def test_a_part_by_url(raw, s3, bucket):
    """Parts of an upload may be sent by presigned URLs, as browsers do."""
    where = {"Bucket": bucket, "Key": "key"}
    where["UploadId"] = s3.create_multipart_upload(**where)["UploadId"]
    answer = fetch(raw, "PUT", sign(s3, "upload_part", **where, PartNumber=1), b"part")
    assert answer.status == http.client.OK
    parts = {"Parts": [{"PartNumber": 1, "ETag": answer.headers["etag"]}]}
    s3.complete_multipart_upload(**where, MultipartUpload=parts)
    assert s3.get_object(Bucket=bucket, Key="key")["Body"].read() == b"part"
