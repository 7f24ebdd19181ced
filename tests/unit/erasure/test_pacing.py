"""Background work has a guaranteed share, and yields above it."""

from __future__ import annotations

import pytest

from rustfs_proto.erasure.pacing import Pacer


def test_nothing_is_held_against_what_meets_nobody() -> None:
    """However much it takes; and not later either, when clients come."""
    pacer = Pacer(1000, quiet_s=1.0)
    assert pacer.spend(1_000_000, 5.0) == 5.0
    pacer.called(5.0)
    assert pacer.spend(500, 5.0) == pytest.approx(5.5)


@pytest.mark.parametrize("piece_bytes", [10, 250, 3000])
def test_the_share_is_had_however_often_clients_call(piece_bytes: int) -> None:
    """Who rests for as long as it is told takes what is guaranteed: no less, and no more."""
    pacer, now_s, taken = Pacer(1000, quiet_s=1.0), 0.0, 0
    while now_s < 60.0:
        pacer.called(now_s)
        taken += piece_bytes
        now_s = max(now_s, pacer.spend(piece_bytes, now_s))
    assert taken == pytest.approx(60_000, rel=0.06)


def test_it_is_quiet_when_nobody_has_called_for_a_moment() -> None:
    """Not before the first call either."""
    pacer = Pacer(1000, quiet_s=1.0)
    assert pacer.is_quiet(0.0)
    pacer.called(10.0)
    assert not pacer.is_quiet(10.9)
    assert pacer.is_quiet(11.0)


def test_what_was_not_taken_is_not_saved_up() -> None:
    """After an hour without work the share is what it was."""
    pacer = Pacer(1000, quiet_s=1.0)
    pacer.called(0.0)
    pacer.spend(1000, 0.0)
    pacer.called(3600.0)
    assert pacer.spend(1000, 3600.0) > 3600.8
