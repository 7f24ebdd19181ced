"""A walk with several rows under way is taken up again where nothing is missed."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from rustfs_proto.erasure.rebuilding import Progress
from rustfs_proto.wire.drive_ops import RowName, Space

ROWS = [RowName(Space.OBJECT, "b", b"%02d" % number) for number in range(20)]
FIRST = RowName()


def test_it_goes_on_behind_what_is_done() -> None:
    """Whatever else is done behind a row that is under way."""
    progress = Progress(FIRST)
    progress.passed(ROWS[0])
    progress.met(ROWS[1])
    progress.met(ROWS[2])
    assert progress.place == ROWS[0]
    progress.ended(ROWS[2], is_done=True)
    assert progress.place == ROWS[0]
    progress.ended(ROWS[1], is_done=True)
    assert progress.place == ROWS[2]


def test_what_was_not_done_is_met_again() -> None:
    """The first of it in order, whichever ended first."""
    progress = Progress(ROWS[0])
    for row in ROWS[1:5]:
        progress.met(row)
    progress.ended(ROWS[3], is_done=False)
    progress.ended(ROWS[2], is_done=False)
    progress.ended(ROWS[4], is_done=True)
    progress.ended(ROWS[1], is_done=True)
    progress.passed(ROWS[5])
    assert progress.place == ROWS[1]


@given(st.lists(st.sampled_from(["passed", "done", "left", "open"]), max_size=len(ROWS)), st.randoms())
def test_nothing_that_is_not_done_lies_before_the_place(fates: list[str], random: object) -> None:
    """And everything before the first of it does."""
    progress = Progress(FIRST)
    rows = ROWS[: len(fates)]
    for row, fate in zip(rows, fates, strict=True):
        (progress.passed if fate == "passed" else progress.met)(row)
    ends = [(row, fate) for row, fate in zip(rows, fates, strict=True) if fate in {"done", "left"}]
    random.shuffle(ends)  # type: ignore[attr-defined]
    for row, fate in ends:
        progress.ended(row, is_done=fate == "done")
    undone = [number for number, fate in enumerate(fates) if fate in {"left", "open"}]
    behind = undone[0] if undone else len(rows)
    assert progress.place == (rows[behind - 1] if behind else FIRST)
