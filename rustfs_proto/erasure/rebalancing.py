"""Who is to own which slots: targets, and the change of the layout that leads there.

A set's share is proportional to its drives; one that is to be emptied has none. Of all ways to get there the
one is taken in which the fewest slots move: a slot leaves only a set that has too many, for one that has too
few.

A *change* is a value that is kept beside the charters while it is under way. Where it was given up or is done
it stays, as it says which sets are to be left empty from now on.
"""

from __future__ import annotations

import base64
import binascii
import zlib
from collections.abc import Collection, Mapping, Sequence
from enum import StrEnum

import attrs

from rustfs_proto.erasure.layout import SLOTS

CHANGE_KEY = b"layout/change"
"""Where the change is kept, in the reserved bucket of the first set."""

_OWNER_BYTES = 2


class RebalanceError(ValueError):
    """What was asked for cannot be; the text says why."""


class ChangeState(StrEnum):
    """How a change stands."""

    MOVING = "moving"
    CANCELLING = "cancelling"  # nothing more is moved; what was half there is being tidied up
    CANCELLED = "cancelled"
    DONE = "done"

    @property
    def is_open(self) -> bool:
        """Whether there is something to do."""
        return self in (ChangeState.MOVING, ChangeState.CANCELLING)


@attrs.frozen
class Change:
    """`targets[slot]` is the set that is to own it; `leaving` are the sets that are to be emptied. `objects`
    and `size_bytes` are what was moved so far, in `busy_s` seconds; `slots_begun` how many had to move.
    `waiting`: slots that wait for uploads to end. `mover` names whoever works through it, empty where nobody
    has begun.
    """

    change_id: str
    state: ChangeState
    targets: tuple[int, ...] = attrs.field(repr=False)
    leaving: frozenset[int] = frozenset()
    begun_ms: int = 0
    slots_begun: int = 0
    objects: int = 0
    size_bytes: int = 0
    busy_s: float = 0.0
    waiting: int = 0
    mover: str = ""


def shares(weights: Sequence[int], leaving: Collection[int]) -> list[int]:
    """How many slots each set is to have."""
    left = [0 if index in leaving else weight for index, weight in enumerate(weights)]
    total = sum(left)
    if not total:
        raise RebalanceError("no set would be left to own anything")
    counts = [weight * SLOTS // total for weight in left]
    # What rounding leaves goes to the first ones that may have some.
    takers = [index for index, weight in enumerate(left) if weight]
    for index in takers[: SLOTS - sum(counts)]:
        counts[index] += 1
    return counts


def balanced(owners: Sequence[int], weights: Sequence[int], leaving: Collection[int]) -> tuple[int, ...]:
    """The owners after a rebalance of these."""
    counts = shares(weights, leaving)
    kept = [0] * len(weights)
    targets = list(owners)
    homeless: list[int] = []
    for slot, owner in enumerate(owners):
        if kept[owner] < counts[owner]:
            kept[owner] += 1
        else:
            homeless.append(slot)
    takers = (index for index, count in enumerate(counts) for _ in range(count - kept[index]))
    for slot, taker in zip(homeless, takers, strict=True):
        targets[slot] = taker
    return tuple(targets)


def moves_of(owners: Sequence[int], targets: Sequence[int]) -> dict[tuple[int, int], list[int]]:
    """The slots that are to move, by the set that they leave and the one that they go to."""
    found: dict[tuple[int, int], list[int]] = {}
    for slot, (owner, target) in enumerate(zip(owners, targets, strict=True)):
        if owner != target:
            found.setdefault((owner, target), []).append(slot)
    return found


def change_fields(change: Change) -> dict[str, str]:
    """The change as user metadata of its object."""
    targets = b"".join(target.to_bytes(_OWNER_BYTES, "big") for target in change.targets)
    return {
        "id": change.change_id,
        "state": change.state.value,
        "targets": base64.b64encode(zlib.compress(targets)).decode(),
        "leaving": " ".join(map(str, sorted(change.leaving))),
        "begun_ms": str(change.begun_ms),
        "slots": str(change.slots_begun),
        "objects": str(change.objects),
        "bytes": str(change.size_bytes),
        "busy_s": f"{change.busy_s:.3f}",
        "waiting": str(change.waiting),
        "mover": change.mover,
    }


def change_of(fields: Mapping[str, str]) -> Change:
    """The inverse of `change_fields`; raises `RebalanceError`."""
    try:
        packed = zlib.decompress(base64.b64decode(fields["targets"], validate=True))
        targets = tuple(
            int.from_bytes(packed[at : at + _OWNER_BYTES], "big")
            for at in range(0, len(packed), _OWNER_BYTES)
        )
        change = Change(
            fields["id"],
            ChangeState(fields["state"]),
            targets,
            frozenset(map(int, fields["leaving"].split())),
            int(fields["begun_ms"]),
            int(fields["slots"]),
            int(fields["objects"]),
            int(fields["bytes"]),
            float(fields["busy_s"]),
            int(fields["waiting"]),
            fields.get("mover", ""),
        )
    except (KeyError, ValueError, binascii.Error, zlib.error) as error:
        raise RebalanceError(f"the change of the layout cannot be read: {error}") from error
    if len(change.targets) != SLOTS:
        raise RebalanceError(f"the change of the layout names {len(change.targets)} slots")
    return change
