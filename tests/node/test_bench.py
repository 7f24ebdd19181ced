"""The load generator against a node, the bare server and plain files: a second of each tells sane figures."""

import subprocess
import sys
from pathlib import Path

import pytest

from bench.node import Plan, claims, measure_node
from bench.report import claims_table, table

pytestmark = pytest.mark.long

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def measured(tmp_path_factory):
    """The whole run that documentation shows, small: every row of its table."""
    plan = Plan(
        connections=4,
        seconds=0.4,
        turns=1,
        large_bucket_keys=3000,
        small_bucket_keys=1500,
        object_bytes=3 << 20,
        keys_per_process=30,
    )
    patch = pytest.MonkeyPatch()
    # A drive of a test may be small.
    patch.setenv("RUSTFS_NODE_FORMAT_FREE_BYTES_MIN", "0")
    patch.setenv("RUSTFS_DRIVE_SEGMENT_ZERO_FILL", "false")
    with patch.context():
        rows = measure_node([tmp_path_factory.mktemp("bench")], plan)
    patch.undo()
    return plan, rows


def test_every_operation_is_measured_on_every_target_that_can_do_it(measured):
    """Objects on the node and the bare server, PUTs on plain files too, listings on the node alone."""
    _, rows = measured
    found = {work.title: [endpoint.name for endpoint, _ in outcomes] for work, outcomes in rows}
    every, files = ["node", "bare"], ["node", "bare", "drives"]
    assert found == {
        "put 4 KiB x4": files,
        "get 4 KiB x4": every,
        "overwrite 4 KiB x4": every,
        "head 4 KiB x4": every,
        "delete 4 KiB x4": every,
        "put 3 MiB x4": files,
        "get 3 MiB x4": every,
        "list 1000 of 1,500 x4": ["node"],
        "list 1000 of 3,000 x4": ["node"],
    }


def test_all_that_was_asked_for_came_and_was_right(measured):
    """No request failed, no byte and no key was wrong, and something was done in each row."""
    _, rows = measured
    for work, outcomes in rows:
        for endpoint, outcome in outcomes:
            assert (outcome.errors, outcome.wrong) == (0, 0), (work.title, endpoint.name)
            assert outcome.operations > 0 < outcome.rate, (work.title, endpoint.name)


def test_the_processor_time_of_each_role_is_known(measured):
    """The node's workers are told apart, and all of them had something to do."""
    _, rows = measured
    node = rows[4][1][0][1]
    assert {role: time.processes for role, time in node.roles.items() if role != "server"} == {
        "acceptor": 1,
        "set": 1,
        "drive": 4,
    }
    assert node.cpu_us("acceptor") > 0 < node.cpu_us("drive")


def test_the_tables_can_be_printed(measured):
    """One line for each row and target, and one for each bound."""
    plan, rows = measured
    lines = table(rows).splitlines()
    assert len(lines) == 2 + sum(len(outcomes) for _, outcomes in rows)
    assert len({line.count("|") for line in lines}) == 1
    assert len(claims_table(claims(rows, plan)).splitlines()) == 2 + 11


def test_nothing_of_the_plain_files_is_left(measured, tmp_path_factory):
    """They are removed when the clock has stopped."""
    assert not [path for path in tmp_path_factory.getbasetemp().rglob("plain/*") if path.is_file()]


def test_an_endpoint_where_nobody_answers_is_told_so():
    """In one line, without a traceback."""
    command = [sys.executable, "-m", "bench", "compare", "nobody=http://127.0.0.1:1", "--turns", "1"]
    ended = subprocess.run(command, check=False, capture_output=True, text=True, cwd=ROOT)
    assert ended.returncode == 1
    assert ended.stderr.startswith("nobody: nobody answers at 127.0.0.1:1"), ended.stderr
