"""How much an archive may hold that is to be extracted, and what has been seen of it.

A small archive can expand to anything. So everything that comes out of it is counted as it comes, and the
first that goes beyond a limit ends it.
"""

from __future__ import annotations

import attrs

from rustfs_proto.s3.errors import S3Error


@attrs.frozen
class ExtractLimits:
    """What an archive may hold: headers, bytes of one entry, bytes of the expanded archive, and expanded
    bytes for each that was sent, once more than `ratio_free_bytes` are expanded.
    """

    entries: int
    entry_bytes: int
    total_bytes: int
    ratio: int
    ratio_free_bytes: int


@attrs.define
class Tally:
    """What has been seen of an archive; whatever goes beyond a limit is an S3Error."""

    limits: ExtractLimits
    entries: int = 0
    received_bytes: int = 0
    expanded_bytes: int = 0

    def receive(self, size_bytes: int) -> None:
        """So many bytes have arrived."""
        self.received_bytes += size_bytes

    def expand(self, size_bytes: int) -> None:
        """So many bytes came out of what had arrived; raises EntityTooLarge."""
        self.expanded_bytes += size_bytes
        limits = self.limits
        if self.expanded_bytes > limits.total_bytes:
            raise _too_large(f"The archive holds more than {limits.total_bytes} bytes.", limits.total_bytes)
        allowed = max(self.received_bytes * limits.ratio, limits.ratio_free_bytes)
        if self.expanded_bytes > allowed:
            grown = f"{self.received_bytes} bytes expand to {self.expanded_bytes}"
            text = f"{grown}, at most {limits.ratio} for one are allowed."
            raise _too_large(text, allowed)

    def header(self) -> None:
        """One more header; raises EntityTooLarge."""
        self.entries += 1
        if self.entries > self.limits.entries:
            text = f"The archive has more than {self.limits.entries} entries."
            raise _too_large(text, self.limits.entries)

    def entry(self, name: str, size_bytes: int) -> None:
        """An entry of that size comes; raises EntityTooLarge."""
        if size_bytes > self.limits.entry_bytes:
            raise _too_large(f"{name} has {size_bytes} bytes.", self.limits.entry_bytes)


def _too_large(message: str, allowed: int) -> S3Error:
    return S3Error("EntityTooLarge", message, extra={"MaxSizeAllowed": str(allowed)})
