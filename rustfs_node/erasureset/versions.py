"""Versions resolved lately, so that the blocks of a download cost no lookups.

A version never changes, but one whose slot has moved away and come back has other shard files. An entry that
is wrong shows by that: none of the files that it names is there. Nor are they when the version is gone.
"""

from __future__ import annotations

from collections import OrderedDict

import attrs

from rustfs_proto.objects import ObjectMeta


@attrs.frozen
class ReadableVersion:
    """What is needed to read a version's shard files. `stamp` is that of the write that brought them, so that
    amendments of a version are the same to those who read it.
    """

    bucket: str
    key: bytes
    stamp: int
    meta: ObjectMeta

    @property
    def read_bytes(self) -> int:
        """What is read for a block of it, however few of its bytes are wanted: a whole stripe."""
        parts, stripe_bytes = self.meta.parts, self.meta.geometry.stripe_bytes
        return min(parts[0].size, stripe_bytes) if len(parts) == 1 else stripe_bytes


class Versions:
    """Versions resolved lately, at most `limit`, and of at most `parts_limit` parts in all, the latest aside:
    what is known of a version grows with its parts, of which there may be 10,000.
    """

    def __init__(self, limit: int, parts_limit: int) -> None:
        self._limit = limit
        self._parts_limit = parts_limit
        self._parts = 0
        self._versions: OrderedDict[tuple[str, bytes, int], ReadableVersion] = OrderedDict()

    def get(self, bucket: str, key: bytes, stamp: int) -> ReadableVersion | None:
        """That version, if it is remembered."""
        version = self._versions.get((bucket, key, stamp))
        if version is not None:
            self._versions.move_to_end((bucket, key, stamp))
        return version

    def forget(self, version: ReadableVersion) -> None:
        """It may be another one by now."""
        place = (version.bucket, version.key, version.stamp)
        if self._versions.get(place) is version:
            del self._versions[place]
            self._parts -= len(version.meta.parts)

    def put(self, version: ReadableVersion) -> None:
        """Remember it."""
        place = (version.bucket, version.key, version.stamp)
        known = self._versions.get(place)
        if known is not None and known.meta.parts == version.meta.parts:
            return
        if known is not None:
            self.forget(known)
        self._versions[place] = version
        self._parts += len(version.meta.parts)
        while len(self._versions) > self._limit or self._parts > self._parts_limit:
            if len(self._versions) == 1:
                return
            _, forgotten = self._versions.popitem(last=False)
            self._parts -= len(forgotten.meta.parts)
