"""Supervisors that come together, in one process on real folders: in any order, and interrupted anywhere."""

from __future__ import annotations

import shutil
import uuid
from pathlib import Path

import attrs
import pytest
import structlog.testing
import trio

from rustfs_node.supervisor.assembly import supervisor_name
from rustfs_proto.disk.identity import HEALING, OK
from rustfs_proto.topology.deployment import parse_deployment
from rustfs_proto.wire.faults import Fault
from rustfs_proto.wire.node_ops import FormatDrives
from tests.unit.supervisor.assembly_kit import NODES, SETTINGS, Gang, assert_whole, topology_of
from tests.unit.supervisor.formation_kit import FilesThatStop


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 1, 0), (1, 2, 0)])
async def test_any_order(tmp_path, order):
    """Whoever starts first, one deployment is founded on all drives, and a later start finds it."""
    gang = Gang(topology_of(tmp_path))
    await gang.form(order)
    assert_whole(gang)
    again = Gang(gang.topology)
    await again.form(order)
    assert_whole(again)
    assert again.on_disk() == gang.on_disk()


@pytest.mark.parametrize("victim", range(NODES))
@pytest.mark.parametrize("writes", range(7))
async def test_stopped_at_any_write(tmp_path, victim, writes):
    """A node that stops at any of its writes while a deployment is founded: after it has been started again
    all nodes serve one deployment with all drives.
    """
    gang = Gang(topology_of(tmp_path))
    async with trio.open_nursery() as nursery:
        for number in range(NODES):
            await nursery.start(gang.run, number, FilesThatStop(writes) if number == victim else None)
        await gang.until(lambda: victim in gang.formations or not gang.is_running(victim))
        if victim not in gang.formations:
            await nursery.start(gang.run, victim)
        await gang.until(lambda: len(gang.formations) == NODES)
        nursery.cancel_scope.cancel()
    assert_whole(gang)


