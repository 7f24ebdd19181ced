"""What a set worker counts, and how it sees its set."""

from __future__ import annotations

from collections.abc import Iterator

from rustfs_node.erasureset.state import SetState
from rustfs_node.erasureset.status import view_of
from rustfs_proto.erasure.durability import Protection
from rustfs_proto.wire.drive_ops import DriveState
from rustfs_proto.wire.metrics_ops import Measure
from rustfs_proto.wire.set_ops import DriveView

_SERVING = frozenset({DriveState.ONLINE, DriveState.SUSPECT, DriveState.HEALING})


def set_measures(state: SetState) -> Iterator[Measure]:
    """All of it."""
    of_set = {"set": str(state.plan.index)}
    views = [view_of(plan, one) for plan, one in zip(state.plan.drives, state.drives.conditions, strict=True)]
    online = sum(view.state in _SERVING for view in views)
    values = {
        "drives": state.n,
        "drives_online": online,
        "drives_healing": sum(view.state == DriveState.HEALING for view in views),
        "parity": state.m,
        "read_quorum": state.k,
        "write_quorum": state.write_quorum,
        "readable": int(online >= state.k),
        "writable": int(online >= state.write_quorum),
        "tasks": state.tasks,
        "streamed_writes": state.handles.open,
        "degraded_reads_total": state.degraded_reads,
        "heal_notes_written_total": state.heal_notes.written,
        "heal_notes_lost_total": state.heal_notes.lost,
        "keys_healed_total": state.healing.healed,
        "heal_failures_total": state.healing.failed,
    }
    for name, value in values.items():
        yield Measure(f"rustfs_set_{name}", value, of_set)
    yield from _of_sequences(state, of_set)
    yield from state.usage.measures(
        state.plan.index, state.clock.monotonic_s(), state.settings.usage_metrics_buckets_max
    )
    for plan, view in zip(state.plan.drives, views, strict=True):
        of_drive = of_set | _of_drive(plan.node, view)
        yield Measure("rustfs_set_drive_state", view.state, of_drive)
        rebuild = state.healing.rebuilds.get(plan.slot)
        if rebuild is not None:
            yield Measure("rustfs_set_rebuild_rows", rebuild.given, of_drive)
            yield Measure("rustfs_set_rebuild_bytes", rebuild.size_bytes, of_drive)


def _of_sequences(state: SetState, of_set: dict[str, str]) -> Iterator[Measure]:
    """What sequences found and repaired, and how versions were kept when they were last counted here."""
    for kind, count in state.healing.damage_found.items():
        yield Measure("rustfs_set_damage_found_total", count, of_set | {"kind": kind})
    for kind, count in state.healing.damage_repaired.items():
        yield Measure("rustfs_set_damage_repaired_total", count, of_set | {"kind": kind})
    census = state.sequences.last_census
    if census is None:
        return
    yield Measure("rustfs_set_census_time_seconds", census.ended_ms / 1000, of_set)
    for protection in Protection:
        count = census.tally.protections[protection]
        yield Measure("rustfs_set_versions", count, of_set | {"protection": protection})


def _of_drive(node: int, view: DriveView) -> dict[str, str]:
    return {"slot": str(view.slot), "drive": view.path, "drive_node": str(node)}
