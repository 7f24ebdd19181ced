"""Supervisors that come together, in one process on real folders: in any order, and interrupted anywhere."""

from __future__ import annotations

import shutil
import uuid
from collections.abc import Callable, Sequence
from pathlib import Path

import attrs
import pytest
import structlog.testing
import trio

from rustfs_node.bus import MemoryNet
from rustfs_node.seams.clock import SystemClock
from rustfs_node.seams.real_files import RealFiles
from rustfs_node.settings.cluster import ClusterSettings
from rustfs_node.supervisor.assembly import Assembly, supervisor_name
from rustfs_node.supervisor.membership import Membership
from rustfs_node.supervisor.own_drives import OwnDrives
from rustfs_proto.disk.identity import HEALING, OK, parse_identity
from rustfs_proto.topology.deployment import parse_deployment
from rustfs_proto.topology.endpoints import Endpoint, NodeName, PoolShape, Topology, parse_topology
from rustfs_proto.topology.verdicts import Formation, Refusal
from rustfs_proto.wire.faults import Fault
from rustfs_proto.wire.node_ops import FormatDrives
from tests.unit.supervisor.formation_kit import FilesThatStop, Stopped, former

NODES = 3
SETTINGS = ClusterSettings(join_wait_s=2.0, ask_again_s=0.05, answer_timeout_s=1.0, step_timeout_s=2.0)


def topology_of(folder: Path, drives: int = 2) -> Topology:
    """Three nodes with drives in folders of their own."""
    rows = range(1, drives + 1)
    urls = [f"http://n{node}:9000{folder}/n{node}/d{row}" for row in rows for node in range(NODES)]
    for node in range(NODES):
        (folder / f"n{node}").mkdir(exist_ok=True)
    return parse_topology(urls)


@attrs.frozen
class AheadClock(SystemClock):
    """A wall clock that is ahead."""

    ahead_ms: int = 0

    def wall_ms(self) -> int:
        return super().wall_ms() + self.ahead_ms


@attrs.define
class Gang:
    """The supervisors of a cluster; `formations` by node, as they come."""

    topology: Topology
    net: MemoryNet = attrs.field(factory=MemoryNet)
    formations: dict[int, Formation] = attrs.field(factory=dict)
    refusals: dict[int, str] = attrs.field(factory=dict)
    told: dict[int, list[str]] = attrs.field(factory=dict)
    assemblies: dict[int, Assembly] = attrs.field(factory=dict)
    _moved: trio.Event = attrs.field(factory=trio.Event)

    def _move(self) -> None:
        self._moved.set()
        self._moved = trio.Event()

    async def until(self, is_so: Callable[[], bool], timeout_s: float = 30.0) -> None:
        """Wait until a supervisor has formed or stopped and made it so."""
        with trio.fail_after(timeout_s):
            while not is_so():
                await self._moved.wait()

    def is_running(self, number: int) -> bool:
        """Whether that supervisor can be spoken to."""
        return supervisor_name(number) in self.net.links

    async def run(
        self,
        number: int,
        files: RealFiles | None = None,
        *,
        topology: Topology | None = None,
        ahead_s: float = 0,
        task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED,
    ) -> None:
        """A supervisor that goes on answering after it has formed; what stops its files ends it."""
        topology = topology or self.topology
        names = [supervisor_name(other) for other in range(len(topology.nodes)) if other != number]
        bus = self.net.open_bus(supervisor_name(number), names)
        member = Membership(topology, number, "", b"")
        own = former(files)
        own.pools = topology.pools
        told = self.told.setdefault(number, [])
        clock = AheadClock(int(ahead_s * 1000))
        assembly = Assembly(bus, OwnDrives(member, own), SETTINGS, clock, "1", told.append)
        self.assemblies[number] = assembly
        try:
            async with trio.open_nursery() as nursery:
                await nursery.start(bus.run)
                task_status.started()
                self.formations[number] = await assembly.form(lambda _: None)
                self._move()
        except* Refusal as refused:
            self.refusals[number] = str(refused.exceptions[0])
        except* Stopped:
            own.release()
        finally:
            self._move()

    async def form(self, order: Sequence[int] = (), timeout_s: float = 20.0) -> None:
        """Start them in that order and wait until all have formed."""
        order = order or range(len(self.topology.nodes))
        with trio.fail_after(timeout_s):
            async with trio.open_nursery() as nursery:
                for number in order:
                    await nursery.start(self.run, number)
                await self.until(lambda: len(self.formations) == len(order))
                nursery.cancel_scope.cancel()

    def on_disk(self) -> dict[str, tuple[str, str, bool]]:
        """Of each drive: deployment, state, whether its layout is complete."""
        found = {}
        for one in self.topology.drives:
            identity = parse_identity(Path(one.path, "rustfs.json").read_bytes())
            layout = parse_deployment(Path(one.path, "layout.json").read_bytes())
            found[one.path] = (identity.deployment_id, identity.state, layout.complete)
        return found


def assert_whole(gang: Gang) -> None:
    """All drives belong to one complete deployment, and all nodes know it."""
    assert len(set(gang.on_disk().values())) == 1, gang.on_disk()
    ((deployment_id, state, complete),) = set(gang.on_disk().values())
    assert (state, complete) == (OK, True)
    assert {one.deployment.deployment_id for one in gang.formations.values()} == {deployment_id}


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


# Pools that are added


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
    ("victim", "writes"), [*((0, n) for n in range(7)), *((1, n) for n in range(6)), (3, 1), (3, 3), (3, 4)]
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
