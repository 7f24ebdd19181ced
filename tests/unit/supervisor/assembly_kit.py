"""Supervisors of a cluster in one process, on real folders."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import attrs
import trio

from rustfs_node.bus import MemoryNet
from rustfs_node.seams.clock import SystemClock
from rustfs_node.seams.real_files import RealFiles
from rustfs_node.settings.cluster import ClusterSettings
from rustfs_node.supervisor.assembly import Assembly, supervisor_name
from rustfs_node.supervisor.membership import Membership
from rustfs_node.supervisor.own_drives import OwnDrives
from rustfs_proto.disk.identity import OK, parse_identity
from rustfs_proto.topology.deployment import parse_deployment
from rustfs_proto.topology.endpoints import Topology, parse_topology
from rustfs_proto.topology.verdicts import Formation, Refusal
from tests.unit.supervisor.formation_kit import Stopped, former

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
