"""Bodies as bytes on the wire: signed chunks, trailers, 100-continue, and connections that break off."""

from __future__ import annotations

import base64
import hashlib
import socket
import struct
import zlib
from collections.abc import Iterator

import pytest
from botocore.awsrequest import AWSRequest

from tests.clients.content import MIB, content
from tests.clients.raw import EMPTY_SHA256, TIMEOUT_S, UNSIGNED, HeaderSigner, Raw, path_of

STREAM = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD"
STREAM_TRAILER = STREAM + "-TRAILER"
UNSIGNED_TRAILER = "STREAMING-UNSIGNED-PAYLOAD-TRAILER"
CHUNK = 64 * 1024


class Chunks:
    """A body in aws-chunked form (S3 API reference, "Chunked upload"): each chunk signed after the last."""

    def __init__(
        self, raw: Raw, target: str, data: bytes, kind: str, trailer: str = "", chunk_bytes: int = CHUNK
    ) -> None:
        self.data, self.chunk_bytes, self.signs, self.trailer = (
            data,
            chunk_bytes,
            kind.startswith(STREAM),
            trailer,
        )
        headers = {"x-amz-decoded-content-length": str(len(data)), "Content-Encoding": "aws-chunked"}
        if trailer:
            headers["x-amz-trailer"] = trailer.partition(":")[0]
        self.headers, self.last = raw.signed("PUT", target, headers, kind)
        self.signer = HeaderSigner(raw.server, kind)
        self.signer.stamp = self.headers["X-Amz-Date"]
        self.request = AWSRequest("PUT", f"http://host{target}")
        self.request.context["timestamp"] = self.signer.stamp

    def sign(self, kind: str, *lines: str) -> str:
        text = "\n".join(
            [kind, self.signer.stamp, self.signer.credential_scope(self.request), self.last, *lines]
        )
        self.last = self.signer.signature(text, self.request)
        return self.last

    def chunk(self, data: bytes) -> bytes:
        head = f"{len(data):x}"
        if self.signs:
            digest = hashlib.sha256(data).hexdigest()
            head += ";chunk-signature=" + self.sign("AWS4-HMAC-SHA256-PAYLOAD", EMPTY_SHA256, digest)
        return head.encode() + b"\r\n" + data

    def body(self) -> Iterator[bytes]:
        for first in range(0, len(self.data), self.chunk_bytes):
            yield self.chunk(self.data[first : first + self.chunk_bytes]) + b"\r\n"
        yield self.chunk(b"")
        if self.trailer:
            yield self.trailer.encode() + b"\r\n"
            if self.signs:
                digest = hashlib.sha256(self.trailer.encode() + b"\n").hexdigest()
                yield f"x-amz-trailer-signature:{self.sign('AWS4-HMAC-SHA256-TRAILER', digest)}\r\n".encode()
        yield b"\r\n"

    def send(self, raw: Raw, target: str, body: bytes | None = None):
        body = b"".join(self.body()) if body is None else body
        return raw.send("PUT", target, self.headers, body)


def crc32_trailer(data: bytes) -> str:
    return "x-amz-checksum-crc32:" + base64.b64encode(struct.pack(">I", zlib.crc32(data))).decode()


@pytest.mark.parametrize("size", [0, 1, CHUNK - 1, CHUNK, CHUNK + 1, 3 * MIB + 5])
@pytest.mark.parametrize("kind", [STREAM, STREAM_TRAILER, UNSIGNED_TRAILER])
def test_a_chunked_stream(raw, bucket, kind, size):
    """Signed chunks with and without a trailer, and unsigned ones with one, are stored as their data."""
    data, target = content(size, seed=size), path_of(bucket, "a key")
    trailer = crc32_trailer(data) if kind.endswith("TRAILER") else ""
    answer = Chunks(raw, target, data, kind, trailer).send(raw, target)
    assert (answer.status, answer.body) == (200, b"")
    assert answer.headers["etag"] == f'"{hashlib.md5(data).hexdigest()}"'
    got = raw.request("GET", target)
    assert got.body == data
    assert "content-encoding" not in got.headers


@pytest.mark.parametrize("chunk_bytes", [8 * 1024, 100_000, 16 * MIB])
def test_chunks_of_any_size(raw, bucket, chunk_bytes):
    """The size of a client's chunks is its own choice."""
    data, target = content(2 * MIB + 1), path_of(bucket, "key")
    assert Chunks(raw, target, data, STREAM, chunk_bytes=chunk_bytes).send(raw, target).status == 200
    assert raw.request("GET", target).body == data


def flip(body: bytes, at: int) -> bytes:
    return body[:at] + bytes([body[at] ^ 1]) + body[at + 1 :]


