"""Pools that are added to a deployment: a start with more arguments than the drives know of.

- Only whole pools behind those that are there: the sets that are there stay as they are.
- The new drives are formatted as those of a first start are: with a layout that is not complete, which is
  made complete on every drive afterwards. Until one drive has the complete layout, nothing of the new pool
  counts, and its drives are formatted once more by the next start, whatever was written there.
- A set that is added owns no slots. Moving some there is another matter (`rustfs_proto.erasure.charter`).
"""

from __future__ import annotations

from collections.abc import Sequence

import attrs

from rustfs_proto.topology import findings as say
from rustfs_proto.topology.deployment import Deployment, SetRecord, SlotRecord
from rustfs_proto.topology.findings import Condition
from rustfs_proto.topology.first_start import parities_of, sizes_of
from rustfs_proto.topology.verdicts import Place, Wish, why_unformattable


def grown_by(current: Deployment, wish: Wish) -> Deployment | None:
    """The layout with the pools that the wish has more than it, without drives; None where there are none
    that can be added. Raises `SizingError`, or `Refusal` for their parity.
    """
    if not wish.may_grow or len(wish.pools) < 2:
        return None
    sizes = sizes_of(wish.pools, wish.set_drives)
    known = current.sizes()
    begins = {len(sizes_of(wish.pools[:count], wish.set_drives)) for count in range(1, len(wish.pools))}
    if len(known) not in begins or sizes[: len(known)] != known:
        return None
    added = sizes[len(known) :]
    sets = tuple(
        SetRecord(parity, (SlotRecord(),) * size)
        for parity, size in zip(parities_of(added, wish.parity, wish.parity_setting), added, strict=True)
    )
    return attrs.evolve(
        current,
        version=current.version + 1,
        sets=(*current.sets, *sets),
        founded_sets=current.founded_sets or len(known),
    )


def why_not_added(place: Place, places: Sequence[Place], grown: Deployment, wish: Wish) -> str:
    """Why a drive of an added set is not formatted; empty where it is."""
    finding = place.finding
    if finding.problem:
        return finding.problem
    if finding.condition is Condition.FRESH:
        return why_unformattable(finding, None, [other.finding for other in places], wish)
    identity = finding.identity
    assert identity is not None, finding
    if identity.deployment_id != grown.deployment_id:
        return say.wrong_deployment(finding.path, identity.deployment_id, grown.deployment_id)
    # It was formatted by a start that did not get to its end.
    was_begun = finding.deployment is not None and not finding.deployment.complete
    return "" if was_begun and not finding.has_data else say.interrupted(finding.path)
