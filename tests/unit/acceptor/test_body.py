"""Bodies over a real connection: blocks of exact size, every way to sign and frame them, every digest that
can be wrong.
"""

from __future__ import annotations

import hashlib
from base64 import b64encode
from collections.abc import Mapping

import pytest
import trio

from rustfs_node.acceptor.auth import Authenticator, OwnerSecrets
from rustfs_node.acceptor.body import BodyReader, BodyTools
from rustfs_node.acceptor.net.messages import HttpRequest, Response
from rustfs_node.acceptor.pool import BufferPool
from rustfs_node.acceptor.upload_memory import UploadMemory
from rustfs_node.plan import Credentials as OwnerKeys
from rustfs_node.seams.clock import SystemClock
from rustfs_node.seams.threads import ThreadPool
from rustfs_proto.s3.checksums import ChecksumAlgorithm, checksum_of
from rustfs_proto.s3.chunked import ChunkSigner
from rustfs_proto.s3.chunked_encoder import encode_chunked
from rustfs_proto.s3.errors import S3Error
from rustfs_proto.s3.operations import Op
from rustfs_proto.s3.sigv4_claims import UNSIGNED_PAYLOAD, PayloadMode
from rustfs_proto.s3.sigv4_signer import Credentials, SignedRequest, sign_request
from rustfs_proto.s3.target import parse_target
from tests.unit.acceptor.http_kit import RawClient, connected, serving

KEYS = Credentials("AKEXAMPLE", "secret-of-the-example")
BLOCK_BYTES = 100_000
SIZES = [0, 1, 4096, BLOCK_BYTES - 1, BLOCK_BYTES, BLOCK_BYTES + 1, 3 * BLOCK_BYTES, 345_678]
CHUNKED_MODES = [mode for mode in PayloadMode if mode.streaming]


def content_of(size: int) -> bytes:
    """Bytes that do not repeat with any block."""
    return bytes(index * 7 % 251 for index in range(size))


def make_handler(memory: UploadMemory | None = None):
    """Reads the body in blocks; answers their sizes and the ETag, or the error's code."""
    clock = SystemClock()
    authenticator = Authenticator(OwnerSecrets(OwnerKeys(KEYS.access_key, KEYS.secret_key)), clock, "")
    tools = BodyTools(
        ThreadPool(2), 64 * 1024, BufferPool(BLOCK_BYTES + 1, 2), memory or UploadMemory(1 << 20, 10.0, clock)
    )

    async def handle(request: HttpRequest) -> Response:
        try:
            target = parse_target(request.target)
            reader = BodyReader(request, authenticator.authenticate(request, target, Op.PutObject), tools)
            sizes, is_last = [], False
            while not is_last:
                block, is_last = await reader.next_block(BLOCK_BYTES)
                await reader.digest(block)
                sizes.append(len(block))
            reader.finish()
        except S3Error as error:
            return Response(error.status, body=error.code.encode())
        return Response(200, body=f"{sizes} {reader.digests.etag}".encode())

    return handle


def signed(headers: Mapping[str, str], payload_hash: str) -> SignedRequest:
    """A PUT of /b/k, signed now."""
    now_s = SystemClock().wall_ms() / 1000
    return sign_request(
        KEYS, "PUT", "/b/k", {"host": "test", **headers}, now_s=now_s, payload_hash=payload_hash
    )


def head_of(signature: SignedRequest, *lines: str) -> bytes:
    """The head that carries it."""
    headers = [f"{name}: {value}" for name, value in signature.headers.items()]
    return "\r\n".join(["PUT /b/k HTTP/1.1", *headers, *lines, "", ""]).encode()


def expected(content: bytes) -> bytes:
    """What the handler says of a good body."""
    sizes = [len(content[at : at + BLOCK_BYTES]) for at in range(0, len(content), BLOCK_BYTES)] or [0]
    return f"{sizes} {hashlib.md5(content).hexdigest()}".encode()


async def exchange(client: RawClient, head: bytes, body: bytes) -> bytes:
    """The answer's body."""
    await client.send(head + body)
    return (await client.answer())[2]


