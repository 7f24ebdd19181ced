"""Ways to cut a network of nodes, each as the links, from one node to another, over which nothing comes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from random import Random

Link = tuple[int, int]


def isolate(chance: Random, count: int) -> list[Link]:
    """One node from all others."""
    victim = chance.randrange(count)
    return _between([victim], _others(victim, count))


def one_way(chance: Random, count: int) -> list[Link]:
    """One node is deaf, or mute."""
    victim = chance.randrange(count)
    heard = [(other, victim) for other in _others(victim, count)]
    return heard if chance.random() < 0.5 else [(target, source) for source, target in heard]


def pair(chance: Random, count: int) -> list[Link]:
    """Two nodes from each other, whom all others see."""
    one, other = chance.sample(range(count), 2)
    return _between([one], [other])


def halves(chance: Random, count: int) -> list[Link]:
    """The cluster into two parts."""
    order = chance.sample(range(count), count)
    part = count // 2
    return _between(order[:part], order[part:])


def bridge(chance: Random, count: int) -> list[Link]:
    """Into two parts that one node sees both of."""
    _, *order = chance.sample(range(count), count)
    part = len(order) // 2
    return _between(order[:part], order[part:])


KINDS: Mapping[str, Callable[[Random, int], list[Link]]] = {
    "isolate": isolate, "one-way": one_way, "pair": pair, "halves": halves, "bridge": bridge,
}  # fmt: skip


def all_links(victim: int, count: int) -> list[Link]:
    """Those of one node, in both directions."""
    return _between([victim], _others(victim, count))


def _others(node: int, count: int) -> list[int]:
    return [other for other in range(count) if other != node]


def _between(some: Iterable[int], others: Iterable[int]) -> list[Link]:
    rest = list(others)
    return [link for one in some for other in rest for link in ((one, other), (other, one))]
