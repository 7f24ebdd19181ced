"""What the scrub found, until it is noted durably elsewhere.

Kept in memory alone: what the scrub writes down of its way is never beyond the first finding that nobody has
noted, so a worker that dies finds them again.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import islice

import attrs

from rustfs_proto.disk.scrub_place import ScrubPlace
from rustfs_proto.wire.heal_ops import FoundKey

_TOLD_AT_A_TIME = 64
"""Keys of up to 1 KiB each: one message of modest size."""


@attrs.define
class Findings:
    """Keys in the order in which they were found, each with a place from which it would be found again."""

    limit: int
    _found: dict[tuple[str, bytes], ScrubPlace] = attrs.field(factory=dict)

    def __len__(self) -> int:
        return len(self._found)

    @property
    def is_full(self) -> bool:
        """Whether the scrub has to wait until some are noted."""
        return len(self._found) >= self.limit

    def add(self, bucket: str, key: bytes, place: ScrubPlace) -> None:
        """Something of that key is damaged. It counts once, however much of it is."""
        self._found.setdefault((bucket, key), place)

    def told(self) -> tuple[FoundKey, ...]:
        """Those found first."""
        return tuple(FoundKey(*name) for name in islice(self._found, _TOLD_AT_A_TIME))

    def drop(self, noted: Iterable[FoundKey]) -> None:
        """These are noted."""
        for one in noted:
            self._found.pop((one.bucket, one.key), None)

    def safe_place(self, reached: ScrubPlace) -> ScrubPlace:
        """From where a scrub must go on that knows nothing of these findings."""
        return next(iter(self._found.values()), reached)
