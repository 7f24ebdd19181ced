"""Pools that are added to a cluster: its nodes are started with more arguments than their drives know of.

What `growing` says of pools holds here. Besides, several nodes write, so they do it as they found a
deployment: the first node of the list decides once all have answered, all nodes take the first step before
any takes the second, and one drive with the complete layout proves that there is no way back.

Nothing else is decided with it: an empty drive of a pool that was there is formatted, and a replaced one
taken back, by the join that follows.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

import attrs

from rustfs_proto.topology import findings as say
from rustfs_proto.topology.deployment import Deployment
from rustfs_proto.topology.findings import Condition, Finding
from rustfs_proto.topology.formation import join
from rustfs_proto.topology.growing import grown_by
from rustfs_proto.topology.verdicts import Formation, Wish


def drives_before(found: Sequence[Finding], wish: Wish) -> int | None:
    """How many drives the deployment has, where the wish has pools more; None where it has not. Raises as
    `grown_by` does.
    """
    layouts = [one.deployment for one in found if one.deployment is not None and one.deployment.complete]
    if not layouts:
        return None
    newest = max(layouts, key=lambda layout: layout.version)
    grown = grown_by(newest, attrs.evolve(wish, may_grow=True))
    return None if grown is None else sum(newest.sizes())


def grow(found: Sequence[Finding], wish: Wish, new_ids: Sequence[str], now_ms: int) -> Formation:
    """The formation with the added pools; all nodes were heard, and have judged their own empty drives.
    Raises as `join` does.
    """
    known = drives_before(found, wish)
    assert known is not None
    judged = [*map(_left_alone, found[:known]), *found[known:]]
    added = frozenset(finding.path for finding in found[known:])
    sole = attrs.evolve(wish, may_grow=True, others_come=False, accepted=added)
    return join(judged, sole, new_ids, now_ms)


def _left_alone(finding: Finding) -> Finding:
    if finding.condition is not Condition.FRESH:
        return finding
    problem = say.left_to_its_node(finding.path)
    return attrs.evolve(finding, condition=Condition.UNUSABLE, problem=problem)


def why_not_begun(own: Sequence[Finding], deployment: Deployment, labels: Collection[str]) -> str:
    """Why a node with these drives does not take the first step, with which those of the labels are formatted
    for that layout; empty where it does.
    """
    for finding in own:
        layout = finding.deployment
        if layout is None or not layout.complete:
            continue
        if layout.deployment_id == deployment.deployment_id and layout.version >= deployment.version:
            return f"{finding.path} has version {layout.version} of the layout already"
    for finding in own:
        if finding.path in labels and not _is_unused(finding):
            return f"{finding.path} is not an empty folder"
    return ""


def _is_unused(finding: Finding) -> bool:
    """Whether it is empty, or as a first step has left it."""
    if finding.condition is Condition.FRESH:
        return True
    layout = finding.deployment
    return layout is not None and not layout.complete and not finding.has_data
