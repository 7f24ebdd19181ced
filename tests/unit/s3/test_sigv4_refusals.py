"""What is refused of signed requests, and with which code of AWS."""

from __future__ import annotations

import contextlib
import tracemalloc

import pytest

from rustfs_proto.s3.errors import S3Error
from rustfs_proto.s3.sigv4 import SIGNING_KEYS_KEPT, SigningKeys, SigningRules, Verified, verify
from rustfs_proto.s3.sigv4_claims import ALGORITHM, PayloadMode, payload_mode, read_claim
from rustfs_proto.s3.sigv4_signer import Credentials, presign_url, sign_request
from rustfs_proto.s3.target import parse_target

NOW_S = 1_700_000_000
AKID = "AKIDEXAMPLE"
CREDENTIALS = Credentials(AKID, "secret", "us-east-1")
HOST = "localhost:9000"


def signed_headers(**changed: str) -> dict[str, str]:
    headers = sign_request(
        CREDENTIALS, "GET", "/b/k?x=1", {"host": HOST, "x-amz-meta-a": "b  c"}, now_s=NOW_S
    ).headers
    return headers | {name.replace("_", "-"): value for name, value in changed.items()}


def check(
    headers: dict[str, str],
    *,
    method: str = "GET",
    target: bytes = b"/b/k?x=1",
    secret: str = "secret",
    now_s: float = NOW_S,
    region: str = "us-east-1",
    is_location_request: bool = False,
) -> Verified:
    parsed = parse_target(target)
    claim = read_claim(headers, parsed.params)
    assert claim is not None
    return verify(
        claim,
        secret,
        method,
        parsed,
        headers,
        now_s=now_s,
        rules=SigningRules(region),
        keys=SigningKeys(),
        is_location_request=is_location_request,
    )


def refusal(headers: dict[str, str], **how: object) -> S3Error:
    with pytest.raises(S3Error) as caught:
        check(headers, **how)
    return caught.value


def test_a_good_request_passes():
    """The request that the refusals below spoil passes when it is whole."""
    assert check(signed_headers()).claim.mode is PayloadMode.SIGNED


def test_anonymous_requests_have_no_claim():
    """A request without any signature claims nothing, whatever other parameters it has."""
    assert read_claim({"host": HOST}, {"prefix": "a", "versionId": "x"}) is None


@pytest.mark.parametrize(
    "how",
    [
        {"method": "PUT"},
        {"target": b"/b/K?x=1"},
        {"target": b"/b/k?x=2"},
        {"target": b"/b/k"},
        {"secret": "other"},
    ],
)
def test_anything_signed_that_changes_breaks_the_signature(how):
    """Method, path, query and secret are all under the signature."""
    error = refusal(signed_headers(), **how)
    assert error.code == "SignatureDoesNotMatch"
    assert error.status == 403
    assert error.extra["AWSAccessKeyId"] == AKID
    assert error.extra["StringToSign"].startswith("AWS4-HMAC-SHA256\n")
    assert error.extra["CanonicalRequest"].startswith(how.get("method", "GET") + "\n/b/")


@pytest.mark.parametrize("name", ["x_amz_meta_a", "host", "x_amz_content_sha256"])
def test_a_changed_signed_header_breaks_the_signature(name):
    """A header that was signed cannot be changed on the way."""
    value = "0" * 64 if name == "x_amz_content_sha256" else "other"
    assert refusal(signed_headers(**{name: value})).code == "SignatureDoesNotMatch"


@pytest.mark.parametrize("value", ["b c", " b   c ", "b \t c"])
def test_blanks_of_a_header_fold(value):
    """Blanks around and within a header value may change on the way."""
    assert check(signed_headers(x_amz_meta_a=value))


def test_a_latin1_byte_is_not_a_blank():
    """0xA0 is half of a UTF-8 letter, not white space, when header values are folded."""
    text = "à  b".encode().decode("latin-1")
    headers = sign_request(CREDENTIALS, "GET", "/", {"host": HOST, "x-amz-meta-a": text}, now_s=NOW_S).headers
    assert check(headers, target=b"/")
    other = headers | {"x-amz-meta-a": text.replace("\xa0", " ")}
    assert refusal(other, target=b"/").code == "SignatureDoesNotMatch"


def test_unsigned_amz_headers_are_refused():
    """A header x-amz-* that is not under the signature is named and refused."""
    error = refusal(signed_headers(x_amz_acl="private", x_amz_tagging="a=b"))
    assert (error.code, error.extra["HeadersNotSigned"]) == ("AccessDenied", "x-amz-acl, x-amz-tagging")


def test_host_must_be_signed():
    """A signature that does not cover Host is refused."""
    headers = signed_headers()
    headers["authorization"] = headers["authorization"].replace("SignedHeaders=host;", "SignedHeaders=")
    error = refusal(headers)
    assert (error.code, error.extra["HeadersNotSigned"]) == ("AccessDenied", "host")


