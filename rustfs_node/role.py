"""The frame of every worker process: arguments, plan, log, signals and the line to the supervisor.

    python -m rustfs_node.drive     --plan FILE --set 0 --slot 2
    python -m rustfs_node.erasureset --plan FILE --set 0
    python -m rustfs_node.acceptor  --plan FILE --number 0

The supervisor adds --parent and --beat-fd; started by hand without them a worker runs alone. A role knows
nothing of its siblings beyond the plan.
"""

from __future__ import annotations

import argparse
import gc
import signal
import sys
from collections.abc import Awaitable, Callable, Sequence

import attrs
import msgspec
import structlog
import trio

from rustfs_node import logs
from rustfs_node.plan import NodePlan, acceptor_name, decode_plan, drive_name, set_name
from rustfs_node.seams.clock import Clock, SystemClock
from rustfs_node.seams.node_files import read_bytes
from rustfs_node.seams.processes import (
    ALIVE,
    READY,
    BeatLine,
    SpareMemory,
    die_with_parent,
    raise_descriptor_limit,
    tune_malloc,
)
from rustfs_node.seams.randomness import Randomness, SystemRandomness

EXIT_FAILED = 1
EXIT_REFUSED = 78
"""EX_CONFIG of sysexits.h: starting again at once will not help, somebody has to change something."""


class RoleRefused(Exception):
    """Raised by a role that cannot work as things are (address taken, drive held by another process); says
    what to do.
    """


@attrs.define(eq=False)
class RoleContext:
    """What a role's main function is given.

    `stopping` is set at SIGTERM: finish what was begun and return. `reload` yields the plan anew after each
    SIGHUP and ends when the process is to stop. `args` has `set`, `slot` and `number`, -1 where not given.
    """

    name: str
    plan: NodePlan
    args: argparse.Namespace
    log: structlog.typing.FilteringBoundLogger
    clock: Clock
    randomness: Randomness
    stopping: trio.Event
    reload: trio.MemoryReceiveChannel[NodePlan]
    _beats: BeatLine

    async def ready(self) -> None:
        """Tell the supervisor that this process does its job now."""
        self._beats.send(READY)
        self.log.info("ready")


RoleMain = Callable[[RoleContext], Awaitable[None]]


def run_role(name: str, main: RoleMain, argv: Sequence[str] | None = None) -> None:
    """Run a role to its end and leave the process with its status. `name` is drive, set or acceptor."""
    tune_malloc()
    raise_descriptor_limit()
    if not __debug__:
        sys.exit("rustfs-node refuses python -O: its assertions guard what is stored")
    args = parse_arguments(name, argv)
    if args.parent and not die_with_parent(args.parent):
        sys.exit(EXIT_FAILED)
    try:
        plan = read_plan(args.plan)
    except RoleRefused as error:
        sys.stderr.write(f"{error}\n")
        sys.exit(EXIT_REFUSED)
    own_name = name_of(name, args, plan)
    node = plan.settings.node
    logs.configure(own_name, node.log_level, node.log_format, node.log_lines_kept)
    # What the imports made stays for good: the collector need not go through it again and again.
    gc.freeze()
    gc.set_threshold(node.collect_after_objects)
    sys.exit(trio.run(_run, own_name, plan, args, main))


def parse_arguments(name: str, argv: Sequence[str] | None) -> argparse.Namespace:
    """The arguments of a role; exits with a usage text where they are wrong."""
    parser = argparse.ArgumentParser(prog=f"rustfs_node {name}", allow_abbrev=False)
    parser.add_argument("--plan", required=True, help="file written by the supervisor")
    parser.add_argument("--set", type=int, default=-1, help="index of the erasure set")
    parser.add_argument("--slot", type=int, default=-1, help="slot of the drive in its set")
    parser.add_argument("--number", type=int, default=-1, help="number of the acceptor")
    parser.add_argument("--parent", type=int, default=0, help="process id of the supervisor")
    parser.add_argument("--beat-fd", type=int, default=None, help="descriptor for signs of life")
    return parser.parse_args(argv)


