"""What the relay between network namespaces does to packets is what it was told, and no more."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter

import pytest

from tests.kit import netns, relay
from tests.kit.netns import Network
from tests.kit.relay import Sky, Weather

WHY_NOT = netns.why_not() or relay.why_not()
PACKETS = 300
LINE = b"from-to."

SEND = f"""
import socket, sys, time
line = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
for number in range({PACKETS}):
    line.sendto(b"%d" % number, (sys.argv[1], 9))
    time.sleep(0.0005)
"""
RECEIVE = """
import socket, sys
line = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
line.bind((sys.argv[1], 9))
print("ready", flush=True)
line.settimeout(20)
while (found := line.recv(100)) != b"end":
    print(found.decode(), flush=True)
"""


def test_packets_are_lost_doubled_and_change_places_by_the_shares_of_the_weather():
    """Of many packets each share is about what was asked for, and none comes before its time."""
    sky = Sky(Weather(seed=1, delay_s=0.01, jitter_s=0.05, loss=0.1, double=0.2))
    found = [due_s - number / 1000 for number in range(10_000) for due_s in sky.arrivals(LINE, number / 1000)]
    assert min(found) >= 0.01 and max(found) <= 0.061
    assert 900 < sky.counts["lost"] < 1100 and 1700 < sky.counts["doubled"] < 1900
    assert sky.counts["overtaking"] > 5000


def test_one_seed_gives_the_same_weather_again():
    """And calm weather changes nothing."""
    weather = Weather(seed=7, jitter_s=0.1, loss=0.3, double=0.3)
    one, other = Sky(weather), Sky(weather)
    assert all(one.arrivals(LINE, moment) == other.arrivals(LINE, moment) for moment in range(1000))
    assert [Sky(Weather()).arrivals(LINE, moment) for moment in range(3)] == [[0], [1], [2]]


@pytest.mark.skipif(bool(WHY_NOT), reason=WHY_NOT or "never")
def test_what_is_routed_through_the_relay_meets_its_weather():
    """Packets between two nodes are lost, doubled and overtaken; not in the other direction, not after all is
    healed, and a cut takes what the relay would have carried.
    """
    with Network(2) as network:
        assert received(network, 0, 1) == list(range(PACKETS))
        network.relay([(0, 1)], Weather(seed=3, delay_s=0.001, jitter_s=0.02, loss=0.2, double=0.2))
        found = received(network, 0, 1)
        assert len(set(found)) < PACKETS and max(Counter(found).values()) == 2 and found != sorted(found)
        assert received(network, 1, 0) == list(range(PACKETS))
        network.cut(0, 1)
        assert received(network, 0, 1) == []
        network.heal()
        assert received(network, 0, 1) == list(range(PACKETS))
    assert network.packets["carried"] == PACKETS
    assert all(network.packets[what] for what in ("lost", "doubled", "overtaking"))


def received(network: Network, source: int, target: int) -> list[int]:
    """Numbers of the packets that arrive, in their order."""
    host = network.host(target)
    command = [*network.launcher(target), sys.executable, "-c", RECEIVE, host]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as receiver:
        assert receiver.stdout is not None and receiver.stdout.readline() == "ready\n"
        subprocess.run([*network.launcher(source), sys.executable, "-c", SEND, host], check=True)
        # From its own node nothing is in the way.
        end = f"import socket; socket.socket(type=2).sendto(b'end', ({host!r}, 9))"
        subprocess.run([*network.launcher(target), sys.executable, "-c", end], check=True)
        return [int(line) for line in receiver.stdout]
