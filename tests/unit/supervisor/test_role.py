"""The frame of a worker process: signals, readiness, refusal, and dying with the supervisor."""

from __future__ import annotations

import json
import os
import resource
import select
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from rustfs_node.config import Settings, load
from rustfs_node.plan import Credentials, NodePlan, encode_plan

ROOT = Path(__file__).parents[3]

# A role whose conduct depends on its number.
ROLE = """
import sys
from rustfs_node.role import RoleRefused, run_role

async def main(context):
    number = context.args.number
    if number == 1:
        raise RoleRefused("the port is taken: choose another")
    if number == 2:
        raise RuntimeError("a bug")
    await context.ready()
    if number == 3:
        async for plan in context.reload:
            context.log.info("reloaded", log_level=plan.settings.node.log_level, key=b"a/b")
            break
    await context.stopping.wait()

run_role("acceptor", main, sys.argv[1:])
"""

# A supervisor that tells the id of its only child and waits for its end.
PARENT = """
import os, subprocess, sys
child = subprocess.Popen([sys.executable, "-c", sys.argv[1], *sys.argv[2:], "--parent", str(os.getpid())])
print(child.pid, flush=True)
child.wait()
"""


@pytest.fixture
def plan_file(tmp_path):
    path = tmp_path / "plan.json"
    path.write_bytes(encode_plan(NodePlan("d", 0, Settings(), (), str(tmp_path), Credentials("a", "b" * 8))))
    return path


def start(plan_file, number, *options, **pipes):
    command = [sys.executable, *options, "-c", ROLE, "--plan", str(plan_file), "--number", str(number)]
    return subprocess.Popen(command, stderr=subprocess.PIPE, cwd=ROOT, text=True, **pipes)


def events(process):
    """Lines of the log until the end of the process."""
    return [json.loads(line) for line in process.communicate(timeout=30)[1].splitlines()]


def next_event(process):
    return json.loads(process.stderr.readline())


def test_ready_then_stopped_by_sigterm(plan_file):
    """A role says that it is ready, drains at SIGTERM and ends with status 0; every line names
    the process.
    """
    process = start(plan_file, 0)
    assert next_event(process)["event"] == "ready"
    process.send_signal(signal.SIGTERM)
    (last,) = events(process)
    assert (last["event"], last["process"]) == ("stopped", "acceptor-0")
    assert process.returncode == 0


def test_beats_reach_the_supervisor(plan_file):
    """Readiness and life arrive through the inherited descriptor."""
    ours, theirs = os.pipe()
    command = [
        sys.executable,
        "-c",
        ROLE,
        "--plan",
        str(plan_file),
        "--number",
        "0",
        "--beat-fd",
        str(theirs),
    ]
    with subprocess.Popen(command, pass_fds=(theirs,), cwd=ROOT, stderr=subprocess.DEVNULL) as process:
        os.close(theirs)
        seen = b""
        while b"R" not in seen or b"." not in seen:
            seen += os.read(ours, 100)
        process.terminate()
    while os.read(ours, 100):
        pass
    os.close(ours)


def test_refusal_has_its_own_status(plan_file):
    """A role that cannot work as things are says so in one line, without a traceback."""
    process = start(plan_file, 1)
    (line,) = events(process)
    assert (line["event"], line["reason"]) == ("refused", "the port is taken: choose another")
    assert process.returncode == 78


def test_crash_is_logged(plan_file):
    """A bug ends the process with status 1 and its traceback in the log."""
    process = start(plan_file, 2)
    (line,) = events(process)
    assert line["event"] == "crashed"
    assert "RuntimeError: a bug" in line["exception"]
    assert process.returncode == 1


def test_reload(plan_file):
    """At SIGHUP the role gets the plan as it is now, and the log level follows at once."""
    process = start(plan_file, 3)
    assert next_event(process)["event"] == "ready"
    settings = load(b'[node]\nlog_level = "debug"\n', {}, {})
    plan_file.write_bytes(encode_plan(NodePlan("d", 0, settings, (), "/", Credentials("a", "b" * 8))))
    process.send_signal(signal.SIGHUP)
    line = next_event(process)
    assert (line["event"], line["log_level"], line["key"]) == ("reloaded", "debug", "a/b")
    process.terminate()
    events(process)


def test_a_broken_plan_at_reload_changes_nothing(plan_file):
    """A plan that cannot be read leaves the role as it was."""
    process = start(plan_file, 3)
    assert next_event(process)["event"] == "ready"
    plan_file.write_bytes(b"{")
    process.send_signal(signal.SIGHUP)
    assert next_event(process)["event"] == "reload_failed"
    process.terminate()
    assert events(process)[-1]["event"] == "stopped"


def test_no_plan(tmp_path):
    """Without a plan a role refuses."""
    process = start(tmp_path / "none", 0)
    assert "cannot read the plan" in process.communicate(timeout=30)[1]
    assert process.returncode == 78


def test_assertions_cannot_be_switched_off(plan_file):
    """Python -O is refused, because assertions guard what is stored."""
    process = start(plan_file, 0, "-O")
    assert "refuses python -O" in process.communicate(timeout=30)[1]
    assert process.returncode == 1


def test_no_worker_outlives_its_supervisor(plan_file):
    """When the supervisor is killed with SIGKILL its workers die with it."""
    command = [sys.executable, "-c", PARENT, ROLE, "--plan", str(plan_file), "--number", "0"]
    parent = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=ROOT, text=True)
    worker = os.pidfd_open(int(parent.stdout.readline()))
    assert next_event(parent)["event"] == "ready"
    parent.kill()
    parent.communicate(timeout=30)
    assert select.select([worker], [], [], 30)[0], "the worker is still there"
    os.close(worker)


def test_worker_of_a_dead_supervisor_does_not_start(plan_file):
    """A worker whose supervisor was gone before it could ask to die with it ends at once."""
    command = [sys.executable, "-c", ROLE, "--plan", str(plan_file), "--number", "0", "--parent", "1"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=30, check=False)
    assert done.returncode == 1
    assert done.stderr == ""


def test_a_role_may_open_as_much_as_the_administrator_allows(plan_file):
    """The soft limit of descriptors is raised to the hard one."""
    process = start(plan_file, 0, preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (256, 512)))
    assert next_event(process)["event"] == "ready"
    assert resource.prlimit(process.pid, resource.RLIMIT_NOFILE) == (512, 512)
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=30)
