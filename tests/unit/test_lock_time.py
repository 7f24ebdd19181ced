"""The time that decides about retentions, against wall clocks that are wrong."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from rustfs_proto.lock_time import DAY_S, LockTime, period_begin_ms

NOW_MS = 1_800_000_000_000
YEARS_10_MS = 3652 * 86_400_000
CATCH_UP = 1800.0
"""Seconds for each day."""

moments = st.lists(
    st.tuples(st.floats(-10, 100_000), st.integers(-YEARS_10_MS, YEARS_10_MS)), min_size=1, max_size=30
)


@given(moments, st.floats(0, DAY_S))
def test_it_never_goes_back_and_gains_little(steps: list[tuple[float, int]], catch_up: float) -> None:
    """Whatever the wall shows, it never goes back, never falls behind what passes, gains on that by no more
    than its share, and gains nothing beyond what the wall shows.
    """
    time = LockTime.begun(NOW_MS, 50.0, catch_up)
    monotonic_s, latest_s, before_ms = 50.0, 50.0, NOW_MS
    for step_s, off_ms in steps:
        monotonic_s += step_s
        passed_ms = max(0.0, monotonic_s - latest_s) * 1000
        latest_s = max(latest_s, monotonic_s)
        wall_ms = NOW_MS + off_ms
        now_ms = time.look(monotonic_s, wall_ms)
        assert before_ms <= now_ms
        assert before_ms + passed_ms - 1 <= now_ms
        assert now_ms <= before_ms + passed_ms * (1 + catch_up / DAY_S) + 1
        assert now_ms <= max(before_ms + passed_ms + 1, wall_ms)
        before_ms = now_ms


def test_a_jump_of_the_wall_changes_nothing_at_once() -> None:
    """Ten years forward or back: the next moment is the next moment."""
    for jump_ms in (YEARS_10_MS, -YEARS_10_MS):
        time = LockTime.begun(NOW_MS, 0.0, CATCH_UP)
        assert time.look(0.0, NOW_MS + jump_ms) == NOW_MS
        assert NOW_MS + 1000 <= time.look(1.0, NOW_MS + jump_ms) <= NOW_MS + 1021


def test_without_catching_up_only_what_passes_counts() -> None:
    """A share of 0 makes it independent of the wall altogether."""
    time = LockTime.begun(NOW_MS, 0.0, 0.0)
    assert time.look(3600.0, NOW_MS + YEARS_10_MS) == NOW_MS + 3_600_000


def test_a_night_without_power_is_made_good_in_days() -> None:
    """Behind by 8 hours it is right again after 16 days, at half an hour for each, and then keeps step."""
    off_ms = 8 * 3_600_000
    time = LockTime.begun(NOW_MS - off_ms, 0.0, CATCH_UP)
    days = 0
    while time.look(days * DAY_S, NOW_MS + days * 86_400_000) < NOW_MS + days * 86_400_000 - 1:
        days += 1
    assert days == 16
    assert abs(time.look(17 * DAY_S, NOW_MS + 17 * 86_400_000) - NOW_MS - 17 * 86_400_000) <= 1


def test_many_looks_are_as_good_as_few() -> None:
    """How often somebody looks makes no difference of more than a millisecond."""
    often, once = (LockTime.begun(NOW_MS, 0.0, CATCH_UP) for _ in range(2))
    for step in range(100_000):
        often.look(step / 1000, NOW_MS + YEARS_10_MS)
    ends = [time.look(100.0, NOW_MS + YEARS_10_MS) for time in (often, once)]
    assert abs(ends[0] - ends[1]) <= 1


def test_another_clock_only_raises_it() -> None:
    """What another clock of the set has come to counts where it is more."""
    time = LockTime.begun(NOW_MS, 0.0, CATCH_UP)
    time.raise_to(NOW_MS - 5)
    assert time.look(0.0, NOW_MS) == NOW_MS
    time.raise_to(NOW_MS + 5)
    assert time.look(0.0, NOW_MS) == NOW_MS + 5


def test_periods_count_from_the_later_clock() -> None:
    """Neither a wall set back nor a clock that is behind shortens them."""
    assert period_begin_ms(5, 9) == period_begin_ms(9, 5) == 9
