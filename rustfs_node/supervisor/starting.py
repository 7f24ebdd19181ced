"""A node from its configuration: drives looked at, credentials found, plan made, workers run, everything
tidied up after.
"""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager

import attrs
import trio

from rustfs_node import logs
from rustfs_node.bus import open_bus
from rustfs_node.config import Settings
from rustfs_node.plan import CONTROL, Credentials, NodePlan, endpoint_of
from rustfs_node.seams.clock import SystemClock
from rustfs_node.seams.randomness import Randomness, SystemRandomness
from rustfs_node.seams.real_files import RealFiles
from rustfs_node.settings.node import NodeSettings
from rustfs_node.supervisor.auto_replace import AutoReplace
from rustfs_node.supervisor.cluster_planning import make_cluster_plan
from rustfs_node.supervisor.cluster_secret import SecretError, cluster_secret
from rustfs_node.supervisor.cluster_start import assembled, labels_of, own_part
from rustfs_node.supervisor.commands import make_forge
from rustfs_node.supervisor.control import Control
from rustfs_node.supervisor.credentials import (
    CredentialsError,
    cluster_credentials,
    default_file,
    given_credentials,
    kept_credentials,
)
from rustfs_node.supervisor.formation import Former
from rustfs_node.supervisor.listening import AddressError, check_address
from rustfs_node.supervisor.membership import Membership, MembershipError, find_membership
from rustfs_node.supervisor.memory import MountMemory, state_folder
from rustfs_node.supervisor.node import PROCESS, Node, NodeFailed
from rustfs_node.supervisor.node_drives import NodeDrives
from rustfs_node.supervisor.notify import Notifier
from rustfs_node.supervisor.planning import (
    RuntimeFolder,
    RuntimeFolderError,
    make_plan,
    open_runtime_folder,
)
from rustfs_node.supervisor.second_look import Keeper, OwnKeeper
from rustfs_proto.erasure.sizing import SizingError
from rustfs_proto.topology.endpoints import Topology
from rustfs_proto.topology.ports import PortsError
from rustfs_proto.topology.verdicts import Formation, Refusal

START_ERRORS = (
    AddressError,
    CredentialsError,
    MembershipError,
    NodeFailed,
    PortsError,
    Refusal,
    RuntimeFolderError,
    SecretError,
    SizingError,
)
"""What `serve` raises where somebody has to change something; their texts are for people."""


@attrs.frozen
class CredentialsSource:
    """Where the key pair came from: `file` is empty for the configuration."""

    file: str = ""
    generated: bool = False


@attrs.frozen
class Order:
    """What the command line hands over: resolved settings, the topology with absolute folders, and how to
    read the configuration again.
    """

    settings: Settings
    topology: Topology
    accepted: frozenset[str]
    reread: Callable[[], Settings]
    announce: Callable[[NodePlan, CredentialsSource], None]
    notes: tuple[str, ...] = ()
    """What the log shall say of the configuration, mistakes or not."""
    origins: dict[str, str] = attrs.field(factory=dict)
    """From where each setting comes that is not left at its default."""


def serve(order: Order, environ: Mapping[str, str]) -> None:
    """Run a node until it is told to stop. Raises one of `START_ERRORS` where it cannot serve."""
    node = order.settings.node
    logs.configure(PROCESS, node.log_level, node.log_format, node.log_lines_kept)
    try:
        trio.run(_serve, order, environ)
    except OSError as error:
        raise NodeFailed(
            f"the start failed at {error.filename or 'a system call'}: {error.strerror}"
        ) from error


async def _serve(order: Order, environ: Mapping[str, str]) -> None:
    log = logs.get_logger()
    for note in order.notes:
        log.warning("configuration", text=note)
    given = _given_credentials(order)
    await check_address(order.settings.acceptor.address, order.settings.node.lock_wait_s)
    member = await _membership(order, given)
    paths = _own_paths(order.topology, member)
    folder = open_runtime_folder(order.settings.node.runtime_dir, environ, os.geteuid(), paths)
    forge = make_forge()
    try:
        # It loads the program while the drives are looked at.
        forge.start()
        start = _Start(order, environ, given, member, paths, folder)
        async with start.planned() as plan:
            node = Node(
                plan=attrs.evolve(plan, origins=order.origins),
                plan_file=folder.plan_file,
                forge=forge,
                clock=SystemClock(),
                notifier=start.notifier,
                log=log,
                reread=order.reread,
                announce=lambda plan: order.announce(plan, start.source),
                attend=start.attend,
            )
            await node.run()
    finally:
        forge.close()
        folder.close()


def _given_credentials(order: Order) -> Credentials | None:
    """What a single node may do without, because it then makes its own."""
    node = order.settings.node
    return cluster_credentials(node) if order.topology.is_cluster else given_credentials(node)


