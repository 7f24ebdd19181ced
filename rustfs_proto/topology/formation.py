"""Decisions at a node's start: which drives form the deployment, which are formatted, which are left out and
why.

The rules:

- No drive is formatted: this is a first start. Every usable drive is formatted and its absences count (state
  ok), because nobody was ever promised anything.
- Otherwise the deployment most formatted drives belong to is ours; a tie is refused. Its layout of the
  highest version says who is in which slot. An empty folder in it is a replacement: formatted HEALING, and
  only where its file system is mounted where the old drive's was and k sound drives of its set take part in
  the same start. Beyond that the operator must accept each.
- A drive whose slot went to a replacement is left out, or taken back where the operator accepts it; in which
  state says `replacements`.
- A drive that does not fit is left out with a sentence saying why. It is never written to.
- No storage class may ask for more parity than a set has.
- Pools that stand behind those of the layout are added to it; see `growing`.
- The node starts when every set keeps its read quorum, and says so when that is all it keeps; a first start
  needs the write quorum.

Crash safety of the first formatting. It writes every founding drive with a layout that is not `complete`,
then makes it complete on every one; the node serves only afterwards. So a layout that is incomplete on any
founding drive proves that nothing was ever stored, and the formatting is done all over again, under a new
deployment id. A drive that was away by then returns with the old id and is left out as foreign.

A replacement is written on the new drive first and then the raised layout on the others; again the node
serves only afterwards, and the highest version wins if this was interrupted. A drive that is taken back to
heal is made HEALING before any layout names it.

Nothing here looks at a drive: findings come in, verdicts go out, ids and the time are arguments.
"""

from __future__ import annotations

from collections.abc import Sequence

import attrs

from rustfs_proto.disk.identity import HEALING
from rustfs_proto.erasure.geometry import write_quorum
from rustfs_proto.erasure.storage_classes import class_parities
from rustfs_proto.topology import findings as say
from rustfs_proto.topology.findings import Condition, Finding
from rustfs_proto.topology.first_start import first_formation, was_interrupted
from rustfs_proto.topology.rejoin import joined_formation, majority
from rustfs_proto.topology.verdicts import Formation, Refusal, Wish


def decide(found: Sequence[Finding], wish: Wish, new_ids: Sequence[str], now_ms: int) -> Formation:
    """The formation of these drives, given in the order of their slots: a first one, or a later one.

    `new_ids` are fresh uuids: one for a deployment and one for each drive. Raises `Refusal`, or
    `SizingError` where these drives form no sets.
    """
    decided = join if is_founded(found) else found_deployment
    return decided(found, wish, new_ids, now_ms)


def is_founded(found: Sequence[Finding]) -> bool:
    """Whether a deployment is there already, all of these drives being told of."""
    has_identity = any(finding.condition is Condition.FORMATTED for finding in found)
    return has_identity and not was_interrupted(found)


def found_deployment(found: Sequence[Finding], wish: Wish, new_ids: Sequence[str], now_ms: int) -> Formation:
    """A first start, or an interrupted one over again."""
    assert len(new_ids) == len(found) + 1, (len(new_ids), len(found))
    return _warned(first_formation(found, wish, new_ids, now_ms), found, wish)


def join(found: Sequence[Finding], wish: Wish, new_ids: Sequence[str], now_ms: int) -> Formation:
    """A later start."""
    assert len(new_ids) == len(found) + 1, (len(new_ids), len(found))
    formatted = [finding for finding in found if finding.condition is Condition.FORMATTED]
    return _warned(joined_formation(found, wish, new_ids, now_ms, majority(formatted)), found, wish)


def _warned(formation: Formation, found: Sequence[Finding], wish: Wish) -> Formation:
    _check_classes(formation, wish)
    warnings = (*check_quorums(formation, wish), *_of_own(formation, found, wish))
    return attrs.evolve(formation, warnings=warnings)


def _check_classes(formation: Formation, wish: Wish) -> None:
    for index, parity in enumerate(formation.deployment.parities()):
        try:
            class_parities(wish.classes, parity)
        except ValueError as error:
            raise Refusal(f"set {index}: {error}") from error


def _of_own(formation: Formation, found: Sequence[Finding], wish: Wish) -> list[str]:
    """Warnings about the drives of the node that asks; the others' are told by their own nodes."""
    own = [finding for finding in found if finding.node == wish.own_node]
    paths = {finding.path for finding in own}
    faults = [verdict.fault for verdict in formation.verdicts if verdict.fault and verdict.path in paths]
    return [*faults, *check_mounts(own)]


def check_quorums(formation: Formation, wish: Wish) -> list[str]:
    """Warnings about sets that lack drives; refuses where one could not be founded, or not even be read and
    nobody else will come.
    """
    warnings: list[str] = []
    for index, record in enumerate(formation.deployment.sets):
        k = len(record.slots) - record.parity
        is_added = formation.added_from is not None and index >= formation.added_from
        is_new = formation.first or is_added
        needed = write_quorum(k, record.parity) if is_new else k
        own = [verdict for verdict in formation.verdicts if verdict.set_index == index]
        well = [verdict for verdict in own if not verdict.fault]
        if len(well) < needed and (is_new or not wish.others_come):
            reasons = "\n".join(f"  {verdict.fault}" for verdict in own if verdict.fault)
            usable = say.drives(len(well), "usable")
            raise Refusal(f"set {index} has {usable} of {len(own)} and needs {needed}:\n{reasons}")
        if len(well) < write_quorum(k, record.parity):
            able = "can be read but not written" if len(well) >= k else "cannot be read yet"
            warnings.append(f"set {index} {able}: {say.drives(len(well), 'usable')} of {len(own)}")
        healing = [v.path for v in well if v.identity is not None and v.identity.state == HEALING]
        if healing:
            warnings.append(f"set {index} has drives that are being healed: {', '.join(healing)}")
    return warnings


def check_mounts(found: Sequence[Finding]) -> list[str]:
    """Drives on one file system fail together: fine for a trial, not for data."""
    usable = [finding for finding in found if finding.condition is not Condition.UNUSABLE]
    shared = {
        mount: [finding.path for finding in usable if finding.mount == mount]
        for mount in sorted({finding.mount for finding in usable})
    }
    return [
        f"{len(paths)} drives are folders of one file system (mounted at {mount}) and fail together:"
        f" {', '.join(paths)}; give each a disk of its own"
        for mount, paths in shared.items()
        if len(paths) > 1
    ]
