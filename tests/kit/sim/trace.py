"""Everything that happened, as one hash, and the last lines of it as text.

Two runs with the same hash did the same: it takes in every message with its bytes, every call of a file
system, every answer to a client and every fault, each with its virtual time.
"""

from __future__ import annotations

from collections import deque

import trio
import xxhash


class Trace:
    """Grows by `note`. `keep` is how many lines are kept as text; all of them with None."""

    def __init__(self, keep: int | None = 2000) -> None:
        self.lines: deque[str] = deque(maxlen=keep)
        self.events = 0
        self._hash = xxhash.xxh3_128()

    def note(self, *what: object) -> None:
        """Something happened now."""
        line = f"{trio.current_time():.6f} {' '.join(map(str, what))}"
        self.events += 1
        self._hash.update(line.encode())
        self.lines.append(line)

    @property
    def digest(self) -> str:
        """The hash of all lines so far."""
        return self._hash.hexdigest()