async def _membership(order: Order, given: Credentials | None) -> Membership | None:
    """Which node of a cluster this is; None where there is no cluster."""
    if not order.topology.is_cluster:
        return None
    assert given is not None
    secret = cluster_secret(order.settings.cluster, given)
    return await find_membership(order.topology, order.settings, secret)


def _own_paths(topology: Topology, member: Membership | None) -> tuple[str, ...]:
    own = 0 if member is None else member.own
    return tuple(endpoint.path for endpoint in topology.drives if endpoint.node == own)


@attrs.define(eq=False)
class _Start:
    """From what was found out to the plan."""

    order: Order
    environ: Mapping[str, str]
    given: Credentials | None
    member: Membership | None
    paths: tuple[str, ...]
    folder: RuntimeFolder
    notifier: Notifier = attrs.field(init=False)
    _keepers: list[Keeper] = attrs.field(factory=list)
    _found: list[tuple[Credentials, CredentialsSource]] = attrs.field(factory=list)

    def __attrs_post_init__(self) -> None:
        self.notifier = Notifier.of_environment(self.environ, os.getpid())

    @property
    def source(self) -> CredentialsSource:
        """Where the credentials came from, once they were found."""
        return self._found[0][1]

    @property
    def keeper(self) -> Keeper:
        """Who looks at drives again, once there is a plan."""
        return self._keepers[0]

    @asynccontextmanager
    async def planned(self) -> AsyncIterator[NodePlan]:
        """The plan; in a cluster the other nodes are answered while the context is open."""
        settings, member = self.order.settings, self.member
        labels = self.paths if member is None else labels_of(member, self.paths)
        memory = MountMemory(state_folder(self.environ, self.environ.get("HOME", "/")), labels)
        former = self._former(memory.load())
        if member is None:
            formation = await former.form(self.paths, self._find_credentials)
            self._note(memory, formation)
            self._keepers.append(OwnKeeper.of_start(former, former.found, formation))
            pools = self.order.topology.pools
            yield make_plan(formation, settings, self.folder.path, self._found[0][0], pools)
            return
        async with assembled(member, former, settings, former.clock, self._tell, self._find_credentials) as (
            formation,
            assembly,
        ):
            self._keepers.append(assembly)
            self._note(memory, own_part(member, formation), formation.warnings)
            yield make_cluster_plan(formation, member, settings, self.folder.path, self._found[0][0])

    async def attend(self, node: Node, nursery: trio.Nursery) -> None:
        """Answer what acceptors pass on from an operator, as long as the node runs."""
        settings, clock = node.plan.settings.bus, node.clock
        bus = open_bus(CONTROL, endpoint_of(self.folder.path, CONTROL), {}, settings, clock)
        drives = NodeDrives(node, self.keeper)
        drives.note_mounts()
        control = Control(bus, drives, nursery)
        await nursery.start(bus.run)
        if node.plan.settings.node.auto_replace:
            nursery.start_soon(AutoReplace(node, drives, control.turns, RealFiles()).run)

    def _former(self, known_mounts: Mapping[str, str]) -> Former:
        accepted = self.order.accepted
        if self.member is not None:
            accepted = frozenset(labels_of(self.member, accepted))
        return Former(
            RealFiles(),
            SystemClock(),
            SystemRandomness(),
            self.order.settings.node,
            accepted,
            known_mounts,
            self.order.settings.storage_class,
            self.order.topology.pools,
            may_grow=self.member is None,
        )

    def _find_credentials(self, deployment_id: str) -> None:
        """Called before any drive is written to: a pair that cannot be used founds no deployment."""
        node = self.order.settings.node
        self._found[:] = [_credentials(node, self.given, self.environ, deployment_id, SystemRandomness())]

    def _note(self, memory: MountMemory, formation: Formation, warnings: Sequence[str] = ()) -> None:
        memory.save(formation)
        for warning in warnings or formation.warnings:
            logs.get_logger().warning("drives", text=warning)

    def _tell(self, status: str) -> None:
        """Word of a start that waits, which systemd must not give up."""
        self.notifier.starting(status, 2 * self.order.settings.node.start_deadline_s)


def _credentials(
    settings: NodeSettings,
    given: Credentials | None,
    environ: Mapping[str, str],
    deployment_id: str,
    randomness: Randomness,
) -> tuple[Credentials, CredentialsSource]:
    """What is given wins; else what an earlier start kept; else a new pair."""
    if given is not None:
        return given, CredentialsSource()
    home = environ.get("HOME", "/")
    path = settings.credentials_file or default_file(environ, home, deployment_id)
    credentials, generated = kept_credentials(path, randomness)
    return credentials, CredentialsSource(path, generated)


def absolute(paths: Sequence[str]) -> tuple[str, ...]:
    """Folders as the workers, which may run elsewhere, need to have them named."""
    return tuple(os.path.abspath(path) for path in paths)
