"""Pools that are added by a start with more arguments."""

from __future__ import annotations

import attrs
import pytest

from rustfs_node.config import Settings
from rustfs_node.plan import Credentials
from rustfs_node.supervisor.planning import make_plan
from rustfs_proto.disk.identity import HEALING, OK
from rustfs_proto.topology.deployment import format_deployment, parse_deployment
from rustfs_proto.topology.endpoints import PoolShape
from rustfs_proto.topology.verdicts import Refusal, Wish
from tests.unit.supervisor.formation_kit import afterwards, formed, fresh, outcome, unusable

TWO = Wish(pools=(PoolShape(4), PoolShape(3)), may_grow=True)
ADDED = [fresh(f"/m{number}") for number in range(3)]


def grown():
    """A deployment of four drives, and three more as found and decided."""
    found = [*formed(4), *ADDED]
    return found, outcome(found, TWO, first_id=100)


def test_a_pool_is_added_by_naming_it() -> None:
    """Its drives are formatted, their absences count, the layout is one of a later version, and what was
    there is not touched but for that.
    """
    found, formation = grown()
    deployment = formation.deployment
    assert (deployment.sizes(), deployment.parities()) == ((4, 3), (2, 1))
    assert deployment.deployment_id == found[0].deployment.deployment_id
    assert deployment.version > found[0].deployment.version
    assert not formation.first and formation.added_from == 1
    assert [verdict.write_identity for verdict in formation.verdicts] == [False] * 4 + [True] * 3
    assert all(verdict.write_layout and not verdict.fault for verdict in formation.verdicts)
    assert {verdict.identity.state for verdict in formation.verdicts} == {OK}


def test_what_was_added_owns_nothing_at_first() -> None:
    """The layout says with which sets the deployment was founded, on the drives and in the plan."""
    _, formation = grown()
    read = parse_deployment(format_deployment(formation.deployment))
    assert read == formation.deployment and read.founded_sets == 1
    plan = make_plan(formation, Settings(), "/run/x", Credentials("abc", "12345678"), TWO.pools)
    assert [(one.is_added, one.pool) for one in plan.sets] == [(False, 0), (True, 1)]


def test_the_next_start_takes_it_as_it_is() -> None:
    """Nothing is written again, and an empty drive of the new pool is a replacement like any other."""
    found, formation = grown()
    later = afterwards(found, formation)
    again = outcome(later, TWO, first_id=200)
    assert again.deployment == formation.deployment and again.added_from is None
    assert not any(verdict.write_identity or verdict.write_layout for verdict in again.verdicts)
    replaced = outcome([*later[:6], fresh("/m2")], TWO, first_id=200)
    assert replaced.verdicts[6].identity.state == HEALING


def test_an_addition_that_was_cut_short_is_done_again() -> None:
    """Until one drive has the complete layout, the new ones are formatted once more, under other names."""
    found, formation = grown()
    incomplete = attrs.evolve(formation.deployment, complete=False)
    begun = [
        attrs.evolve(finding, deployment=incomplete)
        for finding in afterwards(found, formation, has_data=False)[4:6]
    ]
    again = outcome([*found[:4], *begun, ADDED[2]], TWO, first_id=200)
    assert again.added_from == 1 and not any(verdict.fault for verdict in again.verdicts)
    assert {v.identity.drive_id for v in again.verdicts[4:]}.isdisjoint(
        v.identity.drive_id for v in formation.verdicts
    )


def test_an_added_pool_needs_a_write_quorum() -> None:
    """With fewer drives it is not begun."""
    with pytest.raises(Refusal, match="set 1 has 1 usable drive of 3 and needs 2"):
        outcome([*formed(4), ADDED[0], unusable("/m1"), unusable("/m2")], TWO, first_id=100)


@pytest.mark.parametrize(
    "wish",
    [
        Wish(pools=(PoolShape(3), PoolShape(4)), may_grow=True),
        Wish(pools=(PoolShape(7),), may_grow=True),
        attrs.evolve(TWO, may_grow=False),
    ],
    ids=["before", "within", "in a cluster"],
)
def test_nothing_but_whole_pools_behind_the_others_is_added(wish: Wish) -> None:
    """Whatever else has more drives is refused as ever."""
    with pytest.raises(Refusal, match="name exactly its drives"):
        outcome([*formed(4), *ADDED], wish, first_id=100)


def test_foreign_drives_are_not_added() -> None:
    """A drive of another deployment is never written to."""
    found, _ = grown()
    strange = attrs.evolve(formed(3)[0], path="/m0")
    strange = attrs.evolve(strange, identity=attrs.evolve(strange.identity, deployment_id="another"))
    formation = outcome([*found[:4], strange, *ADDED[1:]], TWO, first_id=100)
    assert "another" in formation.verdicts[4].fault and not formation.verdicts[4].write_identity
