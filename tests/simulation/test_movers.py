"""Two that would move slots at once, and what acceptors of other nodes know of what was moved."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import pytest
import trio

from rustfs_node.acceptor.moves.registers import Charters, Overtaken
from rustfs_node.acceptor.sets import Sets
from rustfs_proto.erasure.charter import MOVER_BYTES, Hold
from tests.kit.sim.determinism import run_seeded
from tests.kit.sim.moves import THREE_NODES
from tests.kit.sim.node import SimNode
from tests.kit.sim.node_story import NodeStory

FIRST, SECOND = b"a" * MOVER_BYTES, b"b" * MOVER_BYTES


class _Story(NodeStory):
    def __init__(self, tell: Callable[[SimNode], Awaitable[None]]) -> None:
        super().__init__(1, THREE_NODES)
        self._tell = tell

    async def run(self) -> list[str]:
        """Play it; what failed."""
        await self.play()
        return self._world.failures

    async def _phases(self) -> None:
        await self._tell(self._node)


def play(tell: Callable[[SimNode], Awaitable[None]]) -> None:
    """A cluster of three nodes of which `tell` asks something."""
    failures = run_seeded(1, _Story(tell).run)
    assert not failures, "\n".join(failures)


def sets_of(node: SimNode, acceptor: str) -> Sets:
    """As that acceptor sees them."""
    return node.services_of(acceptor).sets


async def give_all_to_the_first(sets: Sets, mover: bytes) -> None:
    """What a mover does, but for copying."""
    charters = Charters(sets, mover)
    await charters.take_over()
    slots = charters[1].owned()
    await charters.write(1, charters[1].with_holds(slots, Hold.NONE))
    await charters.write(0, charters[0].with_holds(slots, Hold.OWNED))


def test_a_mover_that_was_followed_writes_no_charter() -> None:
    """Not even one that knows nothing of the other, whose charters stay as they are."""

    async def tell(node: SimNode) -> None:
        old = Charters(sets_of(node, "acceptor-0"), FIRST)
        await old.take_over()
        new = Charters(sets_of(node, "acceptor-0.1"), SECOND)
        await new.take_over()
        for index in (0, 1):
            with pytest.raises(Overtaken):
                await old.write(index, old[index].with_holds(old[index].owned(), Hold.NONE))
            kept = await new.sets.homes.read(index, "")
            assert kept.charter == new[index]

    play(tell)


def test_acceptors_are_told_what_has_moved() -> None:
    """Each of another node knows it some moments after it was told."""

    async def tell(node: SimNode) -> None:
        first = sets_of(node, "acceptor-0")
        others = [sets_of(node, name).homes for name in ("acceptor-0.1", "acceptor-0.2")]
        await give_all_to_the_first(first, FIRST)
        assert not any(set(one.layout.owners) == {0} for one in others)
        node.siblings_of("acceptor-0").tell_moved()
        await trio.sleep(0.1)
        assert all(set(one.layout.owners) == {0} for one in others)

    play(tell)


def test_acceptors_that_were_not_told_ask() -> None:
    """Some seconds later."""

    async def tell(node: SimNode) -> None:
        first = sets_of(node, "acceptor-0")
        await give_all_to_the_first(first, FIRST)
        await trio.sleep(first.settings.homes_look_s + 1)
        assert set(sets_of(node, "acceptor-0.1").homes.layout.owners) == {0}

    play(tell)


def test_a_mover_feels_the_load_of_all_nodes() -> None:
    """What the acceptors of other nodes are answering; one that is dead answers nothing."""

    async def tell(node: SimNode) -> None:
        siblings = node.siblings_of("acceptor-0")
        node.services_of("acceptor-0.1").load.requests = 2
        node.services_of("acceptor-0.2").load.requests = 3
        assert await siblings.load() == 5
        node.crash("acceptor-0.2")
        assert await siblings.load() == 2

    play(tell)
