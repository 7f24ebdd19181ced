"""What a node of a cluster makes of what the others answer while it starts: whether it may go on, and with
what.

The rules stand in full at `rustfs_node.supervisor.assembly`, which does what is decided here.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from enum import Enum

import attrs

from rustfs_proto.topology import findings as say
from rustfs_proto.topology.cluster_growing import drives_before
from rustfs_proto.topology.endpoints import Topology
from rustfs_proto.topology.findings import Condition, Finding
from rustfs_proto.topology.verdicts import Wish, why_unformattable
from rustfs_proto.wire.node_ops import Introduce, Introduced

FOUNDER = 0
"""The node that founds the deployment, and adds pools to it."""


class Step(Enum):
    """What to do next."""

    WAIT = "wait"
    FOUND = "found"
    GROW = "grow"
    JOIN = "join"


def next_step(
    own: int,
    found: Sequence[Finding],
    heard: Mapping[int, Introduced],
    nodes: int,
    wish: Wish,
    *,
    is_patient: bool,
) -> Step:
    """For the node `own` of `nodes`, which knows `found` of all drives and has `heard` these nodes; it waits
    for the others as long as it `is_patient`. Raises `SizingError` or `Refusal` for pools that cannot be.
    """
    is_complete = len(heard) == nodes - 1
    serves = any(answer.serves for answer in heard.values())
    # One drive with a complete layout is enough: all nodes had taken the first step before any took the
    # second.
    if not any(_is_founded(finding) for finding in found):
        return Step.FOUND if is_complete and own == FOUNDER else Step.WAIT
    # The same holds for pools that are added: who has not the layout with them waits for all.
    if drives_before(found, wish) is not None:
        return Step.GROW if is_complete and own == FOUNDER else Step.WAIT
    if is_complete or not is_patient or (serves and _is_up_to_date(own, found)):
        return Step.JOIN
    return Step.WAIT


def _is_founded(finding: Finding) -> bool:
    return finding.deployment is not None and finding.deployment.complete


def _is_up_to_date(own: int, found: Sequence[Finding]) -> bool:
    """Whether the drives of that node need nothing that others know."""
    newest = max(finding.deployment.version for finding in found if finding.deployment is not None)
    return all(
        _is_founded(finding) and finding.deployment is not None and finding.deployment.version == newest
        for finding in found
        if finding.node == own
    )


def all_findings(
    topology: Topology, own: Mapping[str, Finding], heard: Mapping[int, Introduced]
) -> list[Finding]:
    """Of every drive, in the order of the slots. `own` by label."""
    told = {finding.path: finding for answer in heard.values() for finding in answer.findings} | dict(own)
    found = []
    for endpoint in topology.drives:
        label = topology.label(endpoint)
        problem = say.unanswered(label, str(topology.nodes[endpoint.node]))
        unknown = Finding(label, Condition.UNUSABLE, problem, node=endpoint.node)
        found.append(told.get(label, unknown))
    return found


def judged_by(own: int, found: Sequence[Finding]) -> list[Finding]:
    """The findings as the node `own` may act on them: its node formats an empty drive elsewhere."""
    return [
        attrs.evolve(finding, condition=Condition.UNUSABLE, problem=say.left_to_its_node(finding.path))
        if finding.node != own and finding.condition is Condition.FRESH
        else finding
        for finding in found
    ]


def with_own_verdicts(found: Sequence[Finding], wish: Wish, added: Collection[str] = ()) -> list[Finding]:
    """A node's own findings as it tells them: what it would not have formatted for a deployment or a pool
    that is to be founded is unusable, because the founder knows neither its mounts nor what its operator
    accepted. `added` are the labels of pools that its drives do not know of.
    """
    are_new = not any(_is_of_deployment(finding) for finding in found)
    judged = []
    for finding in found:
        is_judged = finding.condition is Condition.FRESH and (are_new or finding.path in added)
        fault = why_unformattable(finding, None, found, wish) if is_judged else ""
        judged.append(
            attrs.evolve(finding, condition=Condition.UNUSABLE, problem=fault) if fault else finding
        )
    return judged


def _is_of_deployment(finding: Finding) -> bool:
    """Whether it was formatted to the end."""
    is_begun = finding.deployment is not None and not finding.deployment.complete
    return finding.condition is Condition.FORMATTED and not is_begun


def why_strange(own: Introduce, other: Introduce | Introduced, skew_max_s: float) -> str:
    """Why the other node cannot belong to the cluster of this one; empty where it can."""
    if own.topology != other.topology:
        return _difference(own.topology.splitlines(), other.topology.splitlines())
    skew_s = (other.wall_ms - own.wall_ms) / 1000
    if abs(skew_s) > skew_max_s:
        ahead = "ahead of" if skew_s > 0 else "behind"
        return (
            f"its clock is {abs(skew_s):.0f} s {ahead} this node's, cluster.clock_skew_max_s allows"
            f" {skew_max_s:.0f}: set the clocks (chronyc makestep)"
        )
    return ""


def _difference(own: Sequence[str], other: Sequence[str]) -> str:
    """Where two topologies part; their first lines are the shapes of the pools."""
    remedy = "give the same arguments in the same order on all nodes"
    for here, there in zip(own[1:], other[1:], strict=False):
        if here != there:
            return f"has {there} where this node has {here}: {remedy}"
    if len(own) != len(other):
        return f"has {say.drives(len(other) - 1)}, this node {len(own) - 1}: {remedy}"
    return f"has pools of {other[0]} (drives/hosts), this node of {own[0]}: {remedy}"
