"""The drive worker as a process: takes the drive's lock, opens the bus, serves until told to stop."""

from __future__ import annotations

import trio

from rustfs_node.drive.identity_file import DriveAddress
from rustfs_node.drive.worker import run_drive
from rustfs_node.role import RoleContext, RoleRefused
from rustfs_node.seams.node_files import FolderLock, lock_folder
from rustfs_node.seams.real_files import RealFiles
from rustfs_node.seams.threads import OwnThread, ThreadPool
from rustfs_node.wiring import open_worker_bus

_LOCK_PAUSE_S = 0.05


async def main(context: RoleContext) -> None:
    """Serve the drive of `--set` and `--slot` until told to stop."""
    settings = context.plan.settings
    drive = context.plan.sets[context.args.set].drives[context.args.slot]
    address = DriveAddress(
        drive.path, context.plan.deployment_id, context.args.set, drive.slot, drive.drive_id
    )
    lock = await _lock(drive.path, settings.node.lock_wait_s)
    bus = open_worker_bus(
        context.plan, drive.name, context.clock, listen=drive.endpoint, listen_remote=drive.listen
    )
    threads = ThreadPool(settings.drive.threads)
    try:
        async with trio.open_nursery() as nursery:

            async def serve(task_status: trio.TaskStatus[None]) -> None:
                await run_drive(
                    bus,
                    address,
                    settings.drive,
                    RealFiles(),
                    context.clock,
                    threads,
                    log_threads=OwnThread("log"),
                    meter=bus.meter,
                    task_status=task_status,
                )

            # First the handler, then the bus: a request never meets a process that does not know what to do.
            await nursery.start(serve)
            await nursery.start(bus.run)
            await context.ready()
            await context.stopping.wait()
            nursery.cancel_scope.cancel()
    finally:
        lock.close()


async def _lock(path: str, wait_s: float) -> FolderLock:
    """The lock of the drive's folder; a predecessor may still be finishing its last sync."""
    with trio.move_on_after(wait_s):
        while True:
            try:
                lock = lock_folder(path)
            except OSError as error:
                raise RoleRefused(
                    f"{path} cannot be opened ({error.strerror}): is the drive mounted?"
                ) from error
            if lock is not None:
                return lock
            await trio.sleep(_LOCK_PAUSE_S)
    raise RoleRefused(f"another process holds the drive at {path}: stop it, or wait until it has ended")
