"""A sequence as a whole, from what the sets that it goes over tell of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from rustfs_proto.versions import version_id_of
from rustfs_proto.wire.sequence_ops import (
    ENDED,
    FAILED,
    FINISHED,
    RUNNING,
    STOPPED,
    WAITING,
    KeyReason,
    SequenceView,
)

LOST = "lost"
"""The state of a set whose worker was started since: nothing is known of what it did."""

UNKNOWN = "unknown"
"""The state of a set whose workers do not all answer."""

_WORST_FIRST = (UNKNOWN, RUNNING, WAITING, LOST, FAILED, STOPPED, FINISHED)
_FAILURES_MAX = 100
_REASONS = {
    LOST: "its worker was started again, and knows nothing of it any more",
    UNKNOWN: "its workers do not answer",
}

Report = dict[str, Any]


def report_of(views: Sequence[SequenceView], silent: Collection[int], now_ms: int) -> Report:
    """The document of one sequence, of which there is at least one view. `silent` are sets whose workers do
    not all answer.
    """
    first, by_set = views[0], {view.set_index: view for view in views}
    sets = [
        _set(by_set[index], now_ms) if index in by_set else _absent(index, silent)
        for index in sorted({*first.sets, *by_set})
    ]
    state = next(one for one in _WORST_FIRST if any(each["state"] == one for each in sets))
    began_ms = min((view.began_ms for view in views if view.began_ms), default=0)
    ended_ms = max(view.ended_ms for view in views) if _has_ended(state) else 0
    took_s = ((ended_ms or now_ms) - began_ms) / 1000 if began_ms else 0.0
    totals = {name: sum(getattr(view, name) for view in views) for name in _SUMS}
    left_s = [one["left_s"] for one in sets]
    return {
        "id": first.id,
        "state": state,
        "scope": first.asked_for,
        "dry_run": first.dry_run,
        "deep": first.deep,
        "client": first.client,
        "began_ms": began_ms,
        "ended_ms": ended_ms,
        **totals,
        "bytes": sum(view.size_bytes for view in views),
        **{name: _added(getattr(view, name) for view in views) for name in _COUNTS},
        "versions_per_s": round(totals["versions"] / took_s, 1) if took_s > 0 else 0.0,
        "bytes_per_s": int(sum(view.size_bytes for view in views) / took_s) if took_s > 0 else 0,
        "left_s": None if None in left_s or _has_ended(state) else max(left_s, default=None),
        "failures": [_failure(one) for view in views for one in view.failures][:_FAILURES_MAX],
        "sets": sets,
    }


_SUMS = ("objects", "versions", "rows", "failed")
_COUNTS = ("found", "repaired", "protections")


def _has_ended(state: str) -> bool:
    return state in ENDED or state == LOST


def _added(counts: Any) -> dict[str, int]:
    total: Counter[str] = Counter()
    for one in counts:
        total.update(one)
    return dict(sorted(total.items()))


def _set(view: SequenceView, now_ms: int) -> Report:
    return {
        "set_index": view.set_index,
        "state": view.state,
        "reason": view.reason,
        "versions": view.versions,
        "protections": dict(view.protections),
        "found": dict(view.found),
        "repaired": dict(view.repaired),
        "failed": view.failed,
        "left_s": _left_s(view, now_ms),
    }


def _absent(index: int, silent: Collection[int]) -> Report:
    state = UNKNOWN if index in silent else LOST
    nothing: Mapping[str, int] = {}
    return {
        "set_index": index, "state": state, "reason": _REASONS[state], "versions": 0, "protections": nothing,
        "found": nothing, "repaired": nothing, "failed": 0, "left_s": None,
    }  # fmt: skip


def _left_s(view: SequenceView, now_ms: int) -> int | None:
    """About how long it takes from now on in this set; None where that cannot be told."""
    if view.state in ENDED:
        return 0
    took_s = (now_ms - view.began_ms) / 1000
    if view.state == WAITING or not view.rows_expected or not view.rows or took_s <= 0:
        return None
    return int(max(0, view.rows_expected - view.rows) * took_s / view.rows)


def _failure(one: KeyReason) -> Report:
    return {
        "bucket": one.bucket,
        "key": one.key.decode(errors="replace"),
        "version_id": version_id_of(one.sub),
        "reason": one.reason,
    }
