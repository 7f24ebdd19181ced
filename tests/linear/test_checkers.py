"""The two checkers and the definition they stand for agree on every small history that chance makes up."""

from __future__ import annotations

from collections import Counter
from random import Random

import pytest

from tests.linear.blunders import LOST, RESURRECTED, blunders
from tests.linear.history import Kind, Op
from tests.linear.stories import (
    ALL_KINDS,
    REGISTER_KINDS,
    VERSIONED_REGISTER_KINDS,
    Story,
    corrupted,
    has_order_by_trying,
)
from tests.linear.verdict import find_order
from tests.linear.zones import has_order, register_of

HISTORIES = 2000


def told(histories: list[Op]) -> str:
    return "\n".join(map(str, histories))


@pytest.mark.parametrize("versioned", [False, True])
def test_both_agree_on_registers(versioned):
    """On reads and writes of unique values the search and the zones say the same, of right histories and of
    wrong ones; and right ones they accept.
    """
    kinds = VERSIONED_REGISTER_KINDS if versioned else REGISTER_KINDS
    rejected = decided = 0
    for number in range(HISTORIES):
        chance = Random(number)
        ops = Story(chance, versioned=versioned).tell(kinds, chance.randint(3, 14))
        assert find_order(ops, versioned=versioned).is_linearizable, told(ops)
        wrong = corrupted(chance, ops)
        for history in (ops, wrong):
            register = register_of(history, versioned=versioned)
            found = find_order(history, versioned=versioned).is_linearizable
            fits = has_order(register.accesses)
            assert found == fits or (fits and not register.is_whole), told(history)
            decided += register.is_whole
        rejected += not found
    assert rejected > HISTORIES / 10 and decided > HISTORIES


@pytest.mark.parametrize("versioned", [False, True])
def test_the_search_finds_what_trying_finds(versioned):
    """With every operation of the model the search says what trying all orders says."""
    rejected = 0
    for number in range(HISTORIES):
        chance = Random(number)
        ops = Story(chance, versioned=versioned).tell(ALL_KINDS, chance.randint(3, 9))
        assert find_order(ops, versioned=versioned).is_linearizable, told(ops)
        wrong = corrupted(chance, ops)
        found = find_order(wrong, versioned=versioned).is_linearizable
        assert found == has_order_by_trying(wrong, versioned=versioned), told(wrong)
        rejected += not found
    assert rejected > HISTORIES / 10


@pytest.mark.parametrize("versioned", [False, True])
def test_zones_never_refuse_what_has_an_order(versioned):
    """Of a history with conditions, tags and deletes the zones judge the part that is a register."""
    judged = refused = 0
    for number in range(HISTORIES):
        chance = Random(number)
        ops = Story(chance, versioned=versioned).tell(ALL_KINDS, chance.randint(3, 12))
        for history in (ops, corrupted(chance, ops)):
            register = register_of(history, versioned=versioned)
            if register is not None and not has_order(register.accesses):
                assert not find_order(history, versioned=versioned).is_linearizable, told(history)
                refused += 1
            judged += register is not None
    assert judged > HISTORIES / 4 and refused > 10


@pytest.mark.parametrize(
    ("versioned", "kinds", "wanted"),
    [
        (False, (Kind.PUT, Kind.READ, Kind.READ, Kind.DELETE), {LOST, RESURRECTED}),
        (True, (Kind.PUT, Kind.READ, Kind.READ, Kind.DELETE), {LOST, RESURRECTED}),
        (True, (Kind.PUT, Kind.READ, Kind.READ_VERSION, Kind.ERASE), {RESURRECTED}),
        (False, ALL_KINDS, set()),
        (True, ALL_KINDS, set()),
    ],
)
def test_what_is_plainly_lost_or_back_has_no_order(versioned, kinds, wanted):
    """Blunders are never found in what has an order, and both are found in some of what has none."""
    found: Counter[str] = Counter()
    for number in range(HISTORIES):
        chance = Random(number)
        ops = Story(chance, versioned=versioned).tell(kinds, chance.randint(3, 12))
        assert not blunders(ops, versioned=versioned), told(ops)
        wrong = corrupted(chance, ops)
        blundered = {kind for kind, _ in blunders(wrong, versioned=versioned)}
        assert not (blundered and find_order(wrong, versioned=versioned).is_linearizable), told(wrong)
        found.update(blundered)
    assert wanted <= found.keys()
