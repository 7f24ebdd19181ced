"""What an acceptor counts of the requests that it answers.

Buckets are counted one by one up to `acceptor.metrics_buckets_max`: those that come first. A name enters only
with a request that succeeded, so that nobody fills the table with names that he makes up.
"""

from __future__ import annotations

from collections.abc import Iterator

import attrs

from rustfs_node.metering import Distribution
from rustfs_proto.metrics.rejections import reason_of
from rustfs_proto.wire.metrics_ops import Measure, Spread

FIRST_BYTE_BOUNDS_S = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
"""Seconds: those that MinIO's dashboards show, and below them what a small object takes."""

UNNAMED = "Unknown"
"""The operation of a request that was refused before it had one."""

CLIENT_GONE = 499
"""What access logs call a request whose client did not wait, after nginx."""


@attrs.define(eq=False)
class BucketCounts:
    """The requests to one bucket, by operation and status."""

    requests: dict[tuple[str, int], int] = attrs.field(factory=dict)
    received_bytes: int = 0
    sent_bytes: int = 0


@attrs.define(eq=False)
class AcceptorCounts:
    """Running counts since the process began."""

    buckets_max: int
    requests: dict[tuple[str, int], int] = attrs.field(factory=dict)
    first_byte: dict[str, Distribution] = attrs.field(factory=dict)
    rejected: dict[str, int] = attrs.field(factory=dict)
    buckets: dict[str, BucketCounts] = attrs.field(factory=dict)
    received_bytes: int = 0
    sent_bytes: int = 0
    answers_cut: int = 0

    def gone(self, operation: str) -> None:
        """The client did not wait for the answer."""
        self._add(self.requests, operation, CLIENT_GONE)

    def refused(self, code: str) -> None:
        """An answer was this S3 error, which may mean that the request was turned away for what it is."""
        reason = reason_of(code)
        if reason:
            self.rejected[reason] = self.rejected.get(reason, 0) + 1

    def answered(
        self,
        operation: str,
        bucket: str,
        status: int,
        received_bytes: int,
        sent_bytes: int,
        first_byte_s: float,
    ) -> None:
        """A request was answered, and this much was its body and that of the answer."""
        self._add(self.requests, operation, status)
        self.received_bytes += received_bytes
        self.sent_bytes += sent_bytes
        first_byte = self.first_byte.get(operation)
        if first_byte is None:
            first_byte = self.first_byte[operation] = Distribution(FIRST_BYTE_BOUNDS_S)
        first_byte.add(first_byte_s)
        counted = self.buckets.get(bucket) or self._new_bucket(bucket, status)
        if counted is not None:
            self._add(counted.requests, operation, status)
            counted.received_bytes += received_bytes
            counted.sent_bytes += sent_bytes

    def _new_bucket(self, bucket: str, status: int) -> BucketCounts | None:
        if not bucket or status >= 400 or len(self.buckets) >= self.buckets_max:
            return None
        return self.buckets.setdefault(bucket, BucketCounts())

    @staticmethod
    def _add(requests: dict[tuple[str, int], int], operation: str, status: int) -> None:
        requests[operation, status] = requests.get((operation, status), 0) + 1

    def measures(self) -> Iterator[Measure | Spread]:
        """All of it."""
        yield from _by_operation("rustfs_http_requests_total", self.requests, {})
        yield Measure("rustfs_http_received_bytes_total", self.received_bytes)
        yield Measure("rustfs_http_sent_bytes_total", self.sent_bytes)
        yield Measure("rustfs_http_answers_cut_total", self.answers_cut)
        for reason, count in self.rejected.items():
            yield Measure("rustfs_http_rejected_total", count, {"reason": reason})
        for operation, first_byte in self.first_byte.items():
            yield first_byte.spread("rustfs_http_first_byte_seconds", {"operation": operation})
        for bucket, counted in self.buckets.items():
            of_bucket = {"bucket": bucket}
            yield from _by_operation("rustfs_bucket_requests_total", counted.requests, of_bucket)
            yield Measure("rustfs_bucket_received_bytes_total", counted.received_bytes, of_bucket)
            yield Measure("rustfs_bucket_sent_bytes_total", counted.sent_bytes, of_bucket)


def _by_operation(
    name: str, requests: dict[tuple[str, int], int], labels: dict[str, str]
) -> Iterator[Measure]:
    for (operation, status), count in requests.items():
        yield Measure(name, count, labels | {"operation": operation, "status": str(status)})
