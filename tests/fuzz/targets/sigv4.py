"""Signed requests, as text: a request line without version, header lines, nothing else.

What verifies must mean what its signer meant: the same method, bucket, key, parameters, signed headers and
kind of payload. As the fuzzer holds no key, any input that verifies with another meaning has found two
requests with one canonical form.
"""

from __future__ import annotations

from functools import cache
from urllib.parse import urlsplit

from rustfs_proto.s3.names import split_target
from rustfs_proto.s3.sigv4 import SigningKeys, SigningRules, Verified, verify
from rustfs_proto.s3.sigv4_claims import UNSIGNED_PAYLOAD, PayloadMode, read_claim
from rustfs_proto.s3.sigv4_signer import Credentials, presign_url, sign_request
from rustfs_proto.s3.target import Target as RequestTarget
from rustfs_proto.s3.target import header_map, parse_target
from tests.fuzz.campaign import Target
from tests.fuzz.refusals import value_or_code

NOW_S = 1_704_067_200.0
KEYS = Credentials("AKEXAMPLE", "secret-of-the-fuzzer")
_RULES = SigningRules("us-east-1")
_TOKEN = frozenset(b"!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ")
_HOST = "s3.example:9000"

Meaning = tuple[object, ...]
Parsed = tuple[str, RequestTarget, dict[str, str]]


def parsed(data: bytes) -> Parsed | str:
    """Method, target and headers as they come out of the HTTP reader; else why it would refuse them."""
    request_line, *lines = data.split(b"\n")
    method, _, raw_target = request_line.partition(b" ")
    if not method or not _TOKEN.issuperset(method) or not raw_target or not _is_target(raw_target):
        return "no request line"
    fields = [line.partition(b":") for line in lines if line]
    if any(
        not name or not _TOKEN.issuperset(name) or set(value) & set(b"\0\r\x0b\x0c")
        for name, _, value in fields
    ):
        return "no header"
    headers = header_map((name.lower(), value.strip(b" \t")) for name, _, value in fields)
    target, code = value_or_code(lambda: parse_target(raw_target))
    return code if target is None else (method.decode(), target, headers)


def _is_target(raw: bytes) -> bool:
    return all(0x21 <= byte <= 0x7E for byte in raw)


def authenticate(method: str, target: RequestTarget, headers: dict[str, str]) -> Verified | None:
    """What the acceptor does: None for an anonymous or unknown client; raises S3Error."""
    claim = read_claim(headers, target.params)
    if claim is None or claim.access_key != KEYS.access_key or claim.session_token is not None:
        return None
    return verify(
        claim, KEYS.secret_key, method, target, headers, now_s=NOW_S, rules=_RULES, keys=SigningKeys()
    )


def meaning(method: str, target: RequestTarget, headers: dict[str, str], verified: Verified) -> Meaning | str:
    """All that a handler may take from the signed part; the code where the target names nothing."""
    claim = verified.claim
    named, code = value_or_code(lambda: split_target(target.path.encode("latin-1"), headers.get("host", "")))
    if named is None:
        return code
    bucket, key = named
    if bucket is not None and "/" in bucket:
        # %2F signs as a slash, and a name with one is refused before anything is done.
        return "InvalidBucketName"
    signed = {
        name: " ".join(headers.get(name, "").replace("\t", " ").split(" ")) for name in claim.signed_headers
    }
    folded = {name: " ".join(word for word in value.split(" ") if word) for name, value in signed.items()}
    pairs = sorted(pair for pair in target.pairs if pair[0] != "X-Amz-Signature")
    return (method, bucket, key, pairs, folded, claim.payload_hash, claim.mode, claim.expires_s)


@cache
def signed_meanings() -> dict[str, Meaning | str]:
    """What the holder of the key has signed, by signature."""
    found: dict[str, Meaning | str] = {}
    for seed in seeds():
        request = parsed(seed)
        assert not isinstance(request, str), seed
        verified = authenticate(*request)
        assert verified is not None, seed
        found[verified.claim.signature] = meaning(*request, verified)
    return found


