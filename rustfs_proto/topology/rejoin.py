"""A later start: every drive that is where it belongs takes part, empty ones become replacements, the rest is
left out.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import attrs

from rustfs_proto.disk.identity import DriveIdentity
from rustfs_proto.topology import findings as say
from rustfs_proto.topology.deployment import Deployment, SetRecord, SlotRecord
from rustfs_proto.topology.findings import Condition, Finding
from rustfs_proto.topology.growing import grown_by, why_not_added
from rustfs_proto.topology.replacements import hold_back, take_back
from rustfs_proto.topology.verdicts import (
    Formation,
    Place,
    Refusal,
    Verdict,
    Wish,
    new_identity,
    places_of,
    slot_words,
    why_unformattable,
)


def majority(formatted: Sequence[Finding]) -> str:
    """The deployment that most drives belong to."""
    counts = Counter(finding.identity.deployment_id for finding in formatted if finding.identity is not None)
    (first, most), *others = counts.most_common(2)
    if not others or most > others[0][1]:
        return first
    listed = "; ".join(
        f"{finding.path}: {finding.identity.deployment_id}"
        for finding in formatted
        if finding.identity is not None
    )
    raise Refusal(
        "the drives belong to different deployments and none has the majority; "
        f"name only the drives of the one to start ({listed})"
    )


def joined_formation(
    found: Sequence[Finding], wish: Wish, new_ids: Sequence[str], now_ms: int, deployment_id: str
) -> Formation:
    """Take every drive that is where it belongs, and format replacements."""
    current = _current_layout(found, deployment_id)
    grown = grown_by(current, wish)
    if grown is not None:
        return grown_formation(found, wish, new_ids, now_ms, grown, len(current.sets))
    _check_wish(current, found, wish)
    places = places_of(found, current.sizes())
    verdicts = _verdicts(places, current, wish, new_ids, now_ms)
    return _formation(current, verdicts, places)


def grown_formation(
    found: Sequence[Finding],
    wish: Wish,
    new_ids: Sequence[str],
    now_ms: int,
    grown: Deployment,
    added_from: int,
) -> Formation:
    """The same with the sets from `added_from` on formatted: they have nothing to keep yet, so the absences
    of their drives count, as at a first start.
    """
    places = places_of(found, grown.sizes())
    known = [place for place in places if place.set_index < added_from]
    verdicts = _verdicts(known, grown, wish, new_ids, now_ms)
    for place, drive_id in zip(places[len(known) :], new_ids[1 + len(known) :], strict=True):
        fault = why_not_added(place, places, grown, wish)
        identity = (
            None if fault else new_identity(grown.deployment_id, place, grown.sizes(), drive_id, now_ms)
        )
        path = place.finding.path
        verdicts.append(Verdict(path, place.set_index, place.slot, identity, fault, write_identity=not fault))
    formation = _formation(grown, verdicts, places)
    return attrs.evolve(formation, added_from=added_from)


def _verdicts(
    places: Sequence[Place], current: Deployment, wish: Wish, new_ids: Sequence[str], now_ms: int
) -> list[Verdict]:
    deployment_id = current.deployment_id
    verdicts = []
    for place, drive_id in zip(places, new_ids[1:], strict=False):
        verdict = _judge(place, places, current, wish)
        if place.finding.condition is Condition.FRESH and not verdict.fault:
            fresh = new_identity(deployment_id, place, current.sizes(), drive_id, now_ms)
            identity = fresh.healing("formatted into a deployment that holds data")
            verdict = attrs.evolve(verdict, identity=identity, write_identity=True)
        verdicts.append(verdict)
    return hold_back(take_back(verdicts, places, current), current, wish)


def _formation(current: Deployment, verdicts: Sequence[Verdict], places: Sequence[Place]) -> Formation:
    deployment = _with_replacements(current, verdicts, places)
    kept = tuple(
        attrs.evolve(verdict, write_layout=not verdict.fault and place.finding.deployment != deployment)
        for verdict, place in zip(verdicts, places, strict=True)
    )
    return Formation(deployment, kept, first=False)


def _current_layout(found: Sequence[Finding], deployment_id: str) -> Deployment:
    """The newest layout that a drive of the deployment has; incomplete ones were never served from."""
    layouts = [
        finding.deployment
        for finding in found
        if finding.deployment is not None
        and finding.deployment.complete
        and finding.deployment.deployment_id == deployment_id
    ]
    if not layouts:
        raise Refusal(
            f"no drive of deployment {deployment_id} has a readable layout.json; restore it on one of them"
        )
    return max(layouts, key=lambda layout: layout.version)


def _check_wish(current: Deployment, found: Sequence[Finding], wish: Wish) -> None:
    """The shape of a deployment is fixed by its first formatting."""
    if len(found) != sum(current.sizes()):
        carried = "; ".join(
            f"{finding.path} is {slot_words(finding.identity.set_index, finding.identity.slot)}"
            for finding in found
            if finding.identity is not None and finding.identity.deployment_id == current.deployment_id
        )
        raise Refusal(
            f"deployment {current.deployment_id} has {say.drives(sum(current.sizes()))}, given are"
            f" {len(found)} ({carried}); name exactly its drives, in their original order, those that are"
            " away too"
        )
    if wish.parity >= 0 and any(parity != wish.parity for parity in current.parities()):
        raise Refusal(
            f"parity {wish.parity} is configured, the drives were formatted with {current.parities()[0]};"
            f" it is fixed at the first formatting: remove the setting {wish.parity_setting}"
        )
    if wish.set_drives and any(size != wish.set_drives for size in current.sizes()):
        raise Refusal(
            f"sets of {wish.set_drives} drives are configured, the drives were formatted as sets of"
            f" {current.sizes()[0]}; it is fixed at the first formatting: remove the setting node.set_drives"
        )


def _judge(place: Place, places: Sequence[Place], current: Deployment, wish: Wish) -> Verdict:
    """Whether the drive takes part as it is, without formatting."""
    finding = place.finding
    verdict = Verdict(finding.path, place.set_index, place.slot)
    record = current.sets[place.set_index].slots[place.slot]
    if finding.problem:
        return attrs.evolve(verdict, fault=finding.problem)
    if finding.identity is None:
        all_findings = [other.finding for other in places]
        return attrs.evolve(verdict, fault=why_unformattable(finding, record, all_findings, wish))
    fault = _misfit(place, finding.identity, places, current)
    if not fault and finding.free_bytes < wish.start_free_bytes_min:
        fault = say.nearly_full(finding.path, finding.free_bytes, wish.start_free_bytes_min)
    if fault:
        return attrs.evolve(verdict, fault=fault)
    if finding.identity.drive_id == record.drive_id:
        return attrs.evolve(verdict, identity=finding.identity)
    return _judge_replaced(verdict, finding.identity, record, wish)


def _judge_replaced(verdict: Verdict, identity: DriveIdentity, record: SlotRecord, wish: Wish) -> Verdict:
    """A drive whose slot went to another."""
    if verdict.path not in wish.accepted:
        successor = record.drive_id or "nobody"
        return attrs.evolve(verdict, fault=say.superseded(verdict.path, identity.drive_id, successor))
    return attrs.evolve(verdict, identity=identity, returns=True)


def _misfit(place: Place, identity: DriveIdentity, places: Sequence[Place], current: Deployment) -> str:
    """Why a formatted drive does not belong where it is given; empty where it does."""
    path = place.finding.path
    if identity.deployment_id != current.deployment_id:
        return say.wrong_deployment(path, identity.deployment_id, current.deployment_id)
    if (identity.set_index, identity.slot) != (place.set_index, place.slot):
        return _misplaced(place, identity, places)
    # A drive that the founding named and did not reach to its end was away since: nothing is stored there.
    named = current.sets[place.set_index].slots[place.slot].drive_id == identity.drive_id
    is_whole = place.finding.deployment is None or place.finding.deployment.complete
    return "" if is_whole or (named and not place.finding.has_data) else say.interrupted(path)


def _misplaced(place: Place, identity: DriveIdentity, places: Sequence[Place]) -> str:
    """Swapped, or a copy of a drive that is in its place."""
    home = next(
        (other for other in places if (other.set_index, other.slot) == (identity.set_index, identity.slot)),
        None,
    )
    rightful = home.finding.path if home is not None else "no folder"
    if home is not None and home.finding.identity is not None:
        twin = home.finding.identity
        if twin.drive_id == identity.drive_id:
            return say.copied(place.finding.path, rightful, identity.drive_id)
    was = slot_words(identity.set_index, identity.slot)
    return say.wrong_place(place.finding.path, was, place.words(), rightful)


def _with_replacements(
    current: Deployment, verdicts: Sequence[Verdict], places: Sequence[Place]
) -> Deployment:
    """The layout with the new drives and those taken back in it, one version up; the same one where there
    are none.
    """
    new = {
        (verdict.set_index, verdict.slot): SlotRecord(verdict.identity.drive_id, place.finding.mount)
        for verdict, place in zip(verdicts, places, strict=True)
        if (verdict.write_identity or verdict.returns) and verdict.identity is not None
    }
    if not new:
        return current
    sets = tuple(
        SetRecord(record.parity, tuple(new.get((index, slot), old) for slot, old in enumerate(record.slots)))
        for index, record in enumerate(current.sets)
    )
    return attrs.evolve(current, version=current.version + 1, sets=sets)
