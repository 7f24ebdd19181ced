"""A command of the documents, started as its reader would start it: by a shell that finds the programs
which the document speaks of.
"""

from __future__ import annotations

import contextlib
import os
import selectors
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

from tests.clients.tools import program

# What a calling `make` hands down would override the arguments of a `make` that a test starts; the others
# decide where a node keeps its credentials and sockets.
LEFT_OUT = (
    "MAKEFLAGS", "MAKELEVEL", "MAKEOVERRIDES", "MFLAGS",
    "RUNTIME_DIRECTORY", "STATE_DIRECTORY", "XDG_STATE_HOME", "NOTIFY_SOCKET",
)  # fmt: skip


def inherited() -> dict[str, str]:
    """The environment of the test, without what a document's command must not see."""
    return {name: value for name, value in os.environ.items() if name not in LEFT_OUT}


def environment(programs: Path, **more: str) -> dict[str, str]:
    """The environment of a reader who has installed rustfs-node, the aws cli and boto3, with `more` on top.
    `programs` is a folder for what stands for the installed command.
    """
    programs.mkdir(exist_ok=True)
    launcher = programs / "rustfs-node"
    root = Path(__file__).parents[2]
    launcher.write_text(
        f"#!/bin/sh\nPYTHONPATH={shlex.quote(str(root))} exec {shlex.quote(sys.executable)} "
        '-m rustfs_node.cli.main "$@"\n'
    )
    launcher.chmod(0o755)
    folders = [programs, Path(sys.executable).parent, Path(program("aws")).parent]
    return inherited() | {"PATH": os.pathsep.join([*map(str, folders), os.environ["PATH"]])} | more


class Served:
    """A shell command that serves until told to stop; its words so far are `said`, its log is a file."""

    def __init__(self, process: subprocess.Popen[bytes], log: Path) -> None:
        self.process = process
        self.log = log
        self.said = ""

    def read_until(self, wanted: str, timeout_s: float) -> None:
        """Read what the command prints until `wanted` stands there."""
        assert self.process.stdout is not None
        deadline_s = time.monotonic() + timeout_s
        with selectors.DefaultSelector() as selector:
            selector.register(self.process.stdout, selectors.EVENT_READ)
            while wanted not in self.said:
                ready = selector.select(max(0.0, deadline_s - time.monotonic()))
                piece = os.read(self.process.stdout.fileno(), 65536) if ready else b""
                assert piece, f"no {wanted!r} in {self.said!r}\n{self.log.read_text()[-4000:]}"
                self.said += piece.decode()

    @property
    def node_pid(self) -> int:
        """The supervisor: the command itself, or the one child of the `make` that started it."""
        pid = self.process.pid
        if Path(f"/proc/{pid}/comm").read_text().strip() != "make":
            return pid
        (child,) = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        return int(child)

    def stop(self, timeout_s: float = 90.0) -> int:
        """SIGTERM to the supervisor, and the exit status of the command."""
        os.kill(self.node_pid, signal.SIGTERM)
        return self.process.wait(timeout_s)


@contextlib.contextmanager
def serving(command: str, cwd: Path, env: Mapping[str, str]) -> Iterator[Served]:
    """Start a command in a shell; whatever still runs at the end is stopped."""
    log = cwd / "log"
    with log.open("ab") as errors:
        process = subprocess.Popen(
            ["bash", "-c", f"exec {command}"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=errors,
            cwd=cwd,
            env=dict(env),
        )
    served = Served(process, log)
    with process:
        try:
            yield served
        finally:
            if process.poll() is None:
                served.stop()


def run_script(script: str, cwd: Path, env: Mapping[str, str]) -> str:
    """Run lines in one shell that stops at the first that fails; what they printed."""
    done = subprocess.run(
        ["bash", "-euo", "pipefail"],
        input=script,
        capture_output=True,
        text=True,
        cwd=cwd,
        env=dict(env),
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, f"{script}\nended with {done.returncode}\n{done.stdout}\n{done.stderr}"
    return done.stdout
