"""Which of several that could move slots does."""

from __future__ import annotations

import attrs
import pytest

from rustfs_proto.erasure.layout import SLOTS
from rustfs_proto.erasure.rebalancing import Change, ChangeState, change_fields, change_of
from rustfs_proto.erasure.tenure import Tenure, is_overtaken

OPEN = Change("c", ChangeState.MOVING, (0,) * SLOTS)
THEIRS = attrs.evolve(OPEN, mover="aa")
MINE = attrs.evolve(OPEN, mover="bb")


def test_whoever_comes_first_begins() -> None:
    """A change that nobody has begun with waits for nobody, one that is closed is nobody's."""
    tenure = Tenure(5.0)
    assert tenure.may_begin(1, OPEN, "", 0.0)
    assert not tenure.may_begin(0, None, "", 0.0)
    done = attrs.evolve(OPEN, state=ChangeState.DONE)
    assert not tenure.may_begin(2, done, "", 100.0) and not tenure.may_begin(2, done, "", 200.0)


def test_a_silent_mover_is_followed() -> None:
    """As long as it writes now and then it is left alone, however long the change takes; one that has been
    silent for `patience_s` is not.
    """
    tenure = Tenure(5.0)
    for second in range(20):
        assert not tenure.may_begin(100 + second, THEIRS, "bb", float(second))
    assert not tenure.may_begin(119, THEIRS, "bb", 23.9)
    assert tenure.may_begin(119, THEIRS, "bb", 24.0)


def test_a_mover_goes_on_with_its_own() -> None:
    """One that was interrupted begins again at once, as does the only one that could."""
    assert Tenure(5.0).may_begin(1, MINE, "bb", 0.0)
    assert Tenure(0.0).may_begin(1, THEIRS, "bb", 0.0)


@pytest.mark.parametrize(
    ("found", "overtaken"),
    [
        (attrs.evolve(MINE, objects=7), False),
        (THEIRS, True),
        (attrs.evolve(MINE, state=ChangeState.CANCELLING), True),
        (attrs.evolve(MINE, change_id="d"), True),
        (None, True),
    ],
)
def test_a_mover_whose_time_is_over(found: Change | None, overtaken: bool) -> None:
    """It is where another one moves, or something else was ordered; not where its own write came to be
    without its knowing.
    """
    assert is_overtaken(MINE, found) is overtaken


def test_the_name_is_kept() -> None:
    """Beside the change, where an older release left none as well."""
    fields = change_fields(THEIRS)
    assert change_of(fields) == THEIRS
    del fields["mover"]
    assert change_of(fields).mover == ""
