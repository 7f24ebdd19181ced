"""A node from its configuration: drives looked at, credentials found, plan made, workers run, everything
tidied up after.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence

import attrs
import trio

from rustfs_node import logs
from rustfs_node.config import Settings
from rustfs_node.plan import Credentials, NodePlan
from rustfs_node.seams.clock import SystemClock
from rustfs_node.seams.randomness import Randomness, SystemRandomness
from rustfs_node.seams.real_files import RealFiles
from rustfs_node.settings.node import NodeSettings
from rustfs_node.supervisor.commands import make_forge
from rustfs_node.supervisor.credentials import (
    CredentialsError,
    default_file,
    given_credentials,
    kept_credentials,
)
from rustfs_node.supervisor.formation import Former
from rustfs_node.supervisor.listening import AddressError, check_address
from rustfs_node.supervisor.memory import MountMemory, state_folder
from rustfs_node.supervisor.node import PROCESS, Node, NodeFailed
from rustfs_node.supervisor.notify import Notifier
from rustfs_node.supervisor.planning import RuntimeFolderError, make_plan, open_runtime_folder
from rustfs_proto.erasure.sizing import SizingError
from rustfs_proto.topology.verdicts import Refusal

START_ERRORS = (AddressError, CredentialsError, NodeFailed, Refusal, RuntimeFolderError, SizingError)
"""What `serve` raises where somebody has to change something; their texts are for people."""


@attrs.frozen
class CredentialsSource:
    """Where the key pair came from: `file` is empty for the configuration."""

    file: str = ""
    generated: bool = False


@attrs.frozen
class Order:
    """What the command line hands over: resolved settings, absolute folders, and how to read the
    configuration again.
    """

    settings: Settings
    paths: tuple[str, ...]
    accepted: frozenset[str]
    reread: Callable[[], Settings]
    announce: Callable[[NodePlan, CredentialsSource], None]
    notes: tuple[str, ...] = ()
    """What the log shall say of the configuration, mistakes or not."""


def serve(order: Order, environ: Mapping[str, str]) -> None:
    """Run a node until it is told to stop. Raises one of `START_ERRORS` where it cannot serve."""
    node = order.settings.node
    logs.configure(PROCESS, node.log_level, node.log_format)
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
    given = given_credentials(order.settings.node)
    await check_address(order.settings.acceptor.address, order.settings.node.lock_wait_s)
    folder = open_runtime_folder(order.settings.node.runtime_dir, environ, os.geteuid(), order.paths)
    forge = make_forge()
    try:
        # It loads the program while the drives are looked at.
        forge.start()
        memory = MountMemory(state_folder(environ, environ.get("HOME", "/")), order.paths)
        found: list[tuple[Credentials, CredentialsSource]] = []

        def find_credentials(deployment_id: str) -> None:
            """Called before any drive is written to: a pair that cannot be used founds no deployment."""
            found.append(_credentials(order.settings.node, given, environ, deployment_id, SystemRandomness()))

        former = _former(order.settings, order.accepted, memory.load())
        formation = await former.form(order.paths, find_credentials)
        ((credentials, source),) = found
        memory.save(formation)
        for warning in formation.warnings:
            log.warning("drives", text=warning)
        node = Node(
            plan=make_plan(formation, order.settings, folder.path, credentials),
            plan_file=folder.plan_file,
            forge=forge,
            clock=SystemClock(),
            notifier=Notifier.of_environment(environ, os.getpid()),
            log=log,
            reread=order.reread,
            announce=lambda plan: order.announce(plan, source),
        )
        await node.run()
    finally:
        forge.close()
        folder.close()


def _former(settings: Settings, accepted: frozenset[str], known_mounts: Mapping[str, str]) -> Former:
    files, clock, randomness = RealFiles(), SystemClock(), SystemRandomness()
    return Former(files, clock, randomness, settings.node, accepted, known_mounts, settings.storage_class)


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
