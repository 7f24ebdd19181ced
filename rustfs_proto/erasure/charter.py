"""Which slots a set owns, as the set itself keeps it on its drives: its *charter*.

- A set without a charter owns the slots that the layout gives it; every set has one once slots are moved.
- Each slot has one owner at most. The set that loses it writes that down first, which is the moment at which
  the slot moves; the set that gets it afterwards. In between nobody owns it, and whoever wants it waits.
- One mover at a time: each change of a charter compares the one before, and a new mover begins by putting its
  name into all of them, which makes whatever the one before still does there impossible.

Charters are values. Nothing here knows where they are kept.
"""

from __future__ import annotations

import base64
import binascii
import zlib
from collections.abc import Collection, Mapping, Sequence
from enum import IntEnum
from functools import lru_cache

import attrs

from rustfs_proto.erasure.layout import SLOTS, slot_of

CHARTER_KEY = b"layout/charter"
"""Where a set keeps its charter, in the reserved bucket: an object of the set, not of a slot."""

_SEED = "seed"
_MOVER = "mover"
_SLOTS = "slots"
MOVER_BYTES = 16


class Hold(IntEnum):
    """What a set has of a slot."""

    NONE = 0  # it is another set's
    OWNED = 1
    FROZEN = 2  # owned: read, and not changed, because it is about to move away
    COMING = 3  # another set's: its keys are copied here


OWNING = frozenset({Hold.OWNED, Hold.FROZEN})

# The same as numbers, for loops over all slots: comparing members of an enumeration takes ten times as long.
_OWNING = frozenset(map(int, OWNING))
_COMING = int(Hold.COMING)


class CharterError(ValueError):
    """What stands where a charter should stand is none."""


@attrs.frozen
class Charter:
    """`holds[slot]` is a `Hold`; `mover` is whoever may move slots now, `seed` that of the layout."""

    seed: int
    mover: bytes
    holds: bytes = attrs.field(repr=False)

    def slot_of(self, bucket: str, key: bytes) -> int:
        """The slot of a key."""
        return slot_of(self.seed, bucket, key)

    def hold_of(self, slot: int) -> Hold:
        """What the set has of the slot."""
        return Hold(self.holds[slot])

    def owns(self, slot: int) -> bool:
        """Whether its keys are at home in the set."""
        return self.holds[slot] in _OWNING

    def owned(self) -> frozenset[int]:
        """All slots whose keys are at home in the set."""
        return frozenset(slot for slot, hold in enumerate(self.holds) if hold in _OWNING)

    def slots_with(self, hold: Hold) -> list[int]:
        """The slots of which it has just that."""
        wanted = int(hold)
        return [slot for slot, one in enumerate(self.holds) if one == wanted]

    def with_holds(self, slots: Collection[int], hold: Hold) -> Charter:
        """The same, but for these slots."""
        holds = bytearray(self.holds)
        for slot in slots:
            holds[slot] = hold
        return attrs.evolve(self, holds=bytes(holds))

    def taken_over(self, mover: bytes) -> Charter:
        """What a new mover begins with: nothing is frozen. What was on its way stays so until it has found
        out which of it has arrived.
        """
        holds = self.holds.replace(bytes([Hold.FROZEN]), bytes([Hold.OWNED]))
        return attrs.evolve(self, mover=mover, holds=holds)


def first_charter(seed: int, owners: Sequence[int], set_index: int) -> Charter:
    """That of a set which had none."""
    holds = bytes(Hold.OWNED if owner == set_index else Hold.NONE for owner in owners)
    return Charter(seed, bytes(MOVER_BYTES), holds)


def charter_fields(charter: Charter) -> dict[str, str]:
    """The charter as user metadata of its object."""
    packed = base64.b64encode(zlib.compress(charter.holds)).decode()
    return {_SEED: f"{charter.seed:x}", _MOVER: charter.mover.hex(), _SLOTS: packed}


def charter_of(fields: Mapping[str, str]) -> Charter:
    """The inverse of `charter_fields`; raises `CharterError`."""
    try:
        seed = int(fields.get(_SEED, ""), 16)
        mover = bytes.fromhex(fields.get(_MOVER, ""))
        unpacking = zlib.decompressobj()
        holds = unpacking.decompress(base64.b64decode(fields.get(_SLOTS, ""), validate=True), SLOTS + 1)
    except (ValueError, binascii.Error, zlib.error) as error:
        raise CharterError(f"the charter of a set cannot be read: {error}") from error
    if not unpacking.eof or len(mover) != MOVER_BYTES or len(holds) != SLOTS or max(holds) > max(Hold):
        raise CharterError(f"the charter of a set has {len(holds)} slots, and a mover of {len(mover)} bytes")
    return Charter(seed, mover, holds)


def pack_slots(slots: Collection[int]) -> bytes:
    """A set of slots as it travels: one bit each."""
    packed = bytearray(SLOTS // 8)
    for slot in slots:
        packed[slot >> 3] |= 1 << (slot & 7)
    return bytes(packed)


def unpack_slots(packed: bytes) -> frozenset[int]:
    """The inverse of `pack_slots`."""
    return frozenset(
        at * 8 + bit for at, byte in enumerate(packed[: SLOTS // 8]) for bit in range(8) if byte >> bit & 1
    )


def owners_of(base: Sequence[int], charters: Mapping[int, Charter]) -> tuple[int, ...]:
    """The owner of each slot, as far as it is known: what a charter claims, else what the layout says. A slot
    that is just between two sets belongs to the one that it goes to.
    """
    owners = list(base)
    claimed = bytearray(len(base))
    for index, charter in charters.items():
        for slot, hold in enumerate(charter.holds):
            if hold in _OWNING:
                owners[slot], claimed[slot] = index, True
    for index, charter in charters.items():
        for slot, hold in enumerate(charter.holds):
            if hold == _COMING and not claimed[slot] and base[slot] in charters:
                owners[slot] = index
    return tuple(owners)


def are_of_one_moment(base: Sequence[int], owned: Sequence[bytes]) -> bool:
    """Whether what the sets said to own, packed, one after the other, can be true of one moment: each slot
    has one owner. Nothing was said by sets without a charter.
    """
    claims = [
        int.from_bytes(packed or _packed_base(tuple(base), index), "little")
        for index, packed in enumerate(owned)
    ]
    united = 0
    for claim in claims:
        united |= claim
    return united == (1 << SLOTS) - 1 and sum(claim.bit_count() for claim in claims) == SLOTS


@lru_cache(maxsize=64)
def _packed_base(base: tuple[int, ...], index: int) -> bytes:
    return pack_slots([slot for slot, owner in enumerate(base) if owner == index])


def ownerless(base: Sequence[int], charters: Mapping[int, Charter]) -> dict[int, list[int]]:
    """The slots that nobody owns, by the set where they are to arrive. All sets have a charter."""
    found: dict[int, list[int]] = {}
    owned = frozenset().union(*(charter.owned() for charter in charters.values()))
    for slot in sorted(set(range(len(base))) - owned):
        coming = [index for index, charter in charters.items() if charter.holds[slot] == _COMING]
        assert len(coming) == 1, f"slot {slot} is nobody's, and comes to {coming}"
        found.setdefault(coming[0], []).append(slot)
    return found
