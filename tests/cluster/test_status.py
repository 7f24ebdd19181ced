"""Faults of a cluster: `ctl status` names each at any node, with the next step, and the alerts fire."""

from __future__ import annotations

import contextlib
import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import attrs
import pytest

import rustfs_node
import rustfs_proto
from rustfs_node.cli.main import main
from tests.kit import wall_clock
from tests.kit.cluster import RunningCluster
from tests.kit.node import ACCESS_KEY, SECRET_KEY
from tests.kit.prometheus import RULES, hurried, prometheus
from tests.node.test_healing import SOON
from tests.node.test_staged_faults import is_quiet, until

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


@attrs.frozen
class Case:
    """`shown` and `remedy` are found in two lines that follow each other; `alerts` are those that fire."""

    staging: Callable[[RunningCluster], contextlib.AbstractContextManager[None]]
    shown: str
    remedy: str
    alerts: set[str]


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
    folder = tmp_path_factory.mktemp("prometheus")
    (folder / "rules.yml").write_text(hurried(RULES.read_text()))
    with prometheus(folder, cluster.nodes, folder / "rules.yml") as running:
        yield running


@pytest.mark.parametrize("name", CASES)
def test_a_fault_is_named_and_alerts_fire(name, cluster, watcher, capsys, monkeypatch):
    """While it lasts, whichever of the other nodes is asked; afterwards all is quiet."""
    monkeypatch.setenv("RUSTFS_ACCESS_KEY", ACCESS_KEY)
    monkeypatch.setenv("RUSTFS_SECRET_KEY", SECRET_KEY)
    case, fired = CASES[name], set[str]()

    def screen(number: int) -> list[str]:
        with pytest.raises(SystemExit):
            main(["ctl", "status", "--endpoint", cluster.nodes[number].url])
        shown: list[str] = capsys.readouterr().out.splitlines()
        return shown

    def is_named(number: int) -> bool:
        lines = screen(number)
        pairs = zip(lines, [*lines[1:], ""], strict=True)
        return any(re.search(case.shown, line) and re.search(case.remedy, below) for line, below in pairs)

    def have_fired() -> bool:
        fired.update(watcher.firing())
        return case.alerts <= fired

    with case.staging(cluster):
        for number in (0, 1):
            until(lambda number=number: is_named(number), lambda number=number: "\n".join(screen(number)))
        until(have_fired, lambda: fired)
    until(lambda: is_quiet(screen(0)), lambda: "\n".join(screen(0)))
    until(lambda: not watcher.firing(), watcher.firing)
