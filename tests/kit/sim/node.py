"""A node of the simulation: acceptors, set workers and drive workers as they are, over virtual wires and
drives. Or several nodes: each has acceptors and a worker of each set, and some of the drives.

What the supervisor does in a real node, starting again what died, is `SimNode.start`'s and the nemesis'
business.
"""

from __future__ import annotations

import uuid
from functools import partial

import attrs
import trio

from rustfs_node.acceptor.call import Services
from rustfs_node.acceptor.dispatch import Dispatcher
from rustfs_node.acceptor.net.connection import Connection
from rustfs_node.acceptor.net.watch import Watcher
from rustfs_node.acceptor.sets import set_workers
from rustfs_node.acceptor.siblings import Siblings
from rustfs_node.acceptor.worker import begin_moving, make_services
from rustfs_node.config import Settings
from rustfs_node.drive.identity_file import DriveAddress, write_identity
from rustfs_node.drive.index_file import IN_MEMORY
from rustfs_node.drive.worker import run_drive
from rustfs_node.erasureset.worker import run_set
from rustfs_node.plan import (
    Credentials,
    DrivePlan,
    NodePlan,
    PeerNode,
    ProcessPlan,
    SetPlan,
    acceptor_name,
    drive_name,
    set_name,
)
from rustfs_node.seams.threads import InlineThreads
from rustfs_node.settings.acceptor import AcceptorSettings
from rustfs_node.settings.drive import KIB, DriveSettings
from rustfs_node.settings.erasureset import SetSettings
from rustfs_proto.disk.identity import DriveIdentity
from tests.kit.sim.chance import SeededRandomness
from tests.kit.sim.disk import FencedFiles, SimDisk, SimThreads
from tests.kit.sim.life import Life, Process
from tests.kit.sim.net import SimNet
from tests.kit.sim.pipe import Line, ServerEnd
from tests.kit.sim.world import ProcessClock, World

KEYS = Credentials("SIMULATED", "a-secret-of-the-simulation")
DEPLOYMENT = str(uuid.UUID(int=1))
STRIPE_BYTES = 8 * KIB

# Small, so that a few dozen objects fill segments and spread over many stripes; times short enough that a
# sweep fits into a simulated minute, and longer than anything that may be under way.
SETTINGS = attrs.evolve(
    Settings(),
    acceptor=AcceptorSettings(address=":0", access_log="debug", receive_bytes=32 * KIB),
    set=SetSettings(
        stripe_bytes=STRIPE_BYTES,
        inline_bytes_max=1 * KIB,
        handle_idle_s=25.0,
        heal_note_again_s=0.3,
        heal_rest_s=0.6,
        heal_pause_s=0.5,
        heal_retry_s=0.5,
        heal_look_s=0.5,
        heal_keep_s=1.0,
        heal_retry_max_s=10.0,
        status_period_s=1.0,
    ),
    drive=DriveSettings(
        segment_bytes=128 * KIB,
        batch_bytes=64 * KIB,
        segment_zero_fill=False,
        rebuilt_trust_s=0.0,
        reserve_bytes=0,
        tombstone_grace_s=30.0,
        sweep_grace_s=20.0,
        orphan_grace_s=60.0,
    ),
)


# Where slots are moved it is done soon, and in few groups.
MOVING = attrs.evolve(
    SETTINGS,
    acceptor=attrs.evolve(SETTINGS.acceptor, move_look_s=0.1, move_slots_at_once=1024),
    set=attrs.evolve(SETTINGS.set, commit_timeout_s=2.0),
)

RRS = "REDUCED_REDUNDANCY"
"""Of this class objects have one parity shard."""


@attrs.frozen
class Geometry:
    """How many sets of how many drives, and how many acceptors each of the nodes has. `moves`: each set is a
    pool of its own, and the first acceptor of a node moves slots between them.
    """

    drives: int
    parity: int
    sets: int = 1
    acceptors: int = 1
    moves: bool = False
    nodes: int = 1


class Refused(Exception):
    """Nobody listens."""


def plan_of(geometry: Geometry, node: int = 0) -> NodePlan:
    """The plan of a node; paths are those of its virtual drives."""
    settings = MOVING if geometry.moves else SETTINGS
    numbers = range(geometry.nodes) if geometry.nodes > 1 else ()
    return NodePlan(
        deployment_id=DEPLOYMENT,
        node_number=node,
        settings=attrs.evolve(settings, node=attrs.evolve(settings.node, acceptors=geometry.acceptors)),
        sets=tuple(_set_plan(geometry, index, node) for index in range(geometry.sets)),
        runtime_dir="/run",
        credentials=KEYS,
        nodes=tuple(PeerNode(f"node{number}:9000", "") for number in numbers),
        contacts=tuple(ProcessPlan(number, acceptor_name(0, number), "") for number in numbers),
    )