def name_of(role: str, args: argparse.Namespace, plan: NodePlan) -> str:
    """The name of this process on the bus and in the logs."""
    if role == "drive":
        return drive_name(args.set, args.slot)
    if role == "set":
        return set_name(args.set, plan.node_number)
    return acceptor_name(args.number, plan.node_number) if role == "acceptor" else role


def read_plan(path: str) -> NodePlan:
    """The plan in that file. Raises `RoleRefused` where it is none."""
    try:
        return decode_plan(read_bytes(path))
    except (OSError, msgspec.DecodeError) as error:
        raise RoleRefused(f"cannot read the plan {path}: {error}") from error


async def _run(name: str, plan: NodePlan, args: argparse.Namespace, main: RoleMain) -> int:
    log = logs.get_logger()
    send, receive = trio.open_memory_channel[NodePlan](1)
    context = RoleContext(
        name=name,
        plan=plan,
        args=args,
        log=log,
        clock=SystemClock(),
        randomness=SystemRandomness(),
        stopping=trio.Event(),
        reload=receive,
        beats=BeatLine(args.beat_fd),
    )
    try:
        async with trio.open_nursery() as nursery:
            await nursery.start(_obey_signals, context, send)
            nursery.start_soon(_beat, context)
            nursery.start_soon(_give_memory_back, context)
            await main(context)
            nursery.cancel_scope.cancel()
    # The last line of a process: whatever ended it goes to the log with its traceback, and the supervisor
    # starts it anew.
    except Exception as error:
        return _report(log, error)
    log.info("stopped")
    return 0


def _report(log: structlog.typing.FilteringBoundLogger, error: Exception) -> int:
    """Log why the role ended; the exit status that tells the supervisor."""
    refused = _find_refusal(error)
    if refused is not None:
        log.error("refused", reason=str(refused))
        return EXIT_REFUSED
    log.error("crashed", exc_info=error)
    return EXIT_FAILED


def _find_refusal(error: BaseException) -> RoleRefused | None:
    if isinstance(error, RoleRefused):
        return error
    inner = error.exceptions if isinstance(error, BaseExceptionGroup) else ()
    return next((found for one in inner if (found := _find_refusal(one)) is not None), None)


async def _beat(context: RoleContext) -> None:
    """Signs of life come from the event loop itself, so that a process whose loop hangs falls silent."""
    while True:
        context._beats.send(ALIVE)  # noqa: SLF001 - this module is the other half of the context
        await trio.sleep(context.plan.settings.node.beat_interval_s)


async def _give_memory_back(context: RoleContext) -> None:
    spare = SpareMemory()
    while True:
        await trio.sleep(context.plan.settings.node.rest_s)
        spare.look()


async def _obey_signals(
    context: RoleContext,
    send: trio.MemorySendChannel[NodePlan],
    task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED,
) -> None:
    with trio.open_signal_receiver(signal.SIGTERM, signal.SIGINT, signal.SIGHUP) as signals:
        task_status.started()
        async for number in signals:
            if number == signal.SIGHUP:
                _reload(context, send)
            else:
                context.stopping.set()
                send.close()


def _reload(context: RoleContext, send: trio.MemorySendChannel[NodePlan]) -> None:
    """Take over the plan that the supervisor wrote anew: the log level here, the rest by the role itself."""
    try:
        plan = read_plan(context.args.plan)
    except RoleRefused as error:
        context.log.warning("reload_failed", reason=str(error))
        return
    node = plan.settings.node
    logs.configure(context.name, node.log_level, node.log_format, node.log_lines_kept)
    try:
        send.send_nowait(plan)
    except trio.ClosedResourceError:
        context.log.debug("reload_while_stopping")
    except trio.WouldBlock:
        # An earlier reload still waits to be taken; it will read the same files as this one would.
        context.log.debug("reload_pending")
