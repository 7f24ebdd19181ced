"""The worked examples of the S3 API reference, "Authenticating Requests (AWS Signature Version 4)"."""

from __future__ import annotations

import hashlib
from urllib.parse import urlsplit

import pytest

from rustfs_proto.s3.chunked import ChunkedDecoder, ChunkSigner
from rustfs_proto.s3.chunked_encoder import encode_chunked
from rustfs_proto.s3.sigv4 import SigningKeys, SigningRules, Verified, verify
from rustfs_proto.s3.sigv4_claims import PayloadMode, parse_amz_date, read_claim
from rustfs_proto.s3.sigv4_signer import Credentials, presign_url, sign_request
from rustfs_proto.s3.target import HeaderMap, parse_target

ACCESS_KEY = "AKIAIOSFODNN7EXAMPLE"
SECRET = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
SCOPE = "20130524/us-east-1/s3/aws4_request"
NOW_S = parse_amz_date("20130524T000000Z")
HOST = "examplebucket.s3.amazonaws.com"
EMPTY = hashlib.sha256(b"").hexdigest()

EXAMPLES = {
    "get_object": (
        "GET",
        b"/test.txt",
        {"range": "bytes=0-9"},
        "host;range;x-amz-content-sha256;x-amz-date",
        EMPTY,
        "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41",
    ),
    "put_object": (
        "PUT",
        b"/test$file.text",
        {"date": "Fri, 24 May 2013 00:00:00 GMT", "x-amz-storage-class": "REDUCED_REDUNDANCY"},
        "date;host;x-amz-content-sha256;x-amz-date;x-amz-storage-class",
        hashlib.sha256(b"Welcome to Amazon S3.").hexdigest(),
        "98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd",
    ),
    "get_lifecycle": (
        "GET",
        b"/?lifecycle",
        {},
        "host;x-amz-content-sha256;x-amz-date",
        EMPTY,
        "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543",
    ),
    "list_objects": (
        "GET",
        b"/?max-keys=2&prefix=J",
        {},
        "host;x-amz-content-sha256;x-amz-date",
        EMPTY,
        "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7",
    ),
}


def check(method: str, raw_target: bytes, headers: HeaderMap) -> Verified:
    target = parse_target(raw_target)
    claim = read_claim(headers, target.params)
    assert claim is not None
    assert claim.access_key == ACCESS_KEY
    rules = SigningRules("us-east-1")
    return verify(claim, SECRET, method, target, headers, now_s=NOW_S, rules=rules, keys=SigningKeys())


@pytest.mark.parametrize("name", EXAMPLES)
@pytest.mark.parametrize("separator", [", ", ","])
def test_header_examples(name, separator):
    """Each published Authorization header verifies, with and without blanks behind its commas."""
    method, raw_target, extra, signed, payload_hash, signature = EXAMPLES[name]
    fields = [f"Credential={ACCESS_KEY}/{SCOPE}", f"SignedHeaders={signed}", f"Signature={signature}"]
    headers = {
        "host": HOST,
        "x-amz-date": "20130524T000000Z",
        "x-amz-content-sha256": payload_hash,
        **extra,
        "authorization": f"AWS4-HMAC-SHA256 {separator.join(fields)}",
    }
    assert check(method, raw_target, headers).claim.mode is PayloadMode.SIGNED


@pytest.mark.parametrize("name", EXAMPLES)
def test_signer_makes_the_published_signatures(name):
    """Our own signer computes the published signature of each example."""
    method, raw_target, extra, _, payload_hash, signature = EXAMPLES[name]
    signed = sign_request(
        Credentials(ACCESS_KEY, SECRET),
        method,
        raw_target.decode(),
        {"host": HOST, **extra},
        now_s=NOW_S,
        payload_hash=payload_hash,
    )
    assert signed.signature == signature


PRESIGNED = (
    "https://examplebucket.s3.amazonaws.com/test.txt?X-Amz-Algorithm=AWS4-HMAC-SHA256"
    "&X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%2F20130524%2Fus-east-1%2Fs3%2Faws4_request"
    "&X-Amz-Date=20130524T000000Z&X-Amz-Expires=86400&X-Amz-SignedHeaders=host"
    "&X-Amz-Signature=aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404"
)