@pytest.mark.parametrize("offset_s", [-901, 901, 10_000_000])
def test_skewed_clocks_are_refused(offset_s):
    """A difference over 15 minutes either way is RequestTimeTooSkewed."""
    error = refusal(signed_headers(), now_s=NOW_S + offset_s)
    assert error.code == "RequestTimeTooSkewed"
    assert error.extra["MaxAllowedSkewMilliseconds"] == "900000"


def test_a_skew_of_fifteen_minutes_passes():
    """Exactly 15 minutes are still allowed."""
    assert check(signed_headers(), now_s=NOW_S + 900)
    assert check(signed_headers(), now_s=NOW_S - 900)


def test_the_region_must_match():
    """A wrong region is answered with the right one, which clients then use."""
    error = refusal(signed_headers(), region="eu-west-1")
    assert (error.code, error.status) == ("AuthorizationHeaderMalformed", 400)
    assert error.extra == {"Region": "eu-west-1"}
    assert "the region 'us-east-1' is wrong; expecting 'eu-west-1'" in error.message


def test_regions_that_pass():
    """Any region passes where none is configured, and us-east-1 passes for GetBucketLocation."""
    assert check(signed_headers(), region="")
    assert check(signed_headers(), region="eu-west-1", is_location_request=True)


CREDENTIAL = f"{AKID}/20231114/us-east-1/s3/aws4_request"


def with_credential(credential: str) -> str:
    return f"AWS4-HMAC-SHA256 Credential={credential},SignedHeaders=host,Signature=0"


@pytest.mark.parametrize(
    ("authorization", "code"),
    [
        ("", "InvalidArgument"),
        ("Bearer abc", "InvalidArgument"),
        ("AWS AKID:abc=", "InvalidRequest"),
        ("AWS4-ECDSA-P256-SHA256 Credential=x", "NotImplemented"),
        ("AWS4-HMAC-SHA256", "AuthorizationHeaderMalformed"),
        (f"AWS4-HMAC-SHA256 Credential={CREDENTIAL}", "AuthorizationHeaderMalformed"),
        (
            with_credential("a/b"),
            "AuthorizationHeaderMalformed",
        ),
        (
            with_credential(CREDENTIAL.replace("/s3/", "/ec2/")),
            "AuthorizationHeaderMalformed",
        ),
        (
            with_credential(CREDENTIAL.replace("aws4", "aws5")),
            "AuthorizationHeaderMalformed",
        ),
        (
            with_credential(CREDENTIAL.replace("2023", "23")),
            "AuthorizationHeaderMalformed",
        ),
        (
            with_credential(CREDENTIAL.replace("14/", "15/")),
            "AuthorizationHeaderMalformed",
        ),
    ],
)
def test_malformed_authorization_headers(authorization, code):
    """Each way of spoiling the Authorization header has AWS's code."""
    assert refusal(signed_headers(authorization=authorization)).code == code


@pytest.mark.parametrize("date", ["", "yesterday", "20231114", "20231314T000000Z", "20231114T221320"])
def test_a_date_is_required(date):
    """Without a readable date nobody can tell how old a request is."""
    headers = signed_headers(x_amz_date=date)
    assert refusal(headers).code == "AccessDenied"


def test_a_date_header_can_stand_for_x_amz_date():
    """A client that signs with the Date header alone is understood."""
    headers = signed_headers()
    del headers["x-amz-date"]
    headers["date"] = "Tue, 14 Nov 2023 22:13:20 GMT"
    claim = read_claim(headers, {})
    assert claim is not None
    assert (claim.timestamp_s, claim.amz_date) == (NOW_S, "20231114T221320Z")


def test_x_amz_content_sha256_is_required():
    """S3 demands x-amz-content-sha256 of every request signed in the header."""
    headers = signed_headers()
    del headers["x-amz-content-sha256"]
    assert refusal(headers).code == "InvalidRequest"


@pytest.mark.parametrize(
    ("declared", "code"),
    [
        ("abc", "InvalidArgument"),
        ("g" * 64, "InvalidArgument"),
        ("STREAMING-AWS4-HMAC-SHA256", "InvalidArgument"),
        ("STREAMING-AWS4-ECDSA-P256-SHA256-PAYLOAD", "NotImplemented"),
        ("STREAMING-AWS4-ECDSA-P256-SHA256-PAYLOAD-TRAILER", "NotImplemented"),
    ],
)
def test_payload_declarations_that_are_refused(declared, code):
    """Unknown declarations are InvalidArgument, and Signature Version 4A is NotImplemented."""
    with pytest.raises(S3Error) as caught:
        payload_mode(declared)
    assert caught.value.code == code


@pytest.mark.parametrize("mode", [mode for mode in PayloadMode if mode is not PayloadMode.SIGNED])
def test_named_payload_modes(mode):
    """Each named declaration is its mode."""
    assert payload_mode(mode.value) is mode