def check(data: bytes) -> str:
    """See the module."""
    request = parsed(data)
    if isinstance(request, str):
        return request
    verified, code = value_or_code(lambda: authenticate(*request))
    if verified is None:
        return code or "anonymous"
    found = meaning(*request, verified)
    if isinstance(found, str):
        return f"verified, then {found}"
    wanted = signed_meanings().get(verified.claim.signature)
    assert found == wanted, f"signed: {wanted}\nfound: {found}"
    return f"verified {verified.claim.mode.name}"


def seeds() -> list[bytes]:
    header_form = [
        ("GET", "/", {}, UNSIGNED_PAYLOAD),
        ("PUT", "/bucket/a%20key/%C3%A4+b", {"x-amz-meta-a": "1  2", "content-type": "text/plain"}, "0" * 64),
        ("GET", "/bucket?list-type=2&prefix=a%2Fb&delimiter=/&x=", {"range": "bytes=0-1"}, UNSIGNED_PAYLOAD),
        ("PUT", "/bucket/k", {"x-amz-decoded-content-length": "5"}, PayloadMode.STREAMING_SIGNED.value),
        ("POST", "/bucket/k?uploadId=AA&partNumber=1", {"x-amz-trailer": "x-amz-checksum-crc32"},
         PayloadMode.STREAMING_UNSIGNED_TRAILER.value),
    ]  # fmt: skip
    found = []
    for method, target, headers, payload_hash in header_form:
        complete = {"host": _HOST, **headers}
        signed = sign_request(KEYS, method, target, complete, now_s=NOW_S, payload_hash=payload_hash)
        found.append(_text(method, target, signed.headers))
    for method, path, params, headers in (
        ("GET", "/bucket/a key", {"response-content-type": "a/b"}, {}),
        ("PUT", "/bucket/ä", {}, {"x-amz-meta-b": "c"}),
    ):
        url = presign_url(
            KEYS, method, f"http://{_HOST}", path, now_s=NOW_S, expires_s=600, params=params, headers=headers
        )
        split = urlsplit(url)
        found.append(_text(method, f"{split.path}?{split.query}", {"host": _HOST, **headers}))
    return found


def _text(method: str, target: str, headers: dict[str, str]) -> bytes:
    lines = [f"{method} {target}", *(f"{name}: {value}" for name, value in headers.items()), ""]
    return "\n".join(lines).encode("latin-1")


TARGET = Target(
    "sigv4",
    check,
    seeds,
    executions=5000,
    tokens=(
        b"\n", b": ", b"&", b"=", b"?", b"%", b"%2F", b"%2f", b"%00", b"%C3", b"%FF", b"%25", b"+", b"%20",
        b"%2B", b"/", b"//", b"/./", b"/../",
        b"AWS4-HMAC-SHA256", b"AWS4-ECDSA-P256-SHA256", b"AWS ", b"Credential=", b"SignedHeaders=",
        b"Signature=", b",", b";", b"host",
        b"x-amz-date: 20240101T000000Z\n", b"x-amz-date", b"date: Mon, 01 Jan 2024 00:00:00 GMT\n",
        b"00000101T000000Z", b"99991231T235959Z",
        b"X-Amz-Algorithm=", b"X-Amz-Credential=", b"X-Amz-Date=", b"X-Amz-Expires=",
        b"X-Amz-Expires=604801", b"X-Amz-SignedHeaders=host",
        b"X-Amz-Signature=", b"X-Amz-Security-Token=", b"X-Amz-Content-Sha256=", b"x-amz-content-sha256: ",
        b"UNSIGNED-PAYLOAD",
        b"STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER", b"STREAMING-AWS4-ECDSA-P256-SHA256-PAYLOAD",
        b"x-amz-copy-source: /a/b\n", b"aws4_request",
        b"/us-east-1/s3/", b"/20240101/", b"\xc3\xa4", b"\xa0", b"\x85", b"  ", b"\t", b"http://other",
        b"*", b"x-amz-security-token: t\n",
    ),
    max_bytes=3000,
)  # fmt: skip