@pytest.mark.parametrize("size", SIZES)
async def test_a_signed_body_is_cut_into_exact_blocks(size: int):
    """Every block but the last has the size asked for, and the signed SHA-256 is checked."""
    content = content_of(size)
    head = head_of(signed({}, hashlib.sha256(content).hexdigest()), f"Content-Length: {size}")
    async with serving(make_handler()) as running, connected(running) as client:
        for _ in range(2):
            assert await exchange(client, head, content) == expected(content)


@pytest.mark.parametrize("size", SIZES)
async def test_a_body_of_unknown_length_is_cut_into_exact_blocks(size: int):
    """HTTP's own chunked coding, where nobody says how long the body is."""
    content = content_of(size)
    framed = b"".join(
        b"%x\r\n%b\r\n" % (len(piece), piece)
        for piece in (content[at : at + 77_777] for at in range(0, size, 77_777))
    )
    head = head_of(signed({}, UNSIGNED_PAYLOAD), "Transfer-Encoding: chunked")
    async with serving(make_handler()) as running, connected(running) as client:
        for _ in range(2):
            assert await exchange(client, head, framed + b"0\r\n\r\n") == expected(content)


def chunked_request(mode: PayloadMode, content: bytes, checksum: str | None = None) -> tuple[bytes, bytes]:
    """Head and body of an aws-chunked PUT, with a CRC32C trailer where the mode has trailers."""
    has_trailer = mode is not PayloadMode.STREAMING_SIGNED
    value = checksum or checksum_of(ChecksumAlgorithm.CRC32C, content)
    headers = {"x-amz-decoded-content-length": str(len(content)), "content-encoding": "aws-chunked"}
    if has_trailer:
        headers["x-amz-trailer"] = "x-amz-checksum-crc32c"
    signature = signed(headers, mode.value)
    signer = None
    if mode is not PayloadMode.STREAMING_UNSIGNED_TRAILER:
        signer = ChunkSigner(
            signature.signing_key, signature.amz_date, signature.scope_text, signature.signature
        )
    trailers = {"x-amz-checksum-crc32c": value} if has_trailer else None
    body = encode_chunked(content, mode, chunk_bytes=30_000, signer=signer, trailers=trailers)
    return head_of(signature, f"Content-Length: {len(body)}"), body


@pytest.mark.parametrize("mode", CHUNKED_MODES)
@pytest.mark.parametrize("size", SIZES)
async def test_aws_chunked_bodies_are_decoded(mode: PayloadMode, size: int):
    """All three framings give back the payload, leave nothing behind, and check their trailer."""
    content = content_of(size)
    async with serving(make_handler()) as running, connected(running) as client:
        for _ in range(2):
            assert await exchange(client, *chunked_request(mode, content)) == expected(content)


@pytest.mark.parametrize("mode", CHUNKED_MODES)
async def test_aws_chunked_bodies_may_arrive_in_small_pieces(mode: PayloadMode):
    """Chunk lines, payload and trailers may be cut anywhere."""
    content = content_of(150_000)
    head, body = chunked_request(mode, content)
    async with serving(make_handler()) as running, connected(running) as client:
        for at in range(0, len(head + body), 1009):
            await client.send((head + body)[at : at + 1009])
            await trio.lowlevel.checkpoint()
        assert (await client.answer())[2] == expected(content)


async def test_a_wrong_sha256_is_refused():
    """A body that is not the one that was signed is XAmzContentSHA256Mismatch."""
    head = head_of(signed({}, hashlib.sha256(b"other").hexdigest()), "Content-Length: 5")
    async with serving(make_handler()) as running, connected(running) as client:
        assert await exchange(client, head, b"bytes") == b"XAmzContentSHA256Mismatch"