def _set_plan(geometry: Geometry, index: int, node: int) -> SetPlan:
    drives = tuple(
        DrivePlan(
            slot,
            drive_name(index, slot),
            "",
            "/drive",
            str(uuid.UUID(int=1000 + 100 * index + slot)),
            node=slot % geometry.nodes,
        )
        for slot in range(geometry.drives)
    )
    numbers = range(geometry.nodes) if geometry.nodes > 1 else ()
    workers = tuple(ProcessPlan(number, set_name(index, number), "") for number in numbers)
    k, m = geometry.drives - geometry.parity, geometry.parity
    classes = ((RRS, 1),) if m > 1 else ()
    pool = index if geometry.moves else 0
    return SetPlan(index, set_name(index, node), "", k, m, drives, classes, workers, pool=pool)


class SimNode:
    """All of it. `crash` and `start` speak of processes by name."""

    def __init__(self, world: World, geometry: Geometry, nursery: trio.Nursery) -> None:
        self.world = world
        self.geometry = geometry
        self.plan = plan_of(geometry)
        self.net = SimNet(world)
        self.disks: dict[str, SimDisk] = {}
        self.processes: dict[str, Process] = {}
        self.lines: dict[str, list[Line]] = {}
        self._acceptors: dict[str, _Acceptor] = {}
        self._nursery = nursery
        self._random = world.chance.fork("node")
        for set_plan in self.plan.sets:
            for drive in set_plan.drives:
                self.disks[drive.name] = self._new_disk(set_plan, drive)
                self._add(drive.name, partial(self._run_drive, set_plan, drive))
        self.plans = [plan_of(geometry, number) for number in range(geometry.nodes)]
        for plan in self.plans:
            for set_plan in plan.sets:
                self._add(set_plan.name, partial(self._run_set, set_plan, plan.node_number))
            for number in range(geometry.acceptors):
                self._add(acceptor_name(number, plan.node_number), partial(self._run_acceptor, plan))

    # Life and death

    async def start(self, name: str) -> None:
        """Start a process that is not running."""
        await self.processes[name].start(self._nursery)

    async def start_all(self) -> None:
        """Start whatever does not run, drives first."""
        for name, process in self.processes.items():
            if not process.is_running:
                await self.start(name)

    def crash(self, name: str) -> None:
        """SIGKILL."""
        self.processes[name].crash()

    def names_of(self, number: int) -> list[str]:
        """The processes of the node of that number."""
        plan = self.plans[number]
        drives = [drive.name for one in plan.sets for drive in plan.own_drives(one)]
        acceptors = [acceptor_name(one, number) for one in range(self.geometry.acceptors)]
        return [*drives, *(one.name for one in plan.sets), *acceptors]

    def cut_power(self, name: str) -> None:
        """Of one drive: its process dies, what was not synced may be gone."""
        self.crash(name)
        self.world.trace.note("power_cut", name)
        self.disks[name].power_cut()

    def crash_all(self) -> None:
        """SIGKILL of everything."""
        for name in self.processes:
            self.crash(name)

    def cut_all_power(self) -> None:
        """Of the whole machine."""
        self.crash_all()
        for disk in self.disks.values():
            self.world.trace.note("power_cut", disk.name)
            disk.power_cut()

    def replace(self, name: str) -> None:
        """Put an empty drive into a slot, as the supervisor forms one there; its process must be dead."""
        assert not self.processes[name].is_running
        set_plan, drive = self._where(name)
        self.world.trace.note("replaced", name)
        old = self.disks[name]
        self.disks[name] = self._new_disk(set_plan, drive, is_healing=True, random=old.random)
        self.disks[name].loses_data = old.loses_data

    # Clients

    def acceptors(self) -> list[str]:
        """Those that listen."""
        return [*self._acceptors]

    def connect(self, acceptor: str) -> Line:
        """A connection to an acceptor; raises Refused."""
        found = self._acceptors.get(acceptor)
        if found is None:
            raise Refused(acceptor)
        line = Line()
        found.accept(line)
        return line

    def services_of(self, acceptor: str) -> Services:
        """What the handlers of that one share."""
        return self._acceptors[acceptor].services

    def siblings_of(self, acceptor: str) -> Siblings:
        """Its way to the others."""
        return self._acceptors[acceptor].siblings

    # What the processes are

    def _add(self, name: str, main) -> None:
        self.processes[name] = Process(self.world, name, main, self._fence)

    def _fence(self, life: Life) -> None:
        self.net.fence(life)
        acceptor = self._acceptors.pop(life.process, None)
        if acceptor is not None:
            acceptor.cut()
        if life.process in self.disks:
            self.disks[life.process].files.kill()
            self.disks[life.process].cut_in = 0

    def _clock(self, life: Life) -> ProcessClock:
        return ProcessClock(self.world, self._random.uniform(10, 100_000))

    def _randomness(self, life: Life) -> SeededRandomness:
        return SeededRandomness(self.world.chance.fork(f"{life.process} {life.number}"))

    def _new_disk(
        self, set_plan: SetPlan, drive: DrivePlan, *, is_healing: bool = False, random=None
    ) -> SimDisk:
        disk = SimDisk(self.world, drive.name, random or self.world.chance.fork(f"disk {drive.name}"))
        identity = DriveIdentity(
            DEPLOYMENT, set_plan.index, drive.slot, len(set_plan.drives), drive.drive_id, created_ms=0
        )
        disk.files.on_call = lambda _call, _path: None
        disk.files.make_folder(drive.path)
        disk.files.sync_folder("/")
        write_identity(disk.files, drive.path, identity.healing("replaced") if is_healing else identity)
        disk.files.on_call = disk.see
        return disk

    def _where(self, name: str) -> tuple[SetPlan, DrivePlan]:
        return next((one, drive) for one in self.plan.sets for drive in one.drives if drive.name == name)

    async def _run_drive(
        self, set_plan: SetPlan, drive: DrivePlan, life: Life, task_status: trio.TaskStatus[None]
    ) -> None:
        disk, clock, settings = self.disks[drive.name], self._clock(life), self.plan.settings
        address = DriveAddress(drive.path, DEPLOYMENT, set_plan.index, drive.slot, drive.drive_id)
        bus = self.net.open_life(life, [], settings.bus, clock)
        disk.is_recovering = True
        files, threads = FencedFiles(disk.files, life), SimThreads(disk)
        run = partial(run_drive, bus, address, settings.drive, files, clock, threads, index_at=IN_MEMORY)
        await life.nursery.start(run)
        disk.is_recovering = False
        await life.nursery.start(bus.run)
        task_status.started()

    async def _run_set(
        self, set_plan: SetPlan, writer: int, life: Life, task_status: trio.TaskStatus[None]
    ) -> None:
        clock, settings = self._clock(life), self.plan.settings
        peers = [drive.name for drive in set_plan.drives]
        bus = self.net.open_life(life, peers, settings.bus, clock)
        await run_set(
            bus, set_plan, settings.set, clock, self._randomness(life), writer=writer, task_status=task_status
        )

    async def _run_acceptor(self, plan: NodePlan, life: Life, task_status: trio.TaskStatus[None]) -> None:
        clock, settings = self._clock(life), plan.settings
        near = {acceptor_name(number, plan.node_number) for number in range(settings.node.acceptors)}
        others = (near | {one.name for one in plan.contacts}) - {life.process}
        bus = self.net.open_life(life, [*set_workers(plan), *sorted(others)], settings.bus, clock)
        siblings = Siblings.of_plan(bus, plan)
        if siblings.are_there:
            bus.serve(siblings.handle)
        await life.nursery.start(bus.run)
        services = make_services(
            bus,
            plan,
            settings.acceptor,
            clock,
            self._randomness(life),
            InlineThreads(),
            siblings,
        )
        siblings.begin(services, life.nursery)
        if self.geometry.moves:
            begin_moving(services, siblings, plan, life.process, life.nursery)
        acceptor = _Acceptor(life, services, siblings, settings.acceptor, clock)
        self._acceptors[life.process] = acceptor
        task_status.started()
        await Watcher(settings.acceptor, clock).run(acceptor.connections)


class _Acceptor:
    """What `net.server` is in a real acceptor, for lines instead of sockets."""

    def __init__(
        self,
        life: Life,
        services: Services,
        siblings: Siblings,
        settings: AcceptorSettings,
        clock: ProcessClock,
    ) -> None:
        self.services, self.siblings = services, siblings
        self.connections: dict[Connection, Line] = {}
        self._life = life
        self._application = Dispatcher(services)
        self._settings = settings
        self._clock = clock
        self._scratch = memoryview(bytearray(settings.receive_bytes))

    def accept(self, line: Line) -> None:
        """Serve that connection in a task of the process."""
        connection = Connection(
            ServerEnd(line),
            self._application,
            self._settings,
            self._clock,
            peer="client",
            scratch=self._scratch,
        )
        self.connections[connection] = line
        self._life.nursery.start_soon(self._serve, connection)

    def cut(self) -> None:
        """The process is dead: the kernel resets what it had open."""
        for line in self.connections.values():
            line.cut()

    async def _serve(self, connection: Connection) -> None:
        try:
            await connection.serve()
        finally:
            del self.connections[connection]