def test_presigned_example():
    """The published presigned URL verifies, and our presigner prints exactly it."""
    parts = urlsplit(PRESIGNED)
    raw_target = f"{parts.path}?{parts.query}".encode()
    assert check("GET", raw_target, {"host": HOST}).claim.mode is PayloadMode.UNSIGNED
    ours = presign_url(
        Credentials(ACCESS_KEY, SECRET), "GET", f"https://{HOST}", "/test.txt", now_s=NOW_S, expires_s=86400
    )
    assert ours == PRESIGNED


STREAM_SEED = "4f232c4386841ef735655705268965c44a0e4690baa4adea153f7db9fa80a0a9"
STREAM_HEADERS = {
    "host": "s3.amazonaws.com",
    "x-amz-date": "20130524T000000Z",
    "x-amz-storage-class": "REDUCED_REDUNDANCY",
    "x-amz-content-sha256": "STREAMING-AWS4-HMAC-SHA256-PAYLOAD",
    "content-encoding": "aws-chunked",
    "x-amz-decoded-content-length": "66560",
    "content-length": "66824",
    "authorization": (
        f"AWS4-HMAC-SHA256 Credential={ACCESS_KEY}/{SCOPE},SignedHeaders=content-encoding;content-length;"
        "host;x-amz-content-sha256;x-amz-date;x-amz-decoded-content-length;x-amz-storage-class,"
        f"Signature={STREAM_SEED}"
    ),
}
CHUNK_SIGNATURES = (
    b"ad80c730a21e5b8d04586a2213dd63b9a0e99e0e2307b0ade35a65485a288648",
    b"0055627c9e194cb4542bae2aa5492e3c1575bbb81b612b7d234b86a503ef5497",
    b"b6c6ea8a5354eaf15b3cb7646744f4275b71ea724fed81ceb9323e279d449df9",
)


def test_chunked_upload_example():
    """The published chunked upload: seed signature, both data chunks and the last one, exactly as printed."""
    verified = check("PUT", b"/examplebucket/chunkObject.txt", STREAM_HEADERS)
    assert verified.claim.mode is PayloadMode.STREAMING_SIGNED
    first, second, last = CHUNK_SIGNATURES
    body = b"".join(
        [
            b"10000;chunk-signature=%s\r\n%s\r\n" % (first, b"a" * 65536),
            b"400;chunk-signature=%s\r\n%s\r\n" % (second, b"a" * 1024),
            b"0;chunk-signature=%s\r\n\r\n" % last,
        ]
    )
    assert len(body) == int(STREAM_HEADERS["content-length"])
    decoder = ChunkedDecoder(
        verified.claim.mode, decoded_bytes=66560, signer=ChunkSigner.continuing(verified)
    )
    assert b"".join(decoder.feed(body)) == b"a" * 66560
    decoder.finish()
    again = encode_chunked(
        b"a" * 66560, verified.claim.mode, chunk_bytes=65536, signer=ChunkSigner.continuing(verified)
    )
    assert again == body


def test_trailer_upload_example():
    """The published chunked upload with a trailer: every chunk signature and the trailer's, as printed."""
    key = SigningKeys().key(SECRET, SCOPE)
    seed = "106e2a8a18243abcf37539882f36619c00e2dfc72633413f02d3b74544bfeb8e"
    signer = ChunkSigner(key, "20130524T000000Z", SCOPE, seed)
    body = encode_chunked(
        b"a" * 66560,
        PayloadMode.STREAMING_SIGNED_TRAILER,
        chunk_bytes=65536,
        signer=signer,
        trailers={"x-amz-checksum-crc32c": "sOO8/Q=="},
    )
    for signature in (
        b"b474d8862b1487a5145d686f57f013e54db672cee1c953b3010fb58501ef5aa2",
        b"1c1344b170168f8e65b41376b44b20fe354e373826ccbbe2c1d40a8cae51e5c7",
        b"2ca2aba2005185cf7159c6277faf83795951dd77a3a99e6e65d5c9f85863f992",
        b"x-amz-trailer-signature:d81f82fc3505edab99d459891051a732e8730629a2e4a59689829ca17fe2e435",
    ):
        assert signature in body
