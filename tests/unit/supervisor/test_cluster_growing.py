"""When a cluster takes a pool more, and which drives it formats then."""

from __future__ import annotations

import attrs
import pytest

from rustfs_proto.topology.cluster_growing import drives_before, grow, why_not_begun
from rustfs_proto.topology.endpoints import PoolShape
from rustfs_proto.topology.findings import Condition
from rustfs_proto.topology.gathering import Step, next_step, with_own_verdicts
from rustfs_proto.topology.verdicts import Refusal, Wish
from rustfs_proto.wire.node_ops import Introduced
from tests.unit.supervisor.formation_kit import IDS, NOW_MS, afterwards, faults, formed, fresh, unusable

WISH = Wish(pools=(PoolShape(4), PoolShape(2)))
KNOWN = [attrs.evolve(finding, node=node) for node, finding in enumerate(formed(4))]
NEW = [fresh("/m0", node=0), fresh("/m1", node=4)]
FOUND = [*KNOWN, *NEW]


def grown(found, wish=WISH):
    """The formation, of five nodes that have all answered."""
    return grow(found, wish, IDS[100 : 101 + len(found)], NOW_MS)


def step(own, found, *heard, wish=WISH):
    """What that one of five nodes does, having heard these for as long as it waits."""
    answers = {number: Introduced(number, "1", "", 0, (), serves=True) for number in heard}
    return next_step(own, found, answers, 5, wish, is_patient=False)


def test_it_takes_all_nodes() -> None:
    """The first one begins when all have answered, and nobody goes on without the new pool, for however long
    it has waited, or whoever serves.
    """
    assert step(0, FOUND, 1, 2, 3, 4) is Step.GROW
    assert step(0, FOUND, 1, 2, 3) is Step.WAIT
    assert step(1, FOUND, 0, 2, 3, 4) is Step.WAIT
    assert step(1, FOUND, 0) is Step.WAIT


def test_one_complete_layout_is_enough() -> None:
    """From the first drive on that has it, all join; what is only begun does not count."""
    later = afterwards(FOUND, grown(FOUND), has_data=False)
    incomplete = attrs.evolve(later[5].deployment, complete=False)
    begun = [*KNOWN, *(attrs.evolve(finding, deployment=incomplete) for finding in later[4:])]
    assert step(0, begun, 1, 2, 3, 4) is Step.GROW
    assert step(3, [later[0], *begun[1:]]) is Step.JOIN


def test_nothing_else_is_decided_with_it() -> None:
    """An empty drive of the old pool is left alone, a replaced one is not taken back, and the layout says of
    the old pool what it said.
    """
    stranger = attrs.evolve(KNOWN[1], identity=attrs.evolve(KNOWN[1].identity, drive_id="before"))
    wish = attrs.evolve(WISH, accepted=frozenset({KNOWN[1].path}))
    formation = grown([fresh("/d0"), stranger, *KNOWN[2:], *NEW], wish)
    assert formation.deployment.sets[0] == KNOWN[0].deployment.sets[0]
    assert set(faults(formation)) == {"/d0", KNOWN[1].path}
    assert [verdict.write_identity for verdict in formation.verdicts] == [False] * 4 + [True] * 2


def test_a_pool_without_a_quorum_is_not_added() -> None:
    """It says what is wrong with its drives."""
    with pytest.raises(Refusal, match="set 1 has 1 usable drive of 2 and needs 2"):
        grown([*KNOWN, NEW[0], unusable("/m1")])


@pytest.mark.parametrize(
    "pools",
    [(PoolShape(4),), (PoolShape(6),), (PoolShape(2), PoolShape(4)), (PoolShape(3), PoolShape(3))],
)
def test_whatever_is_no_further_pool(pools) -> None:
    """The start goes on, and is refused or not as ever."""
    assert drives_before(FOUND, Wish(pools=pools)) is None
    assert step(1, FOUND, 0, wish=Wish(pools=pools)) is Step.JOIN


def test_no_drive_is_formatted_that_holds_anything() -> None:
    """A node takes the first step for empty folders and for what an earlier first step has left, and for
    nothing once it has the layout.
    """
    layout = grown(FOUND).deployment
    later = afterwards(FOUND, grown(FOUND), has_data=False)
    incomplete = attrs.evolve(layout, complete=False)
    begun = attrs.evolve(later[4], deployment=incomplete)
    assert why_not_begun([KNOWN[0], NEW[0]], layout, ["/m0"]) == ""
    assert why_not_begun([KNOWN[0], begun], layout, ["/m0"]) == ""
    used = attrs.evolve(begun, has_data=True)
    for drive in (used, unusable("/m0"), attrs.evolve(formed(1)[0], path="/m0")):
        assert "/m0" in why_not_begun([KNOWN[0], drive], layout, ["/m0"])
    assert "has version" in why_not_begun([later[0], NEW[0]], layout, ["/m0"])


def test_each_node_judges_its_own_empty_drives() -> None:
    """Those of the new pool, before the first node asks to have them formatted."""
    wish = Wish(format_free_bytes_min=1 << 60)
    told = with_own_verdicts([KNOWN[0], fresh("/d1"), NEW[0]], wish, ["/m0"])
    assert [one.condition for one in told] == [Condition.FORMATTED, Condition.FRESH, Condition.UNUSABLE]
