"""Whether a version's lock lets it go, or lets its lock be changed: asked under the lock of its key.

What is judged is what the drives of a write quorum say of the version, and the deed that follows names its
stamp: each drive compares it, so a lock that comes in between is seen. The time is the lock clock's; where
that knows none, whatever depends on it waits.
"""

from __future__ import annotations

from msgspec.structs import replace

from rustfs_node.erasureset.lock_clock import lock_time_ms
from rustfs_node.erasureset.state import SetState
from rustfs_proto.locking import (
    UNLOCKED,
    ObjectLock,
    depends_on_time,
    removal_refusal,
    retention_refusal,
)
from rustfs_proto.wire.faults import Fault, FaultCode
from rustfs_proto.wire.set_ops import LockChange


async def refuse_locked(
    state: SetState, lock: ObjectLock | None, *, bypass_governance: bool, trace: str
) -> None:
    """Raise `Fault` LOCKED where a version with that lock must not be removed or replaced."""
    if lock is None:
        return
    now_ms = await lock_time_ms(state, trace) if depends_on_time(lock) else 0
    refusal = removal_refusal(lock, now_ms, bypass_governance=bypass_governance)
    if refusal is not None:
        raise Fault(FaultCode.LOCKED, f"the version is locked: {refusal}")


async def changed_lock(
    state: SetState, lock: ObjectLock | None, change: LockChange, trace: str
) -> ObjectLock:
    """The lock after the change. Raises `Fault` LOCKED where the old retention forbids it."""
    lock = lock or UNLOCKED
    if change.legal_hold is not None:
        return replace(lock, legal_hold=change.legal_hold)
    if lock.retention is not None:
        now_ms = await lock_time_ms(state, trace)
        bypass = change.bypass_governance
        refusal = retention_refusal(lock.retention, change.retention, now_ms, bypass_governance=bypass)
        if refusal is not None:
            raise Fault(FaultCode.LOCKED, f"the retention must stay: {refusal}")
    return replace(lock, retention=change.retention)
