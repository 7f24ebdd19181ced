"""The suite of clients against a cluster: through each node, and through haproxy before all of them.

    python -m tests.cluster.clients --nodes 4 -- -k boto3
    python -m tests.cluster.clients --only haproxy -- tests/clients/test_restic.py

What follows `--` is pytest's. Takes some minutes for each endpoint; the suite itself runs a selection
(`test_clients`). With `--namespaces`, which needs root, each node is a network namespace with its drives at
the same path as on all others, and the one command that starts them names hosts and drives by ellipses, as
etc/cluster does.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import random
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from tests.clients.server import DOMAIN
from tests.kit.balancer import Balancer, free_place
from tests.kit.cluster import RunningCluster
from tests.kit.netns import Network
from tests.kit.node import ACCESS_KEY, SECRET_KEY

ROOT = Path(__file__).parents[2]
# They look at what the node itself makes of heads that haproxy would not let through, or rewrites; the last
# one at when the node closes, where haproxy announces the end and leaves it to the client.
NOT_THROUGH_A_BALANCER = (
    "--ignore=tests/clients/test_raw_errors.py",
    "--ignore=tests/clients/test_raw_hosts.py",
    "--deselect=tests/clients/test_raw_streams.py::test_expect_continue_refused",
)


@contextlib.contextmanager
def endpoints(folder: Path, nodes: int, drives: int, namespaces: bool = False) -> Iterator[dict[str, str]]:
    """A cluster, its nodes started in any order, with haproxy before it: URLs by name."""
    with contextlib.ExitStack() as stack:
        network = stack.enter_context(Network(nodes)) if namespaces else None
        cluster = RunningCluster(
            folder,
            nodes=nodes,
            drives=drives,
            arguments=("--domain", DOMAIN),
            network=network,
            patterns=namespaces,
        )
        stack.callback(cluster.close)
        cluster.start(random.SystemRandom().sample(range(nodes), nodes))
        places = [f"{node.host}:{node.port}" for node in cluster.nodes]
        host = network.outside if network else cluster.nodes[0].host
        balancer = stack.enter_context(Balancer(folder, host, free_place(host), places))
        balancer.wait_status("/minio/health/cluster", 200)
        urls = {f"node {number}": node.url for number, node in enumerate(cluster.nodes, 1)}
        yield urls | {"haproxy": balancer.url}


def run_suite(url: str, arguments: Sequence[str], output: int | None = None) -> tuple[int, str]:
    """The tests of clients that the arguments name, against that endpoint: the exit status, and with
    `subprocess.PIPE` what was printed.
    """
    environment = os.environ | {
        "S3_TEST_ENDPOINT": url,
        "S3_TEST_ACCESS_KEY": ACCESS_KEY,
        "S3_TEST_SECRET_KEY": SECRET_KEY,
    }
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *arguments]
    done = subprocess.run(
        command, cwd=ROOT, env=environment, text=True, stdout=output, stderr=subprocess.STDOUT, check=False
    )
    return done.returncode, done.stdout or ""


def main(argv: Sequence[str] | None = None) -> int:
    """0 where all tests passed through every endpoint."""
    parser = argparse.ArgumentParser(prog="python -m tests.cluster.clients", description=__doc__)
    parser.add_argument("--nodes", type=int, default=3, help="nodes of the cluster (3)")
    parser.add_argument("--drives", type=int, default=2, help="drives of each node (2)")
    parser.add_argument("--namespaces", action="store_true", help="a network namespace for each node")
    parser.add_argument("--only", default="", help="one endpoint: 'node 1' ..., haproxy")
    parser.add_argument("pytest", nargs="*", default=[], help="arguments of pytest, after --")
    args = parser.parse_args(argv)
    status = 0
    with (
        tempfile.TemporaryDirectory(prefix="cluster-clients-") as folder,
        endpoints(Path(folder), args.nodes, args.drives, args.namespaces) as urls,
    ):
        for name, url in urls.items():
            if args.only in {"", name}:
                sys.stdout.write(f"-- {name} at {url}\n")
                sys.stdout.flush()
                status |= run_suite(url, suite_arguments(name, args.pytest))[0]
    return status


def suite_arguments(name: str, given: Sequence[str]) -> list[str]:
    """Those for that endpoint, with all tests where none are named."""
    named = [] if any(one.startswith("tests/") for one in given) else ["tests/clients"]
    left_out = NOT_THROUGH_A_BALANCER if name == "haproxy" else ()
    return [*named, *given, *left_out]


if __name__ == "__main__":
    sys.exit(main())
