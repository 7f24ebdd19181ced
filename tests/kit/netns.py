"""A network of its own for each test: every node is a network namespace, and what one of them sends to
another can be made to vanish.

    Network     namespaces with addresses .1, .2, ..., joined by a bridge at which the test has the last one
    cut         packets from one node to another vanish without a word, one way or both
    slow        a node sends no faster than this, and what does not fit its queue is lost
    relay       packets from one node to another are late, lost, doubled and out of order (`tests.kit.relay`)

A cut is a neighbour's hardware address that nobody has: frames still leave, and no one takes them. That needs
no packet filter, works for connections under way, and is undone by the right address. Needs root; names and
addresses are drawn anew for each network, so that tests may run side by side.
"""

from __future__ import annotations

import os
import random
import shutil
import subprocess
from collections import Counter
from collections.abc import Iterable
from typing import Self

import attrs

from tests.kit import relay
from tests.kit.relay import Relay, Weather

_NOBODY = "02:ff:ff:ff:ff:ff"
_DRAWS = 50


def why_not() -> str:
    """Why there can be no networks here; empty where they can."""
    if os.geteuid() != 0:
        return "network namespaces need root"
    for tool, package in (("ip", "iproute2"), ("nsenter", "util-linux")):
        if shutil.which(tool) is None:
            return f"network namespaces need {package}'s {tool}"
    probe = f"rnprobe{os.getpid()}"
    made = subprocess.run(["ip", "netns", "add", probe], capture_output=True, check=False)
    if made.returncode != 0:
        return f"no network namespace can be made: {made.stderr.decode().strip()}"
    _run(f"netns del {probe}")
    return ""


@attrs.define(eq=False)
class Network:
    """`count` nodes. Whoever lives in it must have ended before it is closed."""

    count: int
    prefix: str = ""
    _tag: str = ""
    _cuts: set[tuple[int, int]] = attrs.field(factory=set)
    _slow: set[int] = attrs.field(factory=set)
    _relayed: set[tuple[int, int]] = attrs.field(factory=set)
    _relay: Relay | None = None
    packets: Counter[str] = attrs.field(factory=Counter)
    """What relays did to packets, told when the network is closed."""

    def __enter__(self) -> Self:
        try:
            self._make()
        # A network that is there in part is removed as a whole.
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, *_error: object) -> None:
        self.close()

    def host(self, node: int) -> str:
        """The address of a node."""
        return f"{self.prefix}.{node + 1}"

    @property
    def outside(self) -> str:
        """The test's own address in it."""
        return f"{self.prefix}.254"

    def launcher(self, node: int) -> list[str]:
        """Before the arguments of a program, this starts it there. (`ip netns exec` would give it mounts of
        its own, too, by which file systems that other tests unmount live on.)
        """
        return ["nsenter", f"--net=/run/netns/{self._name(node)}"]

    # Faults

    def cut(self, source: int, target: int) -> None:
        """From now on what `source` sends to `target` vanishes."""
        self._cuts.add((source, target))
        # What the relay takes would come through.
        self._route(source, target, relayed=False)
        self._point(source, target, _NOBODY)

    def cut_between(self, some: Iterable[int], others: Iterable[int]) -> None:
        """In both directions between two groups."""
        rest = list(others)
        for one in some:
            for other in rest:
                self.cut(one, other)
                self.cut(other, one)

    def slow(self, node: int, kilobits: int, latency_ms: int) -> None:
        """What the node sends waits at most so long for so narrow a line; more than that is lost."""
        self._slow.add(node)
        limits = f"rate {kilobits}kbit burst 8kb latency {latency_ms}ms"
        _run("qdisc replace dev eth0 root tbf " + limits, tool="tc", netns=self._name(node))

    def relay(self, links: Iterable[tuple[int, int]], weather: Weather) -> None:
        """What goes over those links, each from one node to another, goes through that weather."""
        if self._relay is None:
            self._relay = Relay([self._name(node) for node in range(self.count)])
        self._relay.set(weather)
        for source, target in links:
            if (source, target) not in self._cuts:
                self._route(source, target, relayed=True)

    def heal(self) -> None:
        """No fault is left."""
        for source, target in sorted(self._relayed):
            self._route(source, target, relayed=False)
        for source, target in sorted(self._cuts):
            self._point(source, target, _hardware(target))
        self._cuts.clear()
        for node in sorted(self._slow):
            _run("qdisc del dev eth0 root", tool="tc", netns=self._name(node))
        self._slow.clear()

    # Making and removing

    def _make(self) -> None:
        chance = random.Random(os.urandom(8))
        for _ in range(_DRAWS):
            self.prefix = f"10.{chance.randrange(64, 128)}.{chance.randrange(256)}"
            if f" {self.prefix}." not in _run("-4 -o addr show"):
                break
        self._tag = f"{chance.randrange(16**6):06x}"
        _run(f"link add {self._bridge} type bridge")
        _run(f"addr add {self.outside}/24 dev {self._bridge}")
        _run(f"link set {self._bridge} up")
        for node in range(self.count):
            self._make_node(node)
        for source in range(self.count):
            for target in range(self.count):
                if source != target:
                    self._point(source, target, _hardware(target))

    def _make_node(self, node: int) -> None:
        name, outside = self._name(node), f"rv{self._tag}{node}"
        _run(f"netns add {name}")
        # Nothing but our own traffic: no router is asked for, no second address is made up.
        _run(f"link add {outside} type veth peer name eth0 address {_hardware(node)} netns {name}")
        _run(f"link set {outside} master {self._bridge} up")
        _run("link set lo up", netns=name)
        _run(f"addr add {self.host(node)}/24 dev eth0", netns=name)
        _run("link set eth0 up", netns=name)

    def close(self) -> None:
        """Remove all of it, also what was made in part."""
        if self._relay is not None:
            self.packets += self._relay.close()
            self._relay = None
        for node in range(self.count):
            subprocess.run(["ip", "netns", "del", self._name(node)], capture_output=True, check=False)
        subprocess.run(["ip", "link", "del", self._bridge], capture_output=True, check=False)

    def _point(self, source: int, target: int, hardware: str) -> None:
        _run(
            f"neigh replace {self.host(target)} lladdr {hardware} dev eth0 nud permanent",
            netns=self._name(source),
        )

    def _route(self, source: int, target: int, *, relayed: bool) -> None:
        """By way of the relay, or as usual."""
        if relayed == ((source, target) in self._relayed):
            return
        ends = f"{self.host(target)}/32 dev {relay.DEVICE} src {self.host(source)}"
        _run(f"route {'replace' if relayed else 'del'} {ends}", netns=self._name(source))
        (self._relayed.add if relayed else self._relayed.discard)((source, target))

    @property
    def _bridge(self) -> str:
        return f"rb{self._tag}"

    def _name(self, node: int) -> str:
        return f"rn{self._tag}-{node}"


def _hardware(node: int) -> str:
    return f"02:00:00:00:00:{node + 1:02x}"


def _run(words: str, *, tool: str = "ip", netns: str = "") -> str:
    command = [tool, *(["-n", netns] if netns else []), *words.split()]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise OSError(f"{' '.join(command)}: {done.stderr.strip()}")
    return done.stdout
