"""How a deployment stands as a whole, worked out from what its processes told: nodes, drives, capacity.

Where several nodes see one set or drive, the worst that any of them sees counts.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import attrs

from rustfs_proto.erasure.geometry import write_quorum
from rustfs_proto.metrics.reading import NodeReading, Series
from rustfs_proto.wire.drive_ops import DriveState
from rustfs_proto.wire.metrics_ops import Measure

AWAY = -1
_BEGAN = "rustfs_process_start_time_seconds"
_CLOCK = "rustfs_process_clock_seconds"
_BUILD = "rustfs_build_info"
SERVING = frozenset({int(DriveState.ONLINE), int(DriveState.SUSPECT), int(DriveState.HEALING)})


@attrs.frozen
class NodeStanding:
    """One node. `release`, `began_s`, when its oldest process began, and `clock_s`, its wall clock as it
    answered, are empty or 0 where it did not tell; `silent` are those of its processes that gave no answer.
    """

    name: str
    answers: bool
    release: str = ""
    began_s: float = 0.0
    clock_s: float = 0.0
    silent: tuple[str, ...] = ()


@attrs.define
class DriveStanding:
    """One drive. `node` is the number of its node; sizes are 0 where its worker did not tell."""

    set_index: int
    slot: int
    path: str
    node: int
    state: int
    total_bytes: int = 0
    free_bytes: int = 0
    reserve_bytes: int = 0
    heal_notes: int = 0

    @property
    def is_full(self) -> bool:
        """Whether it takes nothing but removals."""
        return bool(self.total_bytes) and self.free_bytes <= self.reserve_bytes

    @property
    def is_serving(self) -> bool:
        """Whether it can be asked."""
        return self.state in SERVING


@attrs.define
class SetStanding:
    """One erasure set."""

    index: int
    drives: int
    parity: int
    read_quorum: int
    write_quorum: int
    online: int
    healing: int


def unseen_set(index: int, k: int, m: int) -> SetStanding:
    """A set of which no worker tells."""
    return SetStanding(index, k + m, m, k, write_quorum(k, m), online=0, healing=0)


@attrs.frozen
class Standing:
    """The deployment; nodes, drives and sets in order."""

    nodes: tuple[NodeStanding, ...]
    sets: tuple[SetStanding, ...]
    drives: tuple[DriveStanding, ...]

    def usable(self, one: DriveStanding, size_bytes: int) -> int:
        """What of `size_bytes` of that drive is for objects' own bytes, and not for parity."""
        of_set = next(found for found in self.sets if found.index == one.set_index)
        return size_bytes * (of_set.drives - of_set.parity) // of_set.drives


def standing_of(
    readings: Sequence[NodeReading], series: Sequence[Series], planned: Standing | None = None
) -> Standing:
    """What can be said of all; `series` are those of the readings. Of a set or drive of which nobody tells,
    that holds which `planned` says of it.
    """
    known = planned or Standing((), (), ())
    sets = {one.index: one for one in (*known.sets, *_sets(series))}
    drives = {(one.set_index, one.slot): one for one in (*known.drives, *_drives(series))}
    return Standing(
        tuple(_node(reading) for reading in readings),
        tuple(one for _, one in sorted(sets.items())),
        tuple(one for _, one in sorted(drives.items())),
    )


def _node(reading: NodeReading) -> NodeStanding:
    measures = [one for process in reading.processes for one in process.measures]
    values = {name: [one.value for one in measures if one.name == name] for name in (_BEGAN, _CLOCK)}
    releases = sorted({one.labels["version"] for one in measures if one.name == _BUILD})
    return NodeStanding(
        reading.node,
        not reading.fault,
        " and ".join(releases),
        min(values[_BEGAN], default=0.0),
        max(values[_CLOCK], default=0.0),
        tuple(process.process for process in reading.processes if process.fault),
    )


def _measures(series: Iterable[Series], prefix: str) -> Iterator[tuple[str, Measure]]:
    """Those whose names begin so, with the rest of the name."""
    for one in series:
        if isinstance(one, Measure) and one.name.startswith(prefix):
            yield one.name.removeprefix(prefix), one


def _sets(series: Sequence[Series]) -> tuple[SetStanding, ...]:
    views: dict[int, dict[str, list[int]]] = {}
    for name, one in _measures(series, "rustfs_set_"):
        views.setdefault(int(one.labels["set"]), {}).setdefault(name, []).append(int(one.value))
    return tuple(
        SetStanding(
            index,
            drives=max(seen["drives"]),
            parity=max(seen["parity"]),
            read_quorum=max(seen["read_quorum"]),
            write_quorum=max(seen["write_quorum"]),
            online=min(seen["drives_online"]),
            healing=max(seen["drives_healing"]),
        )
        for index, seen in sorted(views.items())
    )


def _drives(series: Sequence[Series]) -> tuple[DriveStanding, ...]:
    drives: dict[tuple[int, int], DriveStanding] = {}
    for name, one in _measures(series, "rustfs_set_drive_state"):
        if name:
            continue
        place, labels = _place(one), one.labels
        node, state = int(labels["drive_node"]), int(one.value)
        known = drives.setdefault(place, DriveStanding(*place, labels["drive"], node, state))
        if known.is_serving and state not in SERVING:
            known.state = state
    for name, one in _measures(series, "rustfs_drive_"):
        drive = drives.get(_place(one))
        if drive is not None and name in ("total_bytes", "free_bytes", "reserve_bytes", "heal_notes"):
            setattr(drive, name, int(one.value))
    return tuple(drive for _, drive in sorted(drives.items()))


def _place(one: Measure) -> tuple[int, int]:
    return int(one.labels["set"]), int(one.labels["slot"])
