"""The set worker as a process: opens the bus, serves, and drains when told to stop."""

from __future__ import annotations

import trio

from rustfs_node.erasureset.worker import run_set
from rustfs_node.role import RoleContext
from rustfs_node.wiring import open_worker_bus


async def main(context: RoleContext) -> None:
    """Serve the set of `--set` until told to stop."""
    settings = context.plan.settings
    plan = context.plan.sets[context.args.set]
    own = context.plan.own_worker(plan)
    assert own is not None, (plan.name, context.plan.node_number)
    peers = {drive.name: (drive.node, drive.endpoint) for drive in plan.drives}
    bus = open_worker_bus(
        context.plan, own.name, context.clock, listen=own.endpoint, listen_remote=own.listen, peers=peers
    )
    async with trio.open_nursery() as nursery:

        async def serve(task_status: trio.TaskStatus[None]) -> None:
            await run_set(
                bus,
                plan,
                settings.set,
                context.clock,
                context.randomness,
                writer=context.plan.node_number,
                stopping=context.stopping,
                task_status=task_status,
            )

        await nursery.start(serve)
        await context.ready()
