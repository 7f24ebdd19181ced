"""Requests as bytes, signed beforehand, so that the client's own cost stays out of the timed stretch."""

from __future__ import annotations

import hashlib
import random
import time
from urllib.parse import quote

import attrs

from bench.work import Endpoint, Work
from rustfs_proto.s3.sigv4_signer import Credentials, sign_request

SIGNED_BODY_BYTES_MAX = 1 << 20
"""Larger bodies are sent as UNSIGNED-PAYLOAD: hashing them would measure the client."""

_SHIFTS = 4096


@attrs.frozen
class Prepared:
    """One request: what to send, and which object the answer's body must equal (-1: not checked)."""

    head: bytes
    body: memoryview
    expects: int


class Bodies:
    """Deterministic object bodies: body `i` is the same random bytes, begun at another place."""

    def __init__(self, object_bytes: int, seed: int) -> None:
        self._pattern = memoryview(random.Random(seed).randbytes(object_bytes + _SHIFTS))  # noqa: S311
        self._object_bytes = object_bytes

    def body(self, index: int) -> memoryview:
        """The bytes of object `index`, without a copy."""
        start = index % _SHIFTS
        return self._pattern[start : start + self._object_bytes]


class Requests:
    """Builds requests for one endpoint; `prefix` keeps the keys of load processes apart."""

    def __init__(self, endpoint: Endpoint, work: Work, prefix: str) -> None:
        self._endpoint = endpoint
        self._credentials = Credentials(endpoint.access_key, endpoint.secret_key, endpoint.region)
        self._prefix = prefix
        self.bodies = Bodies(work.object_bytes, work.seed)
        self._empty = memoryview(b"")

    def build(self, operation: str, index: int) -> Prepared:
        """The request that does `operation` to object `index`."""
        target = f"/{self._endpoint.bucket}/{quote(self._prefix)}{index:08d}"
        if operation == "put":
            return Prepared(self._head("PUT", target, self.bodies.body(index)), self.bodies.body(index), -1)
        if operation == "list":
            target = f"/{self._endpoint.bucket}?list-type=2&max-keys=1000"
        method = {"list": "GET", "get": "GET", "head": "HEAD", "delete": "DELETE"}[operation]
        return Prepared(
            self._head(method, target, self._empty), self._empty, index if operation == "get" else -1
        )

    def create_bucket(self) -> Prepared:
        """The request that makes the bucket."""
        return Prepared(self._head("PUT", f"/{self._endpoint.bucket}", self._empty), self._empty, -1)

    def _head(self, method: str, target: str, body: memoryview) -> bytes:
        headers = {"host": f"{self._endpoint.host}:{self._endpoint.port}"}
        if method == "PUT":
            headers["content-length"] = str(len(body))
        small = len(body) <= SIGNED_BODY_BYTES_MAX
        payload_hash = hashlib.sha256(body).hexdigest() if small else "UNSIGNED-PAYLOAD"
        signed = sign_request(
            self._credentials, method, target, headers, now_s=time.time(), payload_hash=payload_hash
        )
        lines = "".join(f"{name}: {value}\r\n" for name, value in signed.headers.items())
        return f"{method} {target} HTTP/1.1\r\n{lines}\r\n".encode()
