"""Supervisors of a cluster that are started with a pool more, in any order, and interrupted anywhere."""

from __future__ import annotations

from pathlib import Path

import pytest
import trio

from rustfs_node.supervisor.assembly import supervisor_name
from rustfs_proto.disk.identity import OK, parse_identity
from rustfs_proto.topology.deployment import parse_deployment
from rustfs_proto.topology.endpoints import Endpoint, NodeName, PoolShape, Topology
from tests.unit.supervisor.assembly_kit import SETTINGS, Gang, assert_whole, topology_of
from tests.unit.supervisor.formation_kit import FilesThatStop


def grown(topology: Topology, folder: Path) -> Topology:
    """The same with a pool more: a further drive of each node but the first, and two of a new node."""
    (folder / "n3").mkdir(exist_ok=True)
    places = [(1, "d9"), (2, "d9"), (3, "d1"), (3, "d2")]
    added = tuple(Endpoint(node, f"{folder}/n{node}/{name}") for node, name in places)
    nodes = (*topology.nodes, NodeName("n3", 9000))
    return Topology(nodes, topology.drives + added, (PoolShape(6), PoolShape(4)))


async def grown_gang(folder: Path) -> tuple[Gang, Gang]:
    """A deployment of one pool, and its supervisors when they are given one more."""
    founded = Gang(topology_of(folder))
    await founded.form()
    return founded, Gang(grown(founded.topology, folder))


def assert_grown(founded: Gang, gang: Gang) -> None:
    """It is the deployment that it was, with all drives that it had and those of the new pool, and all nodes
    have the same layout.
    """
    assert_whole(gang)
    before = founded.formations[0].deployment
    layouts = {
        parse_deployment(Path(one.path, "layout.json").read_bytes()) for one in gang.topology.drives
    } | {one.deployment for one in gang.formations.values()}
    (layout,) = layouts
    assert layout.deployment_id == before.deployment_id and layout.version > before.version
    assert (layout.sizes(), layout.founded_sets) == ((6, 4), 1)
    assert layout.sets[0] == before.sets[0]
    named = [record.drive_id for one in layout.sets for record in one.slots]
    identities = [parse_identity(Path(one.path, "rustfs.json").read_bytes()) for one in gang.topology.drives]
    assert [one.drive_id for one in identities] == named


@pytest.mark.parametrize("order", [(0, 1, 2, 3), (3, 2, 1, 0)])
async def test_a_pool_is_added(tmp_path, order):
    """Whoever starts first, the new drives are formatted into the deployment and nothing else is touched; a
    later start finds it so.
    """
    founded, gang = await grown_gang(tmp_path)
    await gang.form(order)
    assert_grown(founded, gang)
    again = Gang(gang.topology)
    await again.form()
    assert_grown(founded, again)


@pytest.mark.parametrize(
    ("victim", "writes"),
    [
        pytest.param(victim, writes, marks=() if (victim + writes) % 3 == 0 else pytest.mark.long)
        for victim, count in ((0, 7), (1, 8), (3, 7))
        for writes in range(count)
    ],
)
async def test_an_addition_is_stopped_at_any_write(tmp_path, victim, writes):
    """A node that stops at any of its writes: after it has been started again all nodes have the new pool."""
    founded, gang = await grown_gang(tmp_path)
    async with trio.open_nursery() as nursery:
        for number in range(4):
            await nursery.start(gang.run, number, FilesThatStop(writes) if number == victim else None)
        await gang.until(lambda: victim in gang.formations or not gang.is_running(victim))
        if victim not in gang.formations:
            await nursery.start(gang.run, victim)
        await gang.until(lambda: len(gang.formations) == 4)
        nursery.cancel_scope.cancel()
    assert_grown(founded, gang)


@pytest.mark.parametrize("cuts", [(0, 1, 1, 1), (1, 5, 3, 5), (4, 9, 9, 2), (9, 2, 0, 9)])
async def test_an_addition_is_stopped_everywhere(tmp_path, cuts):
    """A power cut of all nodes, each at any of its writes: the next start of all ends with the new pool."""
    founded, gang = await grown_gang(tmp_path)
    async with trio.open_nursery() as nursery:
        for number, writes in enumerate(cuts):
            nursery.start_soon(gang.run, number, FilesThatStop(writes))
        with trio.move_on_after(0.5):
            await gang.until(lambda: len(gang.formations) == 4)
        nursery.cancel_scope.cancel()
    gang = Gang(gang.topology)
    await gang.form()
    assert_grown(founded, gang)


async def test_no_pool_is_added_without_all(tmp_path):
    """While one node is missing the others wait, say for whom, and write nothing."""
    founded, gang = await grown_gang(tmp_path)
    before = founded.on_disk()
    with trio.move_on_after(SETTINGS.join_wait_s + 1):
        await gang.form([0, 1, 3])
    assert not gang.formations
    assert gang.told[0][-1].startswith("waiting for n2:9000 (")
    assert founded.on_disk() == before and not list((tmp_path / "n3").rglob("*.json"))


async def test_the_old_list_is_refused_beside_the_new_one(tmp_path):
    """A node that is started with the list of before ends, as others serve with a pool more."""
    founded, gang = await grown_gang(tmp_path)
    with trio.fail_after(20):
        async with trio.open_nursery() as nursery:
            for number in range(4):
                await nursery.start(gang.run, number)
            await gang.until(lambda: len(gang.formations) == 4)
            gang.net.links.pop(supervisor_name(2))
            await gang.run(2, topology=founded.topology)
            nursery.cancel_scope.cancel()
    assert "serves, but has 10 drives, this node 6" in gang.refusals[2]


async def test_an_empty_drive_of_before_is_not_part_of_the_addition(tmp_path):
    """It is formatted as a replacement, to be healed, once the pool is there."""
    _, gang = await grown_gang(tmp_path)
    replaced = Path(gang.topology.drives[0].path)
    for file in replaced.iterdir():
        file.unlink()
    await gang.form()
    states = {path: state for path, (_, state, _) in gang.on_disk().items()}
    assert {path for path, state in states.items() if state != OK} == {str(replaced)}
    assert gang.formations[0].deployment.sizes() == (6, 4)
