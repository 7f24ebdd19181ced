"""How far a set can be renewed: which new drives may be formatted, and how a replaced drive is taken back.

A new drive is formatted only where k sound drives of its set could rebuild it; else the layout would name
drives that hold nothing, and the ones that hold everything would be refused when they come back. The operator
may accept it all the same, drive by drive.

A drive that is taken back was away while others were written to, so it heals, as long as the drives that
stayed can tell alone what is missing (n - W + 1 of them meet every acknowledged write). Where they cannot,
nothing could be read any more; then the drives are taken back as they were, provided that this makes the set
exactly what its layout was before. What was acknowledged in between is given up with the replacements.
"""

from __future__ import annotations

from collections.abc import Sequence

import attrs

from rustfs_proto.erasure.geometry import write_quorum
from rustfs_proto.topology import findings as say
from rustfs_proto.topology.deployment import Deployment, SetRecord
from rustfs_proto.topology.verdicts import Place, Verdict, Wish


def hold_back(verdicts: Sequence[Verdict], current: Deployment, wish: Wish) -> list[Verdict]:
    """Leave out the new drives that nothing could rebuild and nobody accepted."""
    return [
        _held_back(verdict, verdicts, current)
        if verdict.write_identity and verdict.path not in wish.accepted
        else verdict
        for verdict in verdicts
    ]


def _held_back(verdict: Verdict, verdicts: Sequence[Verdict], current: Deployment) -> Verdict:
    needed = _read_quorum(current.sets[verdict.set_index])
    sound = sum(other.set_index == verdict.set_index and other.is_sound() for other in verdicts)
    if sound >= needed:
        return verdict
    fault = say.beyond_repair(verdict.path, verdict.set_index, sound, needed)
    return attrs.evolve(verdict, identity=None, write_identity=False, fault=fault)


def take_back(verdicts: Sequence[Verdict], places: Sequence[Place], current: Deployment) -> list[Verdict]:
    """Settle in which state the drives marked `returns` come back, set by set."""
    settled: list[Verdict] = []
    for index, record in enumerate(current.sets):
        own = [verdict for verdict in verdicts if verdict.set_index == index]
        if any(verdict.returns for verdict in own):
            before = _layout_before(own, [place for place in places if place.set_index == index])
            own = _taken_back(own, record, before)
        settled += own
    return settled


def _layout_before(own: Sequence[Verdict], places: Sequence[Place]) -> SetRecord | None:
    """The set as the returning drives last knew it."""
    layouts = [
        place.finding.deployment
        for verdict, place in zip(own, places, strict=True)
        if verdict.returns and place.finding.deployment is not None
    ]
    newest = max(layouts, key=lambda layout: layout.version, default=None)
    return None if newest is None else newest.sets[own[0].set_index]


def _taken_back(own: Sequence[Verdict], record: SetRecord, before: SetRecord | None) -> list[Verdict]:
    k = _read_quorum(record)
    telling = len(own) - write_quorum(k, record.parity) + 1
    if sum(_stayed(verdict, record, before) for verdict in own) >= telling:
        return [_healing(verdict) if verdict.returns else verdict for verdict in own]
    sound = sum(verdict.is_sound() for verdict in own)
    if before is not None and _is_restored(own, record, before) and sound >= max(k, telling):
        return list(own)
    return [_refused(verdict) if verdict.returns else verdict for verdict in own]


def _stayed(verdict: Verdict, record: SetRecord, before: SetRecord | None) -> bool:
    """Whether the drive was there all the time. One that is away now but never was replaced counts, so that
    nobody's absences are believed too early.
    """
    if verdict.returns or not verdict.fault:
        return not verdict.returns and verdict.is_sound()
    slot = verdict.slot
    return before is not None and record.slots[slot].drive_id == before.slots[slot].drive_id


def _is_restored(own: Sequence[Verdict], record: SetRecord, before: SetRecord) -> bool:
    """Whether the set with the returning drives is the one of that layout, drive by drive."""
    after = [
        verdict.identity.drive_id if verdict.returns and verdict.identity is not None else slot.drive_id
        for verdict, slot in zip(own, record.slots, strict=True)
    ]
    return after == [slot.drive_id for slot in before.slots] and not any(v.write_identity for v in own)


def _healing(verdict: Verdict) -> Verdict:
    assert verdict.identity is not None, verdict
    healing = verdict.identity.healing("taken back after it had been replaced")
    return attrs.evolve(verdict, identity=healing, write_identity=True)


def _refused(verdict: Verdict) -> Verdict:
    fault = say.alone(verdict.path, verdict.set_index)
    return attrs.evolve(verdict, identity=None, returns=False, fault=fault)


def _read_quorum(record: SetRecord) -> int:
    return len(record.slots) - record.parity
