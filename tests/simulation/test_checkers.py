"""The checkers judge small histories as a person would, and agree with a search of every order."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from random import Random

import pytest

from tests.kit.sim.history import ABSENT, History, Kind, Op, Outcome, Page
from tests.kit.sim.linear import is_linearizable
from tests.kit.sim.listings import wrong_listings


def op(kind: Kind, value: str, called_s: float, ended_s: float = math.inf, expected: str = ABSENT) -> Op:
    """Of unknown outcome where it has no end."""
    outcome = Outcome.UNKNOWN if ended_s == math.inf else Outcome.OK
    return Op("client", kind, "key", value, called_s, expected, ended_s, outcome)


W, R = Kind.WRITE, Kind.READ

LINEAR = {
    "a_read_sees_the_write_before_it": [op(W, "a", 0, 1), op(R, "a", 2, 3)],
    "a_read_may_see_what_is_under_way": [op(W, "a", 0, 9), op(R, "a", 2, 3)],
    "or_not_yet": [op(W, "a", 0, 9), op(R, ABSENT, 2, 3)],
    "writes_that_overlap_take_any_order": [op(W, "a", 0, 5), op(W, "b", 1, 4), op(R, "a", 6, 7)],
    "an_unknown_write_may_happen_late": [op(W, "a", 0), op(R, ABSENT, 5, 6), op(R, "a", 7, 8)],
    "or_never": [op(W, "a", 0), op(W, "b", 1, 2), op(R, "b", 5, 6)],
    "an_unknown_delete_may_happen_between": [
        op(W, "a", 0, 1), op(W, ABSENT, 2), op(R, "a", 3, 4), op(R, ABSENT, 5, 6),
    ],
    "a_create_where_nothing_is": [op(W, ABSENT, 0, 1), op(Kind.CREATE, "a", 2, 3)],
    "a_create_after_an_unknown_delete": [
        op(W, "a", 0, 1), op(W, ABSENT, 2), op(Kind.CREATE, "b", 3, 4), op(R, "b", 5, 6),
    ],
    "a_refusal_because_of_an_unknown_write": [op(W, "a", 0), op(Kind.REFUSED, "b", 2, 3)],
    "a_replace_of_what_is_there": [op(W, "a", 0, 1), op(Kind.REPLACE, "b", 2, 3, "a"), op(R, "b", 4, 5)],
    "a_mismatch": [op(W, "a", 0, 1), op(Kind.MISMATCH, "c", 2, 3, "b")],
}  # fmt: skip

NOT_LINEAR = {
    "a_lost_write": [op(W, "a", 0, 1), op(R, ABSENT, 2, 3)],
    "a_stale_read": [op(W, "a", 0, 1), op(W, "b", 2, 3), op(R, "a", 4, 5)],
    "a_write_seen_and_lost": [op(W, "a", 0), op(R, "a", 1, 2), op(R, ABSENT, 3, 4)],
    "a_delete_undone": [op(W, "a", 0, 1), op(W, ABSENT, 2, 3), op(R, "a", 4, 5)],
    "two_readers_disagree": [
        op(W, "a", 0, 9), op(W, "b", 0, 9), op(R, "a", 10, 11), op(R, "b", 12, 13),
    ],
    "a_value_nobody_wrote": [op(R, "a", 0, 1)],
    "a_create_over_something": [op(W, "a", 0, 1), op(Kind.CREATE, "b", 2, 3)],
    "two_creates": [op(Kind.CREATE, "a", 0, 5), op(Kind.CREATE, "b", 1, 4)],
    "a_replace_of_what_is_gone": [op(W, "a", 0, 1), op(W, "b", 2, 3), op(Kind.REPLACE, "c", 4, 5, "a")],
    "a_refusal_without_a_reason": [op(W, "a", 5), op(Kind.REFUSED, "b", 2, 3)],
}  # fmt: skip


@pytest.mark.parametrize("ops", LINEAR.values(), ids=LINEAR)
def test_what_can_be(ops: list[Op]) -> None:
    """A history with an order that explains it is accepted."""
    assert is_linearizable(ops)


@pytest.mark.parametrize("ops", NOT_LINEAR.values(), ids=NOT_LINEAR)
def test_what_cannot_be(ops: list[Op]) -> None:
    """A history without one is refused."""
    assert not is_linearizable(ops)


def explained(ops: Sequence[Op]) -> bool:
    """The same by trying every order of every choice of unknown operations."""
    certain = [one for one in ops if one.outcome is Outcome.OK]
    unknown = [one for one in ops if one.outcome is Outcome.UNKNOWN and one.kind is not R]
    return any(
        _fits(order)
        for size in range(len(unknown) + 1)
        for chosen in itertools.combinations(unknown, size)
        for order in itertools.permutations([*certain, *chosen])
    )


def _fits(order: Sequence[Op]) -> bool:
    state = ABSENT
    for index, one in enumerate(order):
        if any(later.ended_s < one.called_s for later in order[index:]):
            return False
        if one.kind is R and one.value != state:
            return False
        if one.kind is Kind.REFUSED and state == ABSENT:
            return False
        if one.kind is Kind.CREATE and state != ABSENT:
            return False
        if one.kind in (W, Kind.CREATE):
            state = one.value
    return True


def random_history(random: Random) -> list[Op]:
    """Up to six operations that overlap at will."""
    ops: list[Op] = []
    for number in range(random.randrange(2, 7)):
        called_s = random.randrange(10)
        ended_s = math.inf if random.random() < 0.3 else called_s + random.randrange(1, 5)
        kind = random.choice((W, W, R, R, Kind.CREATE, Kind.REFUSED))
        value = f"v{number}" if kind in (W, Kind.CREATE) else random.choice(("v0", "v1", "v2", ABSENT))
        ops.append(op(kind, ABSENT if kind is W and random.random() < 0.3 else value, called_s, ended_s))
    return ops


def test_it_agrees_with_trying_every_order() -> None:
    """On random histories the search and the plain definition give the same verdict."""
    random = Random(7)
    verdicts = [0, 0]
    for _ in range(1500):
        ops = random_history(random)
        verdict = is_linearizable(ops)
        assert verdict == explained(ops), "\n".join(map(str, ops))
        verdicts[verdict] += 1
    assert min(verdicts) > 150


def page(found: dict[str, str], called_s: float, until: str = "", prefix: str = "") -> Page:
    """A page that took a second."""
    return Page("client", called_s, called_s + 1, prefix, "", until, found)


@pytest.mark.parametrize(
    ("shown", "is_right"),
    [
        (page({"key": "b"}, 5), True),
        (page({"key": "a"}, 5), False),
        (page({}, 5), False),
        (page({}, 5, until="kex"), True),
        (page({}, 5, prefix="x"), True),
        (page({"key": "a"}, 2.5), True),
        (page({"key": "b"}, 2.5), True),
        (page({"key": "c"}, 6.5), True),
        (page({"key": "c"}, 5), False),
        (page({}, 9), True),
        (page({"key": "b", "other": "x"}, 5), False),
    ],
)
def test_what_a_listing_may_show(*, shown: Page, is_right: bool) -> None:
    """Of a key that was written, overwritten, perhaps written again, and perhaps deleted."""
    ops = [op(W, "a", 0, 1), op(W, "b", 2, 3), op(W, "c", 7), op(W, ABSENT, 8)]
    assert (not [*wrong_listings(History(ops, [shown]))]) is is_right
