"""Histories written by hand, each with the verdict that it must get."""

from __future__ import annotations

import math

import attrs
import pytest

from tests.linear.history import Kind, Op, Outcome
from tests.linear.search import Undecided
from tests.linear.verdict import Broken, Contradiction, judge
from tests.linear.zones import Access, has_order


def op(kind: Kind, span: tuple[float, float], **fields: object) -> Op:
    """One that was answered; `span` are its call and its answer."""
    return Op(0, kind, span[0], ended=span[1], outcome=Outcome.OK, **fields)  # type: ignore[arg-type]


def lost(kind: Kind, called: float, **fields: object) -> Op:
    """One of unknown outcome."""
    return Op(0, kind, called, **fields)  # type: ignore[arg-type]


def put(span: tuple[float, float], etag: str, version: str = "") -> Op:
    return op(Kind.PUT, span, etag=etag, version=version)


def read(span: tuple[float, float], etag: str, version: str = "", tag: str = "") -> Op:
    return op(Kind.READ, span, etag=etag, version=version, tag=tag)


def absent(span: tuple[float, float], marker: str = "") -> Op:
    return op(Kind.READ, span, status=404, version=marker)


@attrs.frozen
class Case:
    """A history and whether it has an order."""

    has_order: bool
    ops: list[Op]


FAILED = Op(0, Kind.PUT, 0, etag="a", ended=1, outcome=Outcome.FAIL)

PLAIN = {
    "a read finds the last write": Case(True, [put((0, 1), "a"), read((2, 3), "a")]),
    "a read after a write finds the one before": Case(
        False, [put((0, 1), "a"), put((2, 3), "b"), read((4, 5), "a")]
    ),
    "a read beside a write finds either": Case(True, [put((0, 1), "a"), put((2, 9), "b"), read((3, 4), "a")]),
    "two reads beside a write find new and then old": Case(
        False, [put((0, 1), "a"), put((2, 9), "b"), read((3, 4), "b"), read((5, 6), "a")]
    ),
    "what was never written is found": Case(False, [read((0, 1), "a")]),
    "a key that always had an object is not found": Case(
        False, [put((0, 1), "a"), put((2, 5), "b"), absent((3, 4)), read((6, 7), "b")]
    ),
    "a lost write is found later": Case(
        True, [put((0, 1), "a"), lost(Kind.PUT, 2, etag="b"), read((3, 4), "a"), read((8, 9), "b")]
    ),
    "a lost write is found and then not": Case(
        False, [put((0, 1), "a"), lost(Kind.PUT, 2, etag="b"), read((3, 4), "b"), read((8, 9), "a")]
    ),
    "a lost write happens after a later one": Case(
        True, [lost(Kind.PUT, 0, etag="a"), put((1, 2), "b"), read((3, 4), "b"), read((5, 6), "a")]
    ),
    "a lost write happens before it is called": Case(False, [read((0, 1), "a"), lost(Kind.PUT, 2, etag="a")]),
    "a write that failed is found": Case(False, [FAILED, read((2, 3), "a")]),
    "a deleted object is found": Case(
        False, [put((0, 1), "a"), op(Kind.DELETE, (2, 3)), read((4, 5), "a")]
    ),
    "a lost delete takes the object": Case(
        True, [put((0, 1), "a"), lost(Kind.DELETE, 2), read((3, 4), "a"), absent((5, 6))]
    ),
    "one lost delete takes two objects": Case(
        False,
        [put((0, 1), "a"), lost(Kind.DELETE, 2), absent((3, 4)), put((5, 6), "b"), absent((7, 8))],
    ),
    "two creations succeed": Case(
        False, [op(Kind.CREATE, (0, 3), etag="a"), op(Kind.CREATE, (1, 4), etag="b")]
    ),
    "two creations succeed with a delete between them": Case(
        True,
        [
            *(op(Kind.CREATE, (0, 3), etag="a"), op(Kind.CREATE, (1, 4), etag="b")),
            op(Kind.DELETE, (0, 5)),
        ],
    ),
    "a creation is refused where nothing ever was": Case(
        False, [op(Kind.CREATE, (0, 1), etag="a", status=412)]
    ),
    "a creation is refused because of a lost write": Case(
        True, [lost(Kind.PUT, 0, etag="b"), op(Kind.CREATE, (1, 2), etag="a", status=412)]
    ),
    "two writes replace the same object": Case(
        False,
        [
            put((0, 1), "a"),
            op(Kind.REPLACE, (2, 5), etag="b", expect="a"),
            op(Kind.REPLACE, (3, 6), etag="c", expect="a"),
        ],
    ),
    "a replacement is refused over what it expects": Case(
        False, [put((0, 1), "a"), op(Kind.REPLACE, (2, 3), etag="b", expect="a", status=412)]
    ),
    "a removal takes another object than it expects": Case(
        False, [put((0, 1), "a"), op(Kind.REMOVE, (2, 3), expect="b")]
    ),
    "a removal finds nothing": Case(True, [op(Kind.REMOVE, (2, 3), expect="b", status=404)]),
    "a tag goes with its object": Case(
        True,
        [
            *(put((0, 1), "a"), op(Kind.TAG, (2, 3), tag="t"), read((4, 5), "a", tag="some")),
            *(put((6, 7), "b"), read((8, 9), "b"), op(Kind.READ_TAG, (8, 9))),
        ],
    ),
    "a tag stays when its object is replaced": Case(
        False,
        [
            *(put((0, 1), "a"), op(Kind.TAG, (2, 3), tag="t")),
            *(put((4, 5), "b"), op(Kind.READ_TAG, (6, 7), tag="t")),
        ],
    ),
    "a tag is lost": Case(
        False, [put((0, 1), "a"), op(Kind.TAG, (2, 3), tag="t"), op(Kind.READ_TAG, (4, 5))]
    ),
    "a tag is put on nothing": Case(False, [op(Kind.TAG, (0, 1), tag="t")]),
}  # fmt: skip

