"""Requests as bytes, signed beforehand, so that the client's own cost stays out of the timed stretch."""

from __future__ import annotations

import hashlib
import random
import time
from urllib.parse import quote

import attrs

from bench.work import PAGE_KEYS, Endpoint, Work
from rustfs_proto.s3.sigv4_signer import Credentials, sign_request

SIGNED_BODY_BYTES_MAX = 1 << 20
"""Larger bodies are sent as UNSIGNED-PAYLOAD: hashing them would measure the client."""

SHIFTS = 4096
"""How many bodies there are; object `i` has body `i % SHIFTS`."""


@attrs.frozen
class Prepared:
    """One request: what to send, and the number of the object or page that the answer must show (-1: not
    checked).
    """

    head: bytes
    body: memoryview
    expects: int = -1


class Bodies:
    """Deterministic object bodies: body `i` is the same random bytes, begun at another place."""

    def __init__(self, object_bytes: int, seed: int) -> None:
        self._pattern = memoryview(random.Random(seed).randbytes(object_bytes + SHIFTS))  # noqa: S311
        self._object_bytes = object_bytes

    def body(self, index: int) -> memoryview:
        """The bytes of object `index`, without a copy."""
        start = index % SHIFTS
        return self._pattern[start : start + self._object_bytes]


def list_bucket(endpoint: Endpoint, bucket_keys: int) -> str:
    """The name of the bucket of that many keys."""
    return f"{endpoint.bucket}-{bucket_keys}"


def list_key(index: int) -> str:
    """The name of one of them; names sort as their numbers do."""
    return f"{index:08d}"


class Requests:
    """Builds requests for one endpoint; `prefix` keeps the keys of load processes apart."""

    def __init__(self, endpoint: Endpoint, work: Work, prefix: str) -> None:
        self._endpoint = endpoint
        self._work = work
        self._credentials = Credentials(endpoint.access_key, endpoint.secret_key, endpoint.region)
        self._prefix = prefix
        self._empty = memoryview(b"")
        # Where pages begin; the same places for every endpoint, others in each process.
        self._places = random.Random(f"{work.seed} {prefix}")  # noqa: S311
        self.bodies = Bodies(work.object_bytes, work.seed)

    def build(self, operation: str, index: int) -> Prepared:
        """The request that does `operation` to object `index`."""
        if operation == "list":
            return self._list()
        target = f"/{self._endpoint.bucket}/{quote(self._prefix)}{index:08d}"
        if operation in {"put", "overwrite"}:
            body = self.bodies.body(index)
            return Prepared(self._head("PUT", target, body), body)
        method = {"get": "GET", "head": "HEAD", "delete": "DELETE"}[operation]
        head = self._head(method, target, self._empty)
        return Prepared(head, self._empty, index if operation == "get" else -1)

    def _list(self) -> Prepared:
        keys = self._work.bucket_keys
        if not keys:
            target = f"/{self._endpoint.bucket}?list-type=2&max-keys={PAGE_KEYS}"
            return Prepared(self._head("GET", target, self._empty), self._empty)
        place = self._places.randrange(max(1, keys - PAGE_KEYS))
        bucket = list_bucket(self._endpoint, keys)
        target = f"/{bucket}?list-type=2&max-keys={PAGE_KEYS}&start-after={list_key(place)}"
        return Prepared(self._head("GET", target, self._empty), self._empty, place)

    def is_right(self, operation: str, expects: int, body: bytearray) -> bool:
        """Whether that is the answer to a request that expects it."""
        if operation != "list":
            return body == self.bodies.body(expects)
        first, last = (list_key(expects + number).encode() for number in (1, PAGE_KEYS))
        keys = body.count(b"<Key>")
        return keys == PAGE_KEYS and body.find(b"<Key>%b<" % first) < body.find(b"<Key>%b<" % last)

    def of(self, method: str, target: str, body: memoryview) -> Prepared:
        """Any request."""
        return Prepared(self._head(method, target, body), body)

    def create_bucket(self, bucket: str) -> Prepared:
        """The request that makes a bucket."""
        return Prepared(self._head("PUT", f"/{bucket}", self._empty), self._empty)

    def put_empty(self, bucket: str, key: str) -> Prepared:
        """The request that stores no bytes under a key."""
        return Prepared(self._head("PUT", f"/{bucket}/{key}", self._empty), self._empty)

    def head_of(self, bucket: str, key: str) -> Prepared:
        """The request that asks whether a key is there."""
        return Prepared(self._head("HEAD", f"/{bucket}/{key}", self._empty), self._empty)

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
