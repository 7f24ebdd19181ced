"""Faults of a cluster: `ctl status` names each at any node, with the next step, and the alerts fire."""

from __future__ import annotations

import contextlib
import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import rustfs_node
import rustfs_proto
from tests.kit import wall_clock
from tests.kit.cluster import RunningCluster
from tests.kit.prometheus import hurried_prometheus
from tests.kit.staging import Case, check_case, status_screens
from tests.node.test_healing import SOON

pytestmark = [pytest.mark.long, pytest.mark.skipif(bool(wall_clock.why_not()), reason=wall_clock.why_not())]


@contextlib.contextmanager
def node_down(cluster: RunningCluster) -> Iterator[None]:
    """The last node is killed."""
    node = cluster.nodes[-1]
    node.kill_all()
    yield
    node.start()


def clock_off(off_s: int) -> Callable[[RunningCluster], contextlib.AbstractContextManager[None]]:
    """The last node's clock is that much ahead."""

    @contextlib.contextmanager
    def staging(cluster: RunningCluster) -> Iterator[None]:
        cluster.clocks[-1].set(off_s * 1000)
        yield
        cluster.clocks[-1].set(0)

    return staging


@contextlib.contextmanager
def other_release(cluster: RunningCluster) -> Iterator[None]:
    """The last node runs a program that says it is of another release."""
    node, tree = cluster.nodes[-1], cluster.folder / "release"
    for package in (rustfs_node, rustfs_proto):
        assert package.__file__ is not None
        source = Path(package.__file__).parent
        shutil.copytree(source, tree / source.name, ignore=shutil.ignore_patterns("__pycache__"))
    init = tree / "rustfs_node" / "__init__.py"
    init.write_text(re.sub(r'__version__ = ".*"', '__version__ = "99.0.0"', init.read_text()))
    assert node.stop() == 0
    # Not the folder in which it is started, but this one, comes first.
    node.environment |= {"PYTHONSAFEPATH": "1", "PYTHONPATH": str(tree)}
    node.start()
    yield
    assert node.stop() == 0
    del node.environment["PYTHONSAFEPATH"], node.environment["PYTHONPATH"]
    node.start()


CASES = {
    "a node is down": Case(node_down, "node .*: OFFLINE", "see that it runs", {"RustfsNodeDown"}),
    "a clock is ahead": Case(
        clock_off(300), r"node .*: CLOCK OFF: (299|300|301) s ahead", "time servers", {"RustfsClockOff"}
    ),
    "a clock is behind": Case(
        clock_off(-300), r"node .*: CLOCK OFF: (299|300|301) s behind", "time servers", {"RustfsClockOff"}
    ),
    "releases are mixed": Case(
        other_release, "MIXED RELEASES: .*, 99.0.0", "the same release", {"RustfsMixedReleases"}
    ),
}


@pytest.fixture(scope="module")
def cluster(tmp_path_factory):
    folder = tmp_path_factory.mktemp("cluster")
    with RunningCluster(folder, nodes=3, drives=2, environment=SOON, clocks=True) as running:
        yield running


@pytest.fixture(scope="module")
def watcher(cluster, tmp_path_factory):
    with hurried_prometheus(tmp_path_factory.mktemp("prometheus"), cluster.nodes) as running:
        yield running


@pytest.mark.parametrize("name", CASES)
def test_a_fault_is_named_and_alerts_fire(name, cluster, watcher, capsys, monkeypatch):
    """While it lasts, whichever of the other nodes is asked; afterwards all is quiet."""
    screens = status_screens([node.url for node in cluster.nodes[:2]], capsys, monkeypatch)
    check_case(CASES[name], cluster, screens, watcher)
