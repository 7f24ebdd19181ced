"""How long writes wait for a drive that is behind."""

from __future__ import annotations

import attrs

from rustfs_node.erasureset.patience import Patience


@attrs.define
class HandClock:
    """Stands still."""

    now_s: float = 100.0

    def monotonic_s(self) -> float:
        return self.now_s

    def wall_ms(self) -> int:
        return 0


def test_what_was_waited_is_missing_until_it_is_earned():
    """A wait takes from the drive's credit, which comes back by its share of each second, and not beyond."""
    clock = HandClock()
    patience = Patience(3, 0.2, 0.01, clock)
    assert patience.left_s([0, 1]) == 0.2
    patience.spend([0], 0.15)
    assert abs(patience.left_s([0]) - 0.05) < 1e-9
    patience.spend([0], 5.0)
    assert patience.left_s([0]) == 0.0
    clock.now_s += 10
    assert abs(patience.left_s([0]) - 0.1) < 1e-9
    clock.now_s += 1000
    assert patience.left_s([0]) == 0.2


def test_each_drive_has_its_own():
    """A wait for two drives is as long as the more patient of them allows."""
    patience = Patience(2, 0.2, 0.01, HandClock())
    patience.spend([0], 0.2)
    assert patience.left_s([0, 1]) == 0.2
    assert patience.left_s([0]) == patience.left_s([]) == 0.0