@pytest.mark.parametrize(
    ("value", "code"),
    [
        (b64encode(hashlib.md5(b"other").digest()).decode(), b"BadDigest"),
        ("not base64!", b"InvalidDigest"),
        (b64encode(hashlib.md5(b"bytes").digest()).decode(), expected(b"bytes")),
    ],
)
async def test_content_md5_is_checked(value: str, code: bytes):
    """Content-MD5 must be an MD5, and that of the body."""
    signature = signed({"content-md5": value}, UNSIGNED_PAYLOAD)
    async with serving(make_handler()) as running, connected(running) as client:
        assert await exchange(client, head_of(signature, "Content-Length: 5"), b"bytes") == code


@pytest.mark.parametrize("algorithm", list(ChecksumAlgorithm))
async def test_checksum_headers_are_checked(algorithm: ChecksumAlgorithm):
    """A checksum in a header must be that of the body."""
    async with serving(make_handler()) as running, connected(running) as client:
        for announced, answer in ((b"bytes", expected(b"bytes")), (b"other", b"BadDigest")):
            signature = signed({algorithm.header: checksum_of(algorithm, announced)}, UNSIGNED_PAYLOAD)
            assert await exchange(client, head_of(signature, "Content-Length: 5"), b"bytes") == answer


@pytest.mark.parametrize(
    "mode", [PayloadMode.STREAMING_UNSIGNED_TRAILER, PayloadMode.STREAMING_SIGNED_TRAILER]
)
async def test_checksum_trailers_are_checked(mode: PayloadMode):
    """A checksum in a trailer must be that of the body."""
    wrong = checksum_of(ChecksumAlgorithm.CRC32C, b"other")
    async with serving(make_handler()) as running, connected(running) as client:
        assert await exchange(client, *chunked_request(mode, b"bytes", wrong)) == b"BadDigest"


@pytest.mark.parametrize("mode", [PayloadMode.STREAMING_SIGNED, PayloadMode.STREAMING_SIGNED_TRAILER])
async def test_a_changed_byte_in_a_signed_chunk_is_refused(mode: PayloadMode):
    """Every chunk is covered by its signature."""
    head, body = chunked_request(mode, b"A" * 70_000)
    at = body.rindex(b"A")
    async with serving(make_handler()) as running, connected(running) as client:
        answer = await exchange(client, head, body[:at] + b"B" + body[at + 1 :])
    assert answer == b"SignatureDoesNotMatch"


async def test_a_chunked_body_cut_short_is_refused():
    """Without its last chunk a body is incomplete, whatever Content-Length says."""
    head, body = chunked_request(PayloadMode.STREAMING_SIGNED, content_of(60_000))
    head = head.replace(f"Content-Length: {len(body)}".encode(), b"Content-Length: 30000")
    async with serving(make_handler()) as running, connected(running) as client:
        assert await exchange(client, head, body[:30_000]) == b"IncompleteBody"


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ((b"AKEXAMPLE", b"AKANOTHER"), b"InvalidAccessKeyId"),
        ((b"Signature=", b"Signature=0"), b"SignatureDoesNotMatch"),
        ((b"authorization: AWS4-HMAC-SHA256", b"authorization: AWS"), b"InvalidRequest"),
        ((b"authorization", b"x-other"), b"AccessDenied"),
    ],
)
async def test_requests_of_unknown_origin_are_refused(change: tuple[bytes, bytes], code: bytes):
    """Another key, another signature, the older mechanism, none at all: each its own refusal."""
    head = head_of(signed({}, UNSIGNED_PAYLOAD), "Content-Length: 5").replace(*change)
    async with serving(make_handler()) as running, connected(running) as client:
        assert await exchange(client, head, b"bytes") == code


async def test_a_request_signed_long_ago_is_refused():
    """Signatures in headers are good for a quarter of an hour."""
    long_ago_s = SystemClock().wall_ms() / 1000 - 3600
    signature = sign_request(
        KEYS, "PUT", "/b/k", {"host": "test"}, now_s=long_ago_s, payload_hash=UNSIGNED_PAYLOAD
    )
    async with serving(make_handler()) as running, connected(running) as client:
        answer = await exchange(client, head_of(signature, "Content-Length: 5"), b"bytes")
    assert answer == b"RequestTimeTooSkewed"
