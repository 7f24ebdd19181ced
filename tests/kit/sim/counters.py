"""A key that several clients count up, each by reading it and writing one more if nobody did meanwhile.

Whoever was told that it has written a number is the only one that was; and nobody reads less than what was
told to be written before.
"""

from __future__ import annotations

import attrs

from tests.kit.sim.client import S3Client


@attrs.define
class Counter:
    """`written` are the numbers of which somebody was told that they are his."""

    path: str
    written: set[int] = attrs.field(factory=set)
    failures: list[str] = attrs.field(factory=list)
    _asked: int = 0

    async def count_up(self, client: S3Client) -> None:
        """Once, if it can be; raises Lost."""
        self._asked += 1
        # No two attempts write the same bytes, and so no two have the same ETag.
        mark, least = self._asked, max(self.written, default=0)
        read = await client.request("GET", self.path)
        if read.status not in (200, 404):
            return
        number = int(read.body.split()[0]) if read.status == 200 else 0
        if number < least:
            self.failures.append(f"{self.path} was read as {number} after {least} had been written")
        headers = {"if-match": read.headers["etag"]} if read.status == 200 else {"if-none-match": "*"}
        done = await client.request("PUT", self.path, headers=headers, body=b"%d %d" % (number + 1, mark))
        if done.status == 200:
            if number + 1 in self.written:
                self.failures.append(f"{number + 1} was written to {self.path} twice")
            self.written.add(number + 1)
        elif done.status not in (404, 409, 412, 503):
            self.failures.append(f"{self.path} was answered {done.status}")
