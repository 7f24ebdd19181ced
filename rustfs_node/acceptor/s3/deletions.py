"""Has the home sets delete keys and remove versions, as many together as there are."""

from __future__ import annotations

from collections.abc import Sequence

import attrs
import trio

from rustfs_node.acceptor.call import Call
from rustfs_node.acceptor.faults import fault_named
from rustfs_node.acceptor.s3.permissions import may_bypass_governance
from rustfs_node.acceptor.sets import Gathering, typed
from rustfs_proto.versions import Versioning
from rustfs_proto.wire.faults import OPEN_RENAME, Fault, FaultCode
from rustfs_proto.wire.set_ops import ANY_STAMP, Delete, Deleted, RemoveVersions, VersionsRemoved


@attrs.frozen
class Deletion:
    """A key to delete, or with `sub` a version of it to remove; `expect` is the stamp that it must have."""

    key: bytes
    sub: bytes | None = None
    expect: int = ANY_STAMP


@attrs.frozen
class Outcome:
    """What was done: `marker` is the sub of a delete marker that was added, `was_marker`: what was removed
    was one.
    """

    marker: bytes | None = None
    was_marker: bool = False


Outcomes = dict[Deletion, Outcome | Fault]


async def delete_all(call: Call, deletions: Sequence[Deletion]) -> Outcomes:
    """What became of each; every lead is asked at once. Each key or version may stand there once: twice
    would be two deletions racing each other. Those that meet an open rename, or a slot that moves, are done
    once that has ended.
    """
    done = await _follow(call, await _delete_all(call, deletions))
    for _ in range(call.services.settings.rename_rounds):
        met = [deletion for deletion, outcome in done.items() if _is_open_rename(outcome)]
        if not met:
            break
        keys = {deletion.key for deletion in met}
        for home in {call.sets.home(call.bucket, key) for key in keys}:
            await call.sets.renames.settle(home, call.bucket, keys, call.request_id)
        done |= await _follow(call, await _delete_all(call, met))
    return done


async def _follow(call: Call, done: Outcomes) -> Outcomes:
    """The same, with those done where they belong now whose slots have moved meanwhile."""
    until_s = trio.current_time() + call.services.settings.move_patience_s
    while trio.current_time() < until_s:
        left = [deletion for deletion, outcome in done.items() if _has_moved(outcome)]
        if not left:
            break
        await call.sets.new_home(call.bucket, left[0].key, call.request_id)
        done |= await _delete_all(call, left)
    return done


def _has_moved(outcome: Outcome | Fault) -> bool:
    return isinstance(outcome, Fault) and outcome.code is FaultCode.MOVED


def _is_open_rename(outcome: Outcome | Fault) -> bool:
    return isinstance(outcome, Fault) and outcome.code in OPEN_RENAME


async def _delete_all(call: Call, deletions: Sequence[Deletion]) -> Outcomes:
    versioning = await call.versioning()
    bypass = may_bypass_governance(call)
    # By lead, and by whether versions are named: those are two messages.
    groups: dict[tuple[str, bool], list[Deletion]] = {}
    for deletion in deletions:
        lead = call.sets.lead(call.bucket, deletion.key)
        groups.setdefault((lead, deletion.sub is not None), []).append(deletion)
    if not groups:
        return {}
    gathering = Gathering(len(groups))
    for index, ((peer, _), group) in enumerate(groups.items()):
        call.sets.bus.ask(
            peer,
            _request(call.bucket, group, versioning, bypass),
            deadline_s=call.sets.settings.set_deadline_s,
            on_reply=gathering.taker(index),
            trace=call.request_id,
        )
    done: Outcomes = {}
    for ((_, is_named), group), outcome in zip(groups.items(), await gathering.outcomes(), strict=True):
        if isinstance(outcome, Fault):
            done |= dict.fromkeys(group, outcome)
        elif is_named:
            done |= _removed(group, typed(outcome, VersionsRemoved))
        else:
            done |= _deleted(group, typed(outcome, Deleted))
    return done


def _request(
    bucket: str, group: list[Deletion], versioning: Versioning, bypass: bool
) -> Delete | RemoveVersions:
    is_expecting = any(deletion.expect != ANY_STAMP for deletion in group)
    expects = tuple(deletion.expect for deletion in group) if is_expecting else ()
    versions = tuple((deletion.key, deletion.sub) for deletion in group if deletion.sub is not None)
    if versions:
        return RemoveVersions(bucket, versions, expects, bypass)
    return Delete(bucket, tuple(deletion.key for deletion in group), expects, versioning)


def _deleted(group: list[Deletion], answer: Deleted) -> Outcomes:
    subs: Sequence[bytes | None] = answer.subs or (None,) * len(group)
    return {
        deletion: fault_named(code) if code else Outcome(sub)
        for deletion, code, sub in zip(group, answer.faults, subs, strict=True)
    }


def _removed(group: list[Deletion], answer: VersionsRemoved) -> Outcomes:
    return {
        deletion: fault_named(code) if code else Outcome(was_marker=was_marker)
        for deletion, code, was_marker in zip(group, answer.faults, answer.were_markers, strict=True)
    }
