"""What a set worker knows of what is stored in its set."""

from __future__ import annotations

from collections.abc import Iterator

import attrs
from msgspec.structs import replace

from rustfs_proto.usage import SIZE_NAMES
from rustfs_proto.wire.metrics_ops import Measure
from rustfs_proto.wire.usage_ops import Counted, SetUsageTold, Usage, UsageCounted


@attrs.define(eq=False)
class KnownUsage:
    """The last count that a drive told of, and when it was finished, by this process's clock."""

    usage: Usage | None = None
    ended_s: float = 0.0

    def take(self, told: UsageCounted, now_s: float) -> None:
        """A drive was asked. One that has not counted yet does not make less known."""
        if told.usage is not None:
            self.usage, self.ended_s = told.usage, now_s - told.age_s

    def told(self, bucket: str, now_s: float) -> SetUsageTold:
        """The answer to a `SetUsage`."""
        if self.usage is None:
            return SetUsageTold()
        prefixes = tuple(one for one in self.usage.prefixes if bucket and one.bucket == bucket)
        return SetUsageTold(replace(self.usage, prefixes=prefixes), now_s - self.ended_s)

    def measures(self, set_index: int, now_s: float, buckets_max: int) -> Iterator[Measure]:
        """As metrics, with the first so many buckets."""
        if self.usage is None:
            return
        of_set = {"set": str(set_index)}
        yield Measure("rustfs_set_usage_age_seconds", now_s - self.ended_s, of_set)
        yield Measure("rustfs_set_usage_count_seconds", self.usage.took_s, of_set)
        yield from _counted("rustfs_set_usage", self.usage.total, of_set)
        for one in self.usage.buckets[:buckets_max]:
            yield from _counted("rustfs_bucket_usage", one.counted, of_set | {"bucket": one.name})


def _counted(prefix: str, counted: Counted, labels: dict[str, str]) -> Iterator[Measure]:
    yield Measure(f"{prefix}_bytes", counted.size_bytes, labels)
    yield Measure(f"{prefix}_objects", counted.objects, labels)
    yield Measure(f"{prefix}_versions", counted.versions, labels)
    yield Measure(f"{prefix}_delete_markers", counted.delete_markers, labels)
    for name, count in zip(SIZE_NAMES, counted.sizes, strict=False):
        yield Measure(f"{prefix}_objects_by_size", count, labels | {"range": name})