ONE, TWO = put((0, 1), "a", "v1"), put((2, 3), "b", "v2")
MARKER = op(Kind.DELETE, (4, 5), version="m1")

VERSIONED = {
    "a marker hides the version below": Case(
        True,
        [
            ONE,
            MARKER,
            absent((6, 7), "m1"),
            op(Kind.READ_VERSION, (6, 7), asked="v1", etag="a", version="v1"),
        ],
    ),
    "a version shows through a marker": Case(False, [ONE, MARKER, read((6, 7), "a", "v1")]),
    "without its marker the version is back": Case(
        True, [ONE, MARKER, op(Kind.ERASE, (6, 7), asked="m1"), read((8, 9), "a", "v1")]
    ),
    "an erased version uncovers the one before": Case(
        True, [ONE, TWO, op(Kind.ERASE, (4, 5), asked="v2"), read((6, 7), "a", "v1")]
    ),
    "an erased version is found": Case(
        False, [ONE, op(Kind.ERASE, (2, 3), asked="v1"), read((4, 5), "a", "v1")]
    ),
    "an older version becomes the latest by itself": Case(
        False, [ONE, TWO, read((4, 5), "b", "v2"), read((6, 7), "a", "v1")]
    ),
    "the marker of a lost delete is seen": Case(
        True, [ONE, lost(Kind.DELETE, 2), absent((3, 4), "m9"), absent((5, 6), "m9")]
    ),
    "a lost delete makes two markers": Case(
        False, [ONE, lost(Kind.DELETE, 2), absent((3, 4), "m8"), absent((5, 6), "m9")]
    ),
    "a marker comes from nowhere": Case(False, [ONE, absent((3, 4), "m9")]),
    "a key without a marker is not found": Case(False, [ONE, absent((3, 4))]),
    "a creation succeeds over a marker": Case(
        True, [ONE, MARKER, op(Kind.CREATE, (6, 7), etag="c", version="v3"), read((8, 9), "c", "v3")]
    ),
    "a tag stays with its version": Case(
        True,
        [
            *(ONE, op(Kind.TAG, (1.2, 1.5), asked="v1", tag="t"), TWO, read((4, 5), "b", "v2")),
            op(Kind.READ_TAG, (4, 5), asked="v1", tag="t"),
        ],
    ),
    "a lost write is erased before anybody saw it on top": Case(
        True,
        [
            *(ONE, lost(Kind.PUT, 2, etag="b"), put((3, 4), "c", "v3"), read((5, 6), "c", "v3")),
            op(Kind.READ_VERSION, (5, 6), asked="v2", etag="b", version="v2"),
            op(Kind.ERASE, (7, 8), asked="v3"),
            read((9, 10), "b", "v2"),
        ],
    ),
    "the tags of a lost write are read, and nothing else of it": Case(
        True, [ONE, lost(Kind.PUT, 2, etag="b"), op(Kind.READ_TAG, (3, 4), version="v2")]
    ),
    "the tags of two versions are read where one write was lost": Case(
        False,
        [
            *(ONE, lost(Kind.PUT, 2, etag="b"), op(Kind.READ_TAG, (3, 4), version="v2")),
            op(Kind.READ_TAG, (5, 6), version="v3"),
        ],
    ),
    "two lost erasures are both needed": Case(
        True,
        [ONE, TWO, lost(Kind.ERASE, 4, asked="v1"), lost(Kind.ERASE, 4, asked="v2"), absent((5, 6))],
    ),
}

CASES = [(name, case, False) for name, case in PLAIN.items()]
CASES += [(name, case, True) for name, case in VERSIONED.items()]


@pytest.mark.parametrize(("case", "versioned"), [(case, versioned) for _, case, versioned in CASES],
                         ids=[name for name, _, _ in CASES])  # fmt: skip
def test_the_verdict_is_right(case, versioned):
    """The key is judged as S3 would have it, and no two checkers contradict each other."""
    if case.has_order:
        judge("key", case.ops, versioned=versioned)
    else:
        with pytest.raises(Broken, match="has no order"):
            judge("key", case.ops, versioned=versioned)


def test_a_search_that_gives_up_is_no_verdict():
    """A history that costs more steps than allowed is neither accepted nor refused."""
    ops = [put((number, number + 9), f"e{number}") for number in range(20)]
    with pytest.raises(Undecided, match="operations placed"):
        judge("key", ops, versioned=False, steps_max=5)


def test_checkers_that_contradict_each_other_are_told_of(monkeypatch):
    """One of them is wrong then, and no verdict of either counts."""
    monkeypatch.setattr("tests.linear.verdict.has_order", lambda _accesses: False)
    with pytest.raises(Contradiction):
        judge("key", [put((0, 1), "a"), read((2, 3), "a")], versioned=False)


def test_zones_that_touch_do_not_overlap():
    """What is called at the very moment of an answer may come before it, as in the search."""
    accesses = [Access("a", True, 0, 2), Access("b", True, 2, 4), Access("a", False, 4, 5)]
    assert has_order(accesses)
    assert not has_order([*accesses[:1], attrs.evolve(accesses[1], called=2.5, ended=3), accesses[2]])


def test_a_write_without_an_answer_ends_never():
    """Its zone begins where it was called, and is there only if somebody saw it."""
    unseen = Access("a", True, 0, math.inf)
    assert has_order([unseen, Access("b", True, 1, 2), Access("b", False, 3, 4)])
    assert not has_order([unseen, Access("a", False, -2, -1)])
