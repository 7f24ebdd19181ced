"""What a set owns: its charter, what several of them say together, and where slots are to go."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rustfs_proto.erasure.charter import (
    MOVER_BYTES,
    Charter,
    CharterError,
    Hold,
    are_of_one_moment,
    charter_fields,
    charter_of,
    first_charter,
    ownerless,
    owners_of,
    pack_slots,
    unpack_slots,
)
from rustfs_proto.erasure.layout import SLOTS, shared_slots
from rustfs_proto.erasure.rebalancing import (
    Change,
    ChangeState,
    RebalanceError,
    balanced,
    change_fields,
    change_of,
    moves_of,
    shares,
)

BASE = shared_slots((4, 4))
SEED = 7
MOVER = b"m" * MOVER_BYTES


def charters() -> dict[int, Charter]:
    return {index: first_charter(SEED, BASE, index) for index in (0, 1)}


def test_a_charter_is_read_back_as_it_was_written() -> None:
    """With every hold there is; one that is cut, of another length, or with an unknown hold is refused."""
    charter = charters()[0].with_holds([1], Hold.FROZEN).with_holds([4095], Hold.COMING).taken_over(MOVER)
    assert charter_of(charter_fields(charter)) == charter
    fields = charter_fields(charter)
    wrong = charter_fields(Charter(SEED, MOVER, bytes([9]) * SLOTS))["slots"]
    short = charter_fields(Charter(SEED, MOVER, bytes(SLOTS - 1)))["slots"]
    for damage in (
        {"slots": fields["slots"][:16]},
        {"slots": wrong},
        {"slots": short},
        {"mover": "00"},
        {"seed": "x"},
    ):
        with pytest.raises(CharterError):
            charter_of(fields | damage)


@given(st.sets(st.integers(0, SLOTS - 1)))
def test_slots_travel_as_bits(slots: set[int]) -> None:
    """Packed and unpacked they are the same."""
    assert unpack_slots(pack_slots(slots)) == slots


def test_a_new_mover_finds_nothing_frozen_and_all_that_was_on_its_way() -> None:
    """What is frozen is written again; what was coming is found out about first."""
    before = charters()[0].with_holds([0], Hold.FROZEN).with_holds([4000], Hold.COMING)
    after = before.taken_over(MOVER)
    assert (after.mover, after.hold_of(0), after.hold_of(4000)) == (MOVER, Hold.OWNED, Hold.COMING)


def test_owners_are_what_charters_claim_and_else_what_the_layout_says() -> None:
    """A slot that just left one set belongs to the one where it arrives; frozen or not it is its owner's; a
    set that could not be asked has what it had, as far as nobody else claims it.
    """
    both = charters()
    assert owners_of(BASE, {}) == owners_of(BASE, both) == BASE
    both[1] = both[1].with_holds([0, 1, 2], Hold.COMING)
    both[0] = both[0].with_holds([1], Hold.FROZEN).with_holds([2], Hold.NONE)
    assert owners_of(BASE, both)[:3] == (0, 0, 1)
    both[1] = both[1].with_holds([2], Hold.OWNED)
    assert owners_of(BASE, both)[2] == owners_of(BASE, {1: both[1]})[2] == 1
    assert owners_of(BASE, {1: both[1]})[:2] == (0, 0)


def test_pages_of_all_sets_are_of_one_moment_where_each_slot_has_one_owner() -> None:
    """Two owners, or none, tell that a slot moved between the questions."""
    first, second = (charter.owned() for charter in charters().values())
    assert are_of_one_moment(BASE, [b"", b""])
    assert are_of_one_moment(BASE, [pack_slots(first - {0}), pack_slots(second | {0})])
    assert not are_of_one_moment(BASE, [b"", pack_slots(second | {0})])
    assert not are_of_one_moment(BASE, [pack_slots(first - {0}), b""])
    assert not are_of_one_moment(BASE, [pack_slots(first - {0}), pack_slots(second | {1})])


def test_what_nobody_owns_is_told_by_where_it_was_to_arrive() -> None:
    """That is where the next mover brings it."""
    both = charters()
    both[1] = both[1].with_holds([0, 5], Hold.COMING)
    assert ownerless(BASE, both) == {}
    both[0] = both[0].with_holds([5], Hold.NONE)
    assert ownerless(BASE, both) == {1: [5]}


@given(st.lists(st.integers(1, 16), min_size=1, max_size=8), st.data())
def test_a_rebalance_moves_as_little_as_it_can(weights: list[int], data: st.DataObject) -> None:
    """Each set gets its share to one slot, one that is left gets none; only sets with too many give, and only
    those with too few take.
    """
    leaving = data.draw(st.sets(st.integers(0, len(weights) - 1), max_size=len(weights) - 1))
    owners = shared_slots(data.draw(st.permutations(weights)))
    counts = shares(weights, leaving)
    targets = balanced(owners, weights, leaving)
    assert [targets.count(index) for index in range(len(weights))] == counts and sum(counts) == SLOTS
    assert all(counts[index] == 0 for index in leaving)
    moved = sum(map(len, moves_of(owners, targets).values()))
    assert moved == sum(max(0, owners.count(index) - count) for index, count in enumerate(counts))


def test_the_last_pool_cannot_be_left() -> None:
    """Somebody has to own the slots."""
    with pytest.raises(RebalanceError, match="no set would be left"):
        balanced(BASE, (4, 4), {0, 1})


def test_a_change_is_read_back_as_it_was_written() -> None:
    """With all that is told of it; one that cannot be read is refused."""
    change = Change("ab", ChangeState.MOVING, BASE, frozenset({1}), 5, 6, 7, 8, 9.5, 10)
    fields = change_fields(change)
    assert change_of(fields) == change
    for damage in ({"state": "odd"}, {"targets": "AAAA"}, {"slots": "x"}):
        with pytest.raises(RebalanceError):
            change_of(fields | damage)
    assert ChangeState.CANCELLING.is_open and not ChangeState.CANCELLED.is_open