def presigned(expires_s: int = 60) -> bytes:
    url = presign_url(
        CREDENTIALS, "GET", f"http://{HOST}", "/b/k é", now_s=NOW_S, expires_s=expires_s, params={"x": "1 2"}
    )
    return url.removeprefix(f"http://{HOST}").encode()


def test_a_presigned_url_passes_until_it_expires():
    """A link is good to its last second and not before its date (give or take the skew)."""
    assert check({"host": HOST}, target=presigned()).claim.mode is PayloadMode.UNSIGNED
    assert check({"host": HOST}, target=presigned(), now_s=NOW_S + 60)
    expired = refusal({"host": HOST}, target=presigned(), now_s=NOW_S + 61)
    assert (expired.code, expired.message) == ("AccessDenied", "Request has expired")
    assert expired.extra["Expires"] == "2023-11-14T22:14:20Z"
    early = refusal({"host": HOST}, target=presigned(), now_s=NOW_S - 901)
    assert (early.code, early.message) == ("AccessDenied", "Request is not yet valid")


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"X-Amz-Expires=60", b"X-Amz-Expires=0"),
        (b"X-Amz-Expires=60", b"X-Amz-Expires=-1"),
        (b"X-Amz-Expires=60", b"X-Amz-Expires=604801"),
        (b"X-Amz-Expires=60", b"X-Amz-Expires=soon"),
        (b"X-Amz-Expires=60", b"X-Amz-Expires="),
        (b"&X-Amz-SignedHeaders=host", b""),
        (b"AWS4-HMAC-SHA256", b"AWS4-HMAC-SHA1"),
        (b"X-Amz-Date=20231114T221320Z", b"X-Amz-Date=20231114"),
        (b"X-Amz-Date=20231114T221320Z", b"X-Amz-Date=20231113T221320Z"),
        (b"aws4_request", b"aws4"),
        (b"us-east-1", b"us-east-2"),
    ],
)
def test_malformed_presigned_urls(old, new):
    """Each way of spoiling a parameter is AuthorizationQueryParametersError."""
    target = presigned()
    assert old in target
    assert (
        refusal({"host": HOST}, target=target.replace(old, new)).code == "AuthorizationQueryParametersError"
    )


def test_a_changed_link_does_not_match():
    """A link is good for what it was made for and nothing else."""
    spoiled = refusal({"host": HOST}, target=presigned().replace(b"/b/", b"/c/"))
    assert spoiled.code == "SignatureDoesNotMatch"
    assert refusal({"host": "other"}, target=presigned()).code == "SignatureDoesNotMatch"
    unsigned = refusal({"host": HOST, "x-amz-acl": "private"}, target=presigned())
    assert unsigned.extra["HeadersNotSigned"] == "x-amz-acl"


def test_two_mechanisms_at_once_are_refused():
    """A header and a query that both claim a signer contradict each other."""
    assert refusal(signed_headers(), target=presigned()).code == "InvalidArgument"


def test_version_2_links_are_refused():
    """Signature Version 2 in the query is answered as AWS's newer regions do."""
    assert (
        refusal({"host": HOST}, target=b"/b/k?AWSAccessKeyId=a&Signature=b&Expires=1").code
        == "InvalidRequest"
    )


@pytest.mark.parametrize("expires_s", [0, 604_801])
def test_the_presigner_refuses_what_no_server_accepts(expires_s):
    """Lifetimes outside 1 second to 7 days are the caller's mistake."""
    with pytest.raises(ValueError, match="604800"):
        presigned(expires_s)


def test_temporary_credentials_show_their_token():
    """A session token is part of the claim, for whoever knows temporary credentials."""
    claim = read_claim(signed_headers(x_amz_security_token="tok"), {})
    assert claim is not None
    assert claim.session_token == "tok"


def test_signing_keys_are_bounded_and_follow_the_secret():
    """The key cache never grows over its bound, and a new secret gets a new key."""
    keys = SigningKeys()
    scope = "20231114/us-east-1/s3/aws4_request"
    first = keys.key("one", scope)
    assert keys.key("two", scope) != first
    for number in range(SIGNING_KEYS_KEPT + 1):
        keys.key("one", f"{number}/us-east-1/s3/aws4_request")
    assert len(keys) <= SIGNING_KEYS_KEPT
    assert keys.key("one", scope) == first


def test_what_strangers_send_is_not_kept():
    """Texts of a size that no client uses leave nothing behind in the caches of the parser."""
    tracemalloc.start()
    try:
        for number in range(100):
            names = f"h{number};" + ";".join(f"x{column}" for column in range(4000))
            key = f"NOBODY{number}" + "x" * 20_000
            scope = f"{key}/20261120/us-east-1/s3/aws4_request"
            text = f"{ALGORITHM} Credential={scope}, SignedHeaders={names}, Signature=00"
            with contextlib.suppress(S3Error):
                read_claim({"authorization": text, "x-amz-date": "20261120T000000Z" + "0" * 20_000}, {})
        kept_bytes, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert kept_bytes < 1 << 20
