"""What a history says of those writes that were never answered: their versions were seen all the same.

A write's ETag is its own, so whoever saw it beside a version id tells what id that write got. Markers look
all alike: of those that no answered delete made, some unanswered one is the maker. So it is with versions
whose tags were read and whose ETag was not.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

import attrs

from tests.linear.history import DELETES, NULL, WRITES, Kind, Op, Outcome
from tests.linear.model import Model


def learned(ops: Sequence[Op], *, versioned: bool) -> tuple[Model, list[Op]]:
    """The model of the key, and its operations with the version ids that are known. Those that certainly did
    nothing are left out.
    """
    names = _names_of(ops) if versioned else {}
    named = [
        attrs.evolve(op, version=op.version or names.get(op.etag, "") if versioned else _null_of(op))
        if op.kind in WRITES and not op.is_look
        else op
        for op in ops
        if op.outcome is not Outcome.FAIL
    ]
    if not versioned:
        return Model(versioned=False), named
    owned = {op.version for op in named if op.kind in WRITES and not op.is_look}
    return Model(
        versioned=True, markers=ownerless_markers(ops), nameless=ownerless_versions(ops, owned)
    ), named


def ownerless_markers(ops: Sequence[Op]) -> tuple[str, ...]:
    """Ids of markers that were seen and that no answered delete has named, in order of their first sight."""
    owned = {op.version for op in ops if op.kind in DELETES and op.outcome is Outcome.OK}
    seen = dict.fromkeys(
        op.version or op.asked
        for op in ops
        if (op.kind is Kind.READ and op.status == 404) or (op.kind is Kind.READ_VERSION and op.status == 405)
    )
    return tuple(name for name in seen if name and name not in owned)


def ownerless_versions(ops: Sequence[Op], owned: Collection[str]) -> tuple[str, ...]:
    """Ids of versions whose tags were read, and of which it is not known what else they are."""
    seen = dict.fromkeys(
        op.version or op.asked
        for op in ops
        if op.kind in (Kind.READ_TAG, Kind.TAG) and op.status == 200 and op.outcome is Outcome.OK
    )
    return tuple(name for name in seen if name and name not in owned)


def _names_of(ops: Sequence[Op]) -> dict[str, str]:
    """Version id by ETag."""
    looks = (Kind.READ, Kind.READ_VERSION)
    return {
        op.etag: op.version or op.asked
        for op in ops
        if op.kind in looks and op.status == 200 and op.outcome is Outcome.OK
    }


def _null_of(op: Op) -> str:
    return op.version or NULL
