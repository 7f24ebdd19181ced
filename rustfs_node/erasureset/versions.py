"""Versions resolved lately, so that the blocks of a download cost no lookups.

A version never changes, so an entry is never wrong; when the version is gone, its shard files are, and the
read says so.
"""

from __future__ import annotations

from collections import OrderedDict

import attrs

from rustfs_proto.objects import ObjectMeta


@attrs.frozen
class ReadableVersion:
    """What is needed to read a version's shard files."""

    bucket: str
    key: bytes
    stamp: int
    meta: ObjectMeta


class Versions:
    """Versions resolved lately, at most `limit`."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._versions: OrderedDict[tuple[str, bytes, int], ReadableVersion] = OrderedDict()

    def get(self, bucket: str, key: bytes, stamp: int) -> ReadableVersion | None:
        """That version, if it is remembered."""
        version = self._versions.get((bucket, key, stamp))
        if version is not None:
            self._versions.move_to_end((bucket, key, stamp))
        return version

    def put(self, version: ReadableVersion) -> None:
        """Remember it."""
        self._versions[version.bucket, version.key, version.stamp] = version
        if len(self._versions) > self._limit:
            self._versions.popitem(last=False)
