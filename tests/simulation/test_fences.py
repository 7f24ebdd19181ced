"""A crash is an end: what a dead process still tries has no effect on anything outside of it."""

from __future__ import annotations

from tests.kit.sim.atlas import Swarm
from tests.kit.sim.node import Geometry
from tests.kit.sim.run import run_seed
from tests.kit.sim.workload import Load

CRASHES = ("crash", "crash_drive", "crash_amid", "crash_all", "power_amid", "blackout")


def test_the_dead_do_nothing() -> None:
    """Between the end of a life and the next one no message of the process leaves, and no file changes."""
    swarm = Swarm(Geometry(4, 2), is_loss=False, kinds=CRASHES, pause_s=0.5)
    result = run_seed(5, swarm, Load(operations=10), keep=None)
    dead: set[str] = set()
    deaths = 0
    for line in result.trace.lines:
        what, _, rest = line.partition(" ")[2].partition(" ")
        who = rest.partition(" ")[0]
        if what == "dies":
            dead.add(who)
            deaths += 1
        elif what == "lives":
            dead.discard(who)
        elif what in ("send", "disk"):
            assert who not in dead, line
    assert deaths > 20 and not result.failures
