"""The first start of a deployment: every usable drive is formatted, and its absences count from then on.

An interrupted first formatting is recognised here and begun anew; why that is safe stands in `formation`.
"""

from __future__ import annotations

from collections.abc import Sequence

from rustfs_proto.erasure.geometry import check_parity, default_parity
from rustfs_proto.erasure.sizing import sets_of_pool
from rustfs_proto.topology.deployment import Deployment, SetRecord, SlotRecord
from rustfs_proto.topology.endpoints import PoolShape
from rustfs_proto.topology.findings import Finding
from rustfs_proto.topology.verdicts import (
    Formation,
    Refusal,
    Verdict,
    Wish,
    new_identity,
    places_of,
    why_unformattable,
)


def was_interrupted(found: Sequence[Finding]) -> bool:
    """Whether all there is are the beginnings of one first formatting."""
    formatted = [finding for finding in found if finding.identity is not None]
    ids = {finding.identity.deployment_id for finding in formatted if finding.identity is not None}
    return (
        len(ids) == 1
        and not any(finding.has_data for finding in formatted)
        and any(finding.deployment is not None and not finding.deployment.complete for finding in formatted)
    )


def first_formation(found: Sequence[Finding], wish: Wish, new_ids: Sequence[str], now_ms: int) -> Formation:
    """Format every usable drive. An interrupted formatting is begun anew, whatever it had written."""
    deployment_id, *drive_ids = new_ids
    sizes = sizes_of(wish.pools or (PoolShape(len(found)),), wish.set_drives)
    parities = parities_of(sizes, wish.parity, wish.parity_setting)
    verdicts = []
    for place, drive_id in zip(places_of(found, sizes), drive_ids, strict=True):
        fault = place.finding.problem or why_unformattable(place.finding, None, found, wish)
        identity = None if fault else new_identity(deployment_id, place, sizes, drive_id, now_ms)
        verdicts.append(
            Verdict(place.finding.path, place.set_index, place.slot, identity, fault, not fault, not fault)
        )
    sets = tuple(
        SetRecord(
            parity, tuple(_record(v, f) for v, f in zip(verdicts, found, strict=True) if v.set_index == index)
        )
        for index, parity in enumerate(parities)
    )
    return Formation(Deployment(deployment_id, 1, complete=True, sets=sets), tuple(verdicts), first=True)


def sizes_of(pools: Sequence[PoolShape], wanted: int) -> tuple[int, ...]:
    """Sizes of the sets of all pools, pool after pool. Raises `SizingError`."""
    return tuple(size for pool in pools for size in sets_of_pool(pool.drives, pool.hosts, wanted))


def parities_of(sizes: Sequence[int], wanted: int, setting: str) -> list[int]:
    """Parity shards of sets of these sizes, as wanted by `setting` or (below 0) as the rules say. Raises
    `Refusal`.
    """
    return [_parity(size, wanted, setting) for size in sizes]


def _parity(size: int, wanted: int, setting: str) -> int:
    if wanted < 0:
        return default_parity(size)
    try:
        check_parity(size, wanted)
    except ValueError as error:
        raise Refusal(f"{setting}: {error}") from error
    return wanted


def _record(verdict: Verdict, finding: Finding) -> SlotRecord:
    return SlotRecord() if verdict.identity is None else SlotRecord(verdict.identity.drive_id, finding.mount)
