"""Clients that go on while nodes come and go, and count what failed after the attempts that SDKs make."""

from __future__ import annotations

import os
import random
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Self

import attrs
from botocore.exceptions import BotoCoreError, ClientError

from tests.kit.node import ACCESS_KEY, SECRET_KEY
from tests.kit.s3 import boto3_client

RETRIES = {"mode": "standard", "total_max_attempts": 5}
"""Those of the SDKs, two attempts more: what fails here had failed for some seconds."""
BUCKET = "load"


@attrs.define
class Tally:
    """What one client saw. `failures` has the operation and the error; `kept` what must be readable."""

    requests: int = 0
    retried: int = 0
    failures: list[str] = attrs.field(factory=list)
    kept: dict[str, bytes] = attrs.field(factory=dict)


class Load:
    """`clients` clients at that URL, from `with` on until its end; then `tallies` says how they fared."""

    def __init__(self, url: str, clients: int) -> None:
        self.url = url
        self.tallies = [Tally() for _ in range(clients)]
        self._over = threading.Event()
        self._threads = ThreadPoolExecutor(clients)
        self._running: Sequence[Any] = ()

    def __enter__(self) -> Self:
        _client(self.url).create_bucket(Bucket=BUCKET)
        self._running = [
            self._threads.submit(self._work, number, tally) for number, tally in enumerate(self.tallies)
        ]
        return self

    def __exit__(self, *_error: object) -> None:
        self._over.set()
        self._threads.shutdown()
        for one in self._running:
            one.result()

    @property
    def failures(self) -> list[str]:
        return [failure for tally in self.tallies for failure in tally.failures]

    def _work(self, number: int, tally: Tally) -> None:
        s3, chance = _client(self.url), random.Random(number)
        steps = [_put, _put, _get, _get, _get, _delete, _list, _put_once, _upload]
        while not self._over.is_set():
            step = chance.choice(steps)
            try:
                step(s3, f"c{number}/{tally.requests}", tally, chance)
            except (ClientError, BotoCoreError) as error:
                tally.failures.append(f"{step.__name__}: {error}")


def _client(url: str) -> Any:
    return boto3_client(url, ACCESS_KEY, SECRET_KEY, retries=RETRIES)


def _ask(tally: Tally, operation: Callable[..., Any], **arguments: object) -> Any:
    tally.requests += 1
    answer = operation(Bucket=BUCKET, **arguments)
    tally.retried += answer["ResponseMetadata"]["RetryAttempts"] > 0
    return answer


def _put(s3: Any, key: str, tally: Tally, chance: random.Random) -> None:
    body = os.urandom(chance.choice((0, 500, 20_000, 400_000, 3_000_000)))
    _ask(tally, s3.put_object, Key=key, Body=body)
    tally.kept[key] = body


def _put_once(s3: Any, key: str, tally: Tally, _chance: random.Random) -> None:
    _ask(tally, s3.put_object, Key=key, Body=b"once", IfNoneMatch="*")
    tally.kept[key] = b"once"


def _get(s3: Any, _key: str, tally: Tally, chance: random.Random) -> None:
    if tally.kept:
        key = chance.choice([*tally.kept])
        if _ask(tally, s3.get_object, Key=key)["Body"].read() != tally.kept[key]:
            tally.failures.append(f"{key} has other bytes")


def _delete(s3: Any, _key: str, tally: Tally, chance: random.Random) -> None:
    if tally.kept:
        key = chance.choice([*tally.kept])
        del tally.kept[key]
        _ask(tally, s3.delete_object, Key=key)


def _list(s3: Any, key: str, tally: Tally, _chance: random.Random) -> None:
    prefix = key.partition("/")[0] + "/"
    listed = _ask(tally, s3.list_objects_v2, Prefix=prefix)
    found = {one["Key"] for one in listed.get("Contents", ())}
    if not listed["IsTruncated"] and found != tally.kept.keys():
        tally.failures.append(f"listed {found ^ tally.kept.keys()} too much or too little")


def _upload(s3: Any, key: str, tally: Tally, _chance: random.Random) -> None:
    upload = _ask(tally, s3.create_multipart_upload, Key=key)["UploadId"]
    bodies = [os.urandom(5 << 20), b"end"]
    parts = [
        {"PartNumber": number, "ETag": _ask(tally, s3.upload_part, Key=key, UploadId=upload,
                                            PartNumber=number, Body=body)["ETag"]}
        for number, body in enumerate(bodies, 1)
    ]  # fmt: skip
    _ask(tally, s3.complete_multipart_upload, Key=key, UploadId=upload, MultipartUpload={"Parts": parts})
    tally.kept[key] = b"".join(bodies)
