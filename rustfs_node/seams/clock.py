"""Time. Wall time orders versions and is shown to people; monotonic time measures and limits."""

from __future__ import annotations

import time
from typing import Protocol


class Clock(Protocol):
    """What a process knows of time. Sleeping is trio's, whose clock a simulation replaces as well."""

    def wall_ms(self) -> int:
        """Milliseconds since 1970-01-01T00:00Z; may step in both directions."""
        ...

    def monotonic_s(self) -> float:
        """Seconds since some fixed moment; never steps back."""
        ...


class SystemClock:
    """The machine's clocks."""

    def wall_ms(self) -> int:
        return time.time_ns() // 1_000_000

    def monotonic_s(self) -> float:
        return time.monotonic()
