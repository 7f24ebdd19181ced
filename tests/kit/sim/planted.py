"""Bugs on purpose. A simulation that does not find them would not find others either.

Each is a context in which the engine has the bug; `PLANTED` names them for tests and for the command line.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

from rustfs_node.drive import recovery
from rustfs_node.drive.log import Log
from rustfs_node.drive.shards import ShardWriters
from rustfs_node.erasureset import delete, row_read
from rustfs_proto.erasure import decide
from rustfs_proto.erasure.writes import Tally, WriteState
from rustfs_proto.wire.drive_ops import LookedUp
from tests.kit.faulty_files import EVER, Lies
from tests.kit.sim.disk import SimDisk


@contextmanager
def swapped(owner: object, name: str, bad: object) -> Iterator[None]:
    """`owner.name` is `bad` for a while."""
    # As it stands there: what `getattr` gives of a static method is not what has to be put back.
    good = vars(owner)[name]
    setattr(owner, name, bad)
    try:
        yield
    finally:
        setattr(owner, name, good)


def answers_before_quorum() -> AbstractContextManager[None]:
    """A write is acknowledged when one drive has it."""
    good = Tally.state
    assert good.fget is not None
    state_of = good.fget

    def state(tally: Tally) -> WriteState:
        return WriteState.ACKNOWLEDGED if tally.committed else state_of(tally)

    return swapped(Tally, "state", property(state))


def _unsynced(call: str, where: Callable[..., object]) -> AbstractContextManager[None]:
    """Calls of `call` from within that function do nothing."""
    site = f"{where.__module__.rpartition('.')[2]}.{where.__qualname__}"
    begin = SimDisk.__attrs_post_init__

    def begin_lying(disk: SimDisk) -> None:
        begin(disk)
        disk.files.inject(call, Lies(site), times=EVER)

    return swapped(SimDisk, "__attrs_post_init__", begin_lying)


def drive_answers_before_sync() -> AbstractContextManager[None]:
    """The log is written and not synced."""
    return _unsynced("sync", Log.append)


def shard_files_unsynced() -> AbstractContextManager[None]:
    """What a record refers to is written and not synced."""
    return _unsynced("sync", ShardWriters._sync_contents)  # noqa: SLF001


def delete_without_tombstone() -> AbstractContextManager[None]:
    """A delete is answered, and nothing is written."""
    return swapped(delete.RowRemoval, "_bury", lambda removal, above: removal._removed(above))  # noqa: SLF001


def first_answer_believed() -> AbstractContextManager[None]:
    """A read takes the first drive's version without comparing it with the others'."""

    def agree(answers: list[LookedUp], k: int, m: int) -> decide.Decision | None:
        return decide.agree([answers[0]] * max(len(answers), k + 1), k, m)

    return swapped(row_read, "agree", agree)


def failed_sync_forgiven() -> AbstractContextManager[None]:
    """A drive that starts after a failed sync believes the page cache."""
    worker = recovery._Recovery  # noqa: SLF001
    return swapped(worker, "_write_again", staticmethod(lambda _file, _offset: None))


PLANTED: dict[str, Callable[[], AbstractContextManager[None]]] = {
    plant.__name__: plant
    for plant in (
        answers_before_quorum,
        drive_answers_before_sync,
        shard_files_unsynced,
        delete_without_tombstone,
        first_answer_believed,
        failed_sync_forgiven,
    )
}
