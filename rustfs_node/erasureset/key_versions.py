"""The versions of one key, listed from drives in order of birth: what may be there, not what is."""

from __future__ import annotations

from collections import deque

import attrs

from rustfs_node.erasureset.scan import RowScan
from rustfs_node.erasureset.state import SetState
from rustfs_proto.erasure.listing import RowVerdict
from rustfs_proto.versions import NULL_VERSION
from rustfs_proto.wire.drive_ops import Space


@attrs.frozen
class ListedVersion:
    """`is_removed`: so say all drives that list it."""

    sub: bytes
    is_removed: bool


class KeyVersions:
    """The key's versions from the latest birth on, the null version aside."""

    def __init__(self, state: SetState, bucket: str, key: bytes, trace: str) -> None:
        rows = state.settings.key_scan_rows
        start = (key, NULL_VERSION + b"\0")
        self._scan = RowScan(state, Space.OBJECT, bucket, key, start, b"", rows, trace)
        self._key, self._page_rows = key, rows
        self._listed: deque[ListedVersion] = deque()

    async def next(self) -> ListedVersion | None:
        """The next one; None at the end. Raises `Fault` NO_QUORUM."""
        if not self._listed:
            for merged in await self._scan.next_rows(self._page_rows):
                if merged.row.key != self._key:
                    break
                gone = merged.verdict is RowVerdict.GONE
                self._listed.append(ListedVersion(merged.row.sub, gone))
        return self._listed.popleft() if self._listed else None
