"""Stamps: strictly rising per writer, unique between writers, close to the wall clock."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rustfs_proto.stamp import LIFE_MAX, NO_STAMP, WRITER_MAX, StampIssuer, first_stamp, wall_ms_of, writer_of

WALL_MS = st.integers(0, (1 << 42) - 1)
WRITER = st.integers(0, WRITER_MAX)
LIFE = st.integers(0, LIFE_MAX)


@given(WALL_MS, WRITER)
def test_a_stamp_gives_back_its_parts(wall_ms: int, writer: int) -> None:
    """Wall clock and writer can be read from every stamp."""
    stamp = first_stamp(wall_ms, writer)
    assert wall_ms_of(stamp) == wall_ms
    assert writer_of(stamp) == writer


@given(WRITER, st.lists(st.tuples(WALL_MS, st.one_of(st.just(NO_STAMP), WALL_MS.map(lambda ms: ms << 20)))))
def test_stamps_rise_whatever_the_clock_does(writer: int, moments: list[tuple[int, int]]) -> None:
    """Every stamp is above all issued before and above what any drive reported, and bears its writer."""
    issuer = StampIssuer(writer)
    last = NO_STAMP
    for wall_ms, above in moments:
        stamp = issuer.issue(wall_ms, above)
        assert stamp > max(last, above)
        assert stamp < 1 << 63
        assert writer_of(stamp) == writer
        last = stamp


@given(WALL_MS, WRITER, WRITER)
def test_two_writers_never_issue_the_same_stamp(wall_ms: int, one: int, other: int) -> None:
    """The writer's number tells apart what two nodes issue in the same millisecond above the same version."""
    first, second = StampIssuer(one).issue(wall_ms), StampIssuer(other).issue(wall_ms)
    assert (first == second) == (one == other)


def test_a_clock_that_moves_on_is_followed() -> None:
    """With a clock ahead of every version seen, the stamp tells that very millisecond."""
    issuer = StampIssuer(3)
    issuer.issue(1_000)
    assert wall_ms_of(issuer.issue(2_000)) == 2_000


def test_a_full_counter_spills_into_the_next_millisecond() -> None:
    """More than 64 stamps in one millisecond go on in the next one."""
    issuer = StampIssuer(1)
    stamps = [issuer.issue(5) for _ in range(65)]
    assert stamps == sorted(set(stamps))
    assert wall_ms_of(stamps[63]) == 5
    assert wall_ms_of(stamps[64]) == 6


@given(WALL_MS, WRITER, LIFE, LIFE)
def test_two_lives_of_a_writer_never_issue_the_same_stamp(
    above: int, writer: int, one: int, other: int
) -> None:
    """What a worker sent before it was killed may arrive after its successor has sent another version."""
    first, second = (StampIssuer(writer, life).issue(0, above << 20) for life in (one, other))
    assert (first == second) == (one == other)


@pytest.mark.parametrize(("wall_ms", "writer"), [(-1, 0), (1 << 43, 0), (0, -1), (0, 256)])
def test_parts_out_of_range_are_a_programmers_error(wall_ms: int, writer: int) -> None:
    """A part that does not fit its bits is refused instead of spilling into its neighbour."""
    with pytest.raises(AssertionError):
        first_stamp(wall_ms, writer)