@pytest.mark.parametrize("cut", range(0, 7 * 7 * 7, 29))
async def test_all_stopped_at_any_write(tmp_path, cut):
    """A power cut of all nodes, each at any of its writes: the next start of all ends with one deployment."""
    gang = Gang(topology_of(tmp_path))
    async with trio.open_nursery() as nursery:
        for number in range(NODES):
            nursery.start_soon(gang.run, number, FilesThatStop(cut // 7**number % 7))
        with trio.move_on_after(0.5):
            await gang.until(lambda: len(gang.formations) == NODES)
        nursery.cancel_scope.cancel()
    gang = Gang(gang.topology)
    await gang.form()
    assert_whole(gang)


async def test_a_founded_drive_is_not_formatted_again(tmp_path):
    """A node that has taken the last step refuses the first one of another founding."""
    gang = Gang(topology_of(tmp_path))
    await gang.form()
    before = gang.on_disk()
    names = [supervisor_name(other) for other in range(NODES)]
    asker = gang.net.open_bus("asker", names)
    lone = Gang(gang.topology, gang.net)
    async with trio.open_nursery() as nursery:
        await nursery.start(asker.run)
        await nursery.start(lone.run, 1)
        identities = {
            one.path: one.identity for one in gang.formations[1].verdicts if one.identity is not None
        }
        step = FormatDrives(
            attrs.evolve(gang.formations[1].deployment, deployment_id=str(uuid.uuid4())), identities
        )
        answer = "has not looked"
        while "has not looked" in answer:
            with pytest.raises(Fault) as refused:
                await asker.call(names[1], step, deadline_s=10)
            answer = str(refused.value)
        assert "belongs to a deployment" in answer
        nursery.cancel_scope.cancel()
    assert gang.on_disk() == before


async def test_a_node_without_a_usable_drive_takes_part(tmp_path):
    """A founding leaves its drive out, tells of it, and does not wait for it."""
    topology = topology_of(tmp_path, drives=1)
    (tmp_path / "n2").rmdir()
    gang = Gang(topology)
    with structlog.testing.capture_logs() as logs:
        await gang.form()
    faults = [verdict.fault for verdict in gang.formations[2].verdicts]
    assert [bool(fault) for fault in faults] == [False, False, True]
    (told,) = [entry["reason"] for entry in logs if entry["event"] == "drive_unusable"]
    assert told in faults[2]


async def test_nothing_is_founded_without_all(tmp_path):
    """Two of three nodes wait, say for whom, and write nothing."""
    gang = Gang(topology_of(tmp_path))
    with trio.move_on_after(SETTINGS.join_wait_s + 1):
        await gang.form([0, 1])
    assert not gang.formations
    assert gang.told[0][-1].startswith("waiting for n2:9000 (")
    assert not list(tmp_path.rglob("*.json"))


async def test_a_node_alone_goes_on_after_a_while(tmp_path):
    """Once there is a deployment, a node that hears of nobody serves with what its drives say."""
    gang = Gang(topology_of(tmp_path))
    await gang.form()
    alone = Gang(gang.topology)
    await alone.form([1])
    assert alone.formations[1].deployment == gang.formations[1].deployment


async def test_a_replaced_drive_heals(tmp_path):
    """An empty drive is formatted by its own node, healing, where the others could rebuild it."""
    gang = Gang(topology_of(tmp_path))
    await gang.form()
    for file in Path(gang.topology.drives[2].path).iterdir():
        file.unlink()
    again = Gang(gang.topology)
    await again.form()
    states = [state for _, state, _ in again.on_disk().values()]
    assert states == [OK, OK, HEALING, OK, OK, OK]


async def test_other_drives_are_refused(tmp_path):
    """A node that was given other drives than one that serves ends, and both say why."""
    gang = Gang(topology_of(tmp_path))
    with trio.fail_after(20):
        async with trio.open_nursery() as nursery:
            for number in range(NODES):
                await nursery.start(gang.run, number)
            await gang.until(lambda: len(gang.formations) == NODES)
            gang.net.links.pop(supervisor_name(2))
            await gang.run(2, topology=topology_of(tmp_path, drives=3))
            nursery.cancel_scope.cancel()
    assert "serves, but has 6 drives, this node 9" in gang.refusals[2]


async def test_a_wrong_clock_is_refused(tmp_path):
    """So does one whose clock is hours off."""
    gang = Gang(topology_of(tmp_path))
    await gang.form()
    with trio.fail_after(20):
        async with trio.open_nursery() as nursery:
            gang.formations.clear()
            for number in (0, 1):
                await nursery.start(gang.run, number)
            await gang.until(lambda: len(gang.formations) == 2)
            await gang.run(2, ahead_s=7200)
            nursery.cancel_scope.cancel()
    assert "its clock is 7200 s behind this node's" in gang.refusals[2]


async def test_drives_are_replaced_on_one_node_after_the_other(tmp_path):
    """While all serve: the layout that the second one raises has the first one's new drive in it."""
    gang = Gang(topology_of(tmp_path))
    async with trio.open_nursery() as nursery:
        for number in range(NODES):
            await nursery.start(gang.run, number)
        await gang.until(lambda: len(gang.formations) == NODES)
        new = {}
        for node in (1, 2):
            path = tmp_path / f"n{node}" / "d1"
            shutil.rmtree(path)
            verdict = await gang.assemblies[node].look_again(str(path), formats=True, accepts=False)
            assert verdict.identity is not None
            assert verdict.identity.state == HEALING
            new[verdict.set_index, verdict.slot] = verdict.identity.drive_id
        nursery.cancel_scope.cancel()
    layout = parse_deployment((tmp_path / "n2" / "d2" / "layout.json").read_bytes())
    assert layout.version == 3
    assert {place: layout.sets[place[0]].slots[place[1]].drive_id for place in new} == new