DAMAGES = {
    "a byte of the first chunk": (lambda body: flip(body, 200), "SignatureDoesNotMatch"),
    "a byte of the last chunk": (lambda body: flip(body, len(body) - 400), "SignatureDoesNotMatch"),
    "a chunk left out": (
        lambda body: body[: body.index(b"\r\n10000;") + 2] + body[body.rindex(b"\r\n10000;") + 2 :],
        None,
    ),
    "no end": (lambda body: body[: body.rindex(b"\r\n0;") + 2], None),
    "a wrong size": (lambda body: b"0ffff" + body[5:], None),
    "no size": (lambda body: b"zzzzz" + body[5:], None),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_stream_stores_nothing(raw, s3, bucket, damage):
    """A chunked body that was changed, cut or reordered on its way is refused, and nothing is stored."""
    change, code = DAMAGES[damage]
    target = path_of(bucket, "key")
    chunks = Chunks(raw, target, content(5 * CHUNK), STREAM)
    answer = chunks.send(raw, target, change(b"".join(chunks.body())))
    assert 400 <= answer.status < 500
    assert code is None or answer.code == code
    assert s3.list_objects_v2(Bucket=bucket)["KeyCount"] == 0


@pytest.mark.parametrize("kind", [STREAM_TRAILER, UNSIGNED_TRAILER])
@pytest.mark.parametrize(
    "trailer", ["x-amz-checksum-crc32:AAAAAA==", "x-amz-checksum-crc32:!", "x-amz-checksum-crc32:"]
)
def test_a_wrong_trailer_stores_nothing(raw, s3, bucket, kind, trailer):
    """A trailer whose checksum is wrong or unreadable is refused with 400, and nothing is stored."""
    target = path_of(bucket, "key")
    answer = Chunks(raw, target, content(MIB), kind, trailer).send(raw, target)
    assert answer.status == 400
    assert s3.list_objects_v2(Bucket=bucket)["KeyCount"] == 0


def test_a_tampered_trailer(raw, s3, bucket):
    """The signature of a signed stream covers its trailer too."""
    data, target = content(1000), path_of(bucket, "key")
    chunks = Chunks(raw, target, data, STREAM_TRAILER, crc32_trailer(data))
    body = b"".join(chunks.body())
    start = body.index(b"x-amz-trailer-signature:") + 24
    answer = chunks.send(raw, target, flip(body, start + 5))
    assert (answer.status, answer.code) in {(403, "SignatureDoesNotMatch"), (400, "MalformedTrailerError")}
    assert s3.list_objects_v2(Bucket=bucket)["KeyCount"] == 0


def head_of(target: str, headers: dict[str, str], length: int) -> bytes:
    lines = [f"PUT {target} HTTP/1.1", *(f"{name}: {value}" for name, value in headers.items())]
    return "\r\n".join([*lines, f"Content-Length: {length}", "Expect: 100-continue", "", ""]).encode()


def connected(raw: Raw) -> socket.socket:
    return socket.create_connection((raw.server.host, raw.server.port), timeout=TIMEOUT_S)


def test_expect_continue(raw, bucket):
    """A client that waits for 100 Continue gets it before it sends a byte, and then its answer."""
    target = path_of(bucket, "key")
    headers, _ = raw.signed("PUT", target, {}, UNSIGNED)
    with connected(raw) as connection, connection.makefile("rb") as answers:
        connection.sendall(head_of(target, headers, 5))
        assert answers.readline().startswith(b"HTTP/1.1 100")
        assert answers.readline() == b"\r\n"
        connection.sendall(b"12345")
        assert answers.readline().startswith(b"HTTP/1.1 200")
    assert raw.request("GET", target).body == b"12345"


def test_expect_continue_of_nothing(raw, bucket):
    """100 Continue comes for an empty body too: botocore takes any other first answer for the last of all."""
    target = path_of(bucket, "key")
    with connected(raw) as connection, connection.makefile("rb") as answers:
        for _ in range(2):
            headers, _ = raw.signed("PUT", target, {}, UNSIGNED)
            connection.sendall(head_of(target, headers, 0))
            assert answers.readline().startswith(b"HTTP/1.1 100")
            assert answers.readline() == b"\r\n"
            assert read_answer(answers) == b""


def test_expect_continue_refused(raw, bucket):
    """A request that will be refused gets no 100 Continue and no successor: no body is sent in vain."""
    target = path_of(f"{bucket}-none", "key")
    headers, _ = raw.signed("PUT", target, {}, UNSIGNED)
    with connected(raw) as connection, connection.makefile("rb") as answers:
        connection.sendall(head_of(target, headers, 10**9))
        assert answers.readline().startswith(b"HTTP/1.1 404")
        assert b"connection: close" in answers.read().lower()


@pytest.mark.parametrize("sent", [0, 100_000, 3 * MIB])
def test_a_body_that_breaks_off_stores_nothing(raw, s3, bucket, sent):
    """When a client goes before its body is complete, the object that was there stays."""
    target = path_of(bucket, "key")
    assert raw.request("PUT", target, body=b"before").status == 200
    headers, _ = raw.signed("PUT", target, {}, UNSIGNED)
    with connected(raw) as connection, connection.makefile("rb") as answers:
        connection.sendall(head_of(target, headers, 4 * MIB))
        assert answers.readline().startswith(b"HTTP/1.1 100")
        connection.sendall(content(sent))
    assert raw.request("GET", target).body == b"before"
    assert s3.list_objects_v2(Bucket=bucket)["Contents"][0]["Size"] == 6


def test_requests_in_a_row(raw, bucket):
    """Requests sent ahead on one connection are answered in order, each with its own body."""
    with connected(raw) as connection, connection.makefile("rb") as answers:
        for number in range(20):
            body = content(1000 * number, seed=number)
            target = path_of(bucket, f"key-{number % 3}")
            for method, sent in (("PUT", body), ("GET", b"")):
                headers, _ = raw.signed(method, target, {}, UNSIGNED)
                lines = [
                    f"{method} {target} HTTP/1.1",
                    *(f"{name}: {value}" for name, value in headers.items()),
                ]
                connection.sendall(
                    "\r\n".join([*lines, f"Content-Length: {len(sent)}", "", ""]).encode() + sent
                )
            assert read_answer(answers) == b""
            assert read_answer(answers) == body


def read_answer(answers) -> bytes:
    """The body of the next response of a connection; it must be a success of known length."""
    assert answers.readline().startswith(b"HTTP/1.1 200")
    length = 0
    while line := answers.readline().strip():
        name, _, value = line.partition(b":")
        if name.lower() == b"content-length":
            length = int(value)
    return answers.read(length)
