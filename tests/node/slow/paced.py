"""Clients that send at a given rate: what waits behind a slow answer is seen as slow too."""

from __future__ import annotations

import hashlib
import http.client
import itertools
import random
import threading
import time
from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlsplit

import attrs

from rustfs_proto.s3.sigv4_signer import Credentials, sign_request
from tests.kit.node import ACCESS_KEY, SECRET_KEY

BUCKET = "paced"
SMALL_BYTES = 4096
_THREADS = 48
_ATTEMPT_S = 30.0


@attrs.frozen
class Seen:
    """Milliseconds of each request by kind, ascending, and what was answered other than 200."""

    times_ms: dict[str, list[float]]
    failures: list[str]

    def percentile_ms(self, kind: str, share: float) -> float:
        """The time that this share of the requests kept below."""
        times = self.times_ms[kind]
        return times[min(len(times) - 1, int(len(times) * share))]


@attrs.define
class Paced:
    """PUTs and GETs in turns, of each size, at `each_second` requests a second."""

    url: str
    each_second: float
    large_bytes: int
    _numbers: itertools.count[int] = attrs.field(factory=itertools.count)
    _kept: dict[int, list[str]] = attrs.field(factory=lambda: defaultdict(list))
    _pace: threading.Event = attrs.field(factory=threading.Event)
    _here: threading.local = attrs.field(factory=threading.local)

    @property
    def sizes(self) -> tuple[int, int]:
        """Those of the objects."""
        return SMALL_BYTES, self.large_bytes

    def begin(self) -> None:
        """The bucket, and objects to read."""
        self.ask("PUT", f"/{BUCKET}")
        for size in self.sizes:
            for _ in range(50):
                self._put(size)

    def run(self, seconds: float) -> Seen:
        """So many seconds of requests."""
        times: dict[str, list[float]] = defaultdict(list)
        failures: list[str] = []

        def one(due_s: float, kind: str, size: int) -> None:
            status = self._put(size) if kind == "PUT" else self._get(size)
            times[f"{kind} {size >> 10} KiB"].append((time.monotonic() - due_s) * 1000)
            if status != 200:
                failures.append(f"{kind} {size}: {status}")

        began_s = time.monotonic()
        kinds = itertools.cycle(itertools.product(("PUT", "GET"), self.sizes))
        with ThreadPoolExecutor(_THREADS) as pool:
            for number in range(int(seconds * self.each_second)):
                due_s = began_s + number / self.each_second
                self._pace.wait(max(0.0, due_s - time.monotonic()))
                pool.submit(one, due_s, *next(kinds))
        return Seen({kind: sorted(those) for kind, those in times.items()}, failures)

    def _put(self, size: int) -> int:
        key = f"{size}-{next(self._numbers)}"
        status = self.ask("PUT", f"/{BUCKET}/{key}", random.Random(key).randbytes(size))
        if status == 200:
            self._kept[size].append(key)
        return status

    def _get(self, size: int) -> int:
        return self.ask("GET", f"/{BUCKET}/{random.choice(self._kept[size])}")

    def ask(self, method: str, target: str, body: bytes = b"") -> int:
        """The status; 0 where there was no answer."""
        connection = getattr(self._here, "connection", None)
        if connection is None:
            connection = http.client.HTTPConnection(urlsplit(self.url).netloc, timeout=_ATTEMPT_S)
            self._here.connection = connection
        headers = {"host": urlsplit(self.url).netloc, "content-length": str(len(body))}
        signed = sign_request(
            Credentials(ACCESS_KEY, SECRET_KEY, "us-east-1"),
            method,
            target,
            headers,
            now_s=time.time(),
            payload_hash=hashlib.sha256(body).hexdigest(),
        )
        try:
            connection.request(method, target, body, dict(signed.headers))
            answer = connection.getresponse()
            answer.read()
        except (OSError, http.client.HTTPException):
            connection.close()
            return 0
        return answer.status
