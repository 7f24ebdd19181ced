"""What a node of a cluster decides from what it has heard: wait, found or join."""

from __future__ import annotations

import attrs
import pytest

from rustfs_proto.topology.endpoints import parse_topology
from rustfs_proto.topology.findings import Condition
from rustfs_proto.topology.gathering import (
    Step,
    all_findings,
    judged_by,
    next_step,
    why_strange,
    with_own_verdicts,
)
from rustfs_proto.topology.verdicts import Wish
from rustfs_proto.wire.node_ops import Introduce, Introduced
from tests.unit.supervisor.formation_kit import formed, fresh_drives

TOPOLOGY = parse_topology(["http://n{1...4}:9000/d"])


def on_nodes(found):
    """A drive on each of four nodes, by the cluster's labels."""
    return [
        attrs.evolve(finding, path=label, node=node)
        for node, (finding, label) in enumerate(zip(found, TOPOLOGY.labels(), strict=True))
    ]


NO_WISH = Wish()


def heard(found, *numbers, serves=()):
    """What those nodes answer, each with its drive."""
    return {
        number: Introduced(number, "1", TOPOLOGY.text(), 0, (found[number],), number in serves)
        for number in numbers
    }


def step(own, found, *numbers, serves=(), is_patient=True, wish=NO_WISH):
    """The step of the node `own` that has heard those nodes."""
    answers = heard(found, *numbers, serves=serves)
    known = all_findings(TOPOLOGY, {found[own].path: found[own]}, answers)
    return next_step(own, known, answers, 4, wish, is_patient=is_patient)


def incomplete(finding):
    """As the first step of a founding leaves it."""
    deployment = attrs.evolve(finding.deployment, complete=False)
    return attrs.evolve(finding, deployment=deployment, has_data=False)


FRESH = on_nodes(fresh_drives(4))
FORMED = on_nodes(formed(4))
BEGUN = [incomplete(finding) for finding in FORMED]
UNUSED = [attrs.evolve(finding, has_data=False) for finding in FORMED]


@pytest.mark.parametrize("is_patient", [True, False])
def test_only_the_first_founds_and_only_with_all(is_patient):
    """However long it has waited, no node founds a deployment while another has not answered."""
    assert step(0, FRESH, 1, 2, 3, is_patient=is_patient) is Step.FOUND
    assert step(0, FRESH, 1, 2, is_patient=is_patient) is Step.WAIT
    assert step(1, FRESH, 0, 2, 3, is_patient=is_patient) is Step.WAIT
    assert step(0, BEGUN, 1, 2, is_patient=is_patient) is Step.WAIT


def test_an_interrupted_founding_is_begun_again():
    """As long as no drive has taken the last step; from then on all of them join."""
    assert step(0, BEGUN, 1, 2, 3) is Step.FOUND
    assert step(0, [*BEGUN[:2], *FRESH[2:]], 1, 2, 3) is Step.FOUND
    assert step(2, BEGUN, 0, 1, 3) is Step.WAIT
    for own in (0, 2):
        others = [number for number in range(4) if number != own]
        assert step(own, [*UNUSED[:2], *BEGUN[2:]], *others) is Step.JOIN


def test_nobody_founds_beside_one_that_serves():
    """A node that missed the last step joins those that took it."""
    mixed = [*UNUSED[:2], *BEGUN[2:]]
    for own in (0, 2):
        others = [number for number in range(4) if number != own]
        assert step(own, mixed, *others, serves=(1,)) is Step.JOIN
    assert step(0, [*BEGUN[:3], FORMED[3]], 1, 2, 3) is Step.JOIN


def test_a_later_start_waits_a_while_and_goes_on_alone():
    """With its drives as they should be, and nobody there, patience ends; with one that serves it goes at
    once.
    """
    assert step(1, FORMED) is Step.WAIT
    assert step(1, FORMED, is_patient=False) is Step.JOIN
    assert step(1, FORMED, 0, serves=(0,)) is Step.JOIN
    assert step(1, FORMED, 0, 2, 3) is Step.JOIN


def test_a_newer_layout_elsewhere_is_waited_for():
    """A node whose layout is older than one that it has heard of asks all others first."""
    newer = attrs.evolve(FORMED[0], deployment=attrs.evolve(FORMED[0].deployment, version=2))
    assert step(1, [newer, *FORMED[1:]], 0, serves=(0,)) is Step.WAIT
    assert step(1, [newer, *FORMED[1:]], 0, serves=(0,), is_patient=False) is Step.JOIN


def test_drives_of_silent_nodes():
    """They are unusable, and the sentence names the node."""
    found = all_findings(TOPOLOGY, {FORMED[0].path: FORMED[0]}, heard(FORMED, 1))
    assert [finding.condition for finding in found] == ["formatted", "formatted", "unusable", "unusable"]
    assert "node n3:9000 has not answered" in found[2].problem


def test_empty_drives_are_their_own_nodes_business():
    """What one node sees as empty on another it does not name in a layout."""
    judged = judged_by(0, [FRESH[0], FRESH[1], FORMED[2]])
    assert [finding.condition for finding in judged] == ["fresh", "unusable", "formatted"]


def test_each_node_judges_its_own_empty_drives():
    """What a node would not format it tells as unusable, because the founder knows nothing of its mounts."""
    (told,) = with_own_verdicts([FRESH[0]], Wish(format_free_bytes_min=1 << 60))
    assert told.condition is Condition.UNUSABLE
    assert "nearly full" in told.problem
    assert with_own_verdicts([FRESH[0]], Wish()) == [FRESH[0]]


@pytest.mark.parametrize(
    ("volumes", "wall_ms", "wanted"),
    [
        (["http://n{1...4}:9000/d"], 899_000, ""),
        (["http://n{1...4}:9000/d"], 901_000, "its clock is 901 s ahead of this node's"),
        (["http://n{1...4}:9000/d"], -3_600_000, "its clock is 3600 s behind"),
        (["http://n{1...5}:9000/d"], 0, "has 5 drives, this node 4"),
        (["http://n{1...4}:9000/e"], 0, "has n1:9000/e where this node has n1:9000/d"),
        (
            ["http://n1:9000/d", "http://n2:9000/d", "http://n3:9000/d", "http://n4:9000/d"],
            0,
            "has pools of 4/0",
        ),
    ],
)
def test_who_does_not_belong(volumes, wall_ms, wanted):
    """Other drives, pools or clocks are told with what was seen on both sides."""
    other = Introduce(1, "1", parse_topology(volumes).text(), wall_ms)
    strange = why_strange(Introduce(0, "1", TOPOLOGY.text(), 0), other, 900)
    assert wanted in strange
    assert bool(strange) == bool(wanted)
