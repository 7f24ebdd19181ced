"""A whole node as its users start it: the real program, its own processes, folders as drives, a free port.

Waiting is by what the node says of itself on systemd's notification socket, so nothing here sleeps. Only
processes that the node started are ever signalled, each by its own id.
"""

from __future__ import annotations

import contextlib
import http.client
import os
import queue
import select
import signal
import socket
import ssl
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Self

from tests.kit.notices import Notices

ACCESS_KEY = "kit-access-key"
SECRET_KEY = "kit-secret-key-0123456789"

START_S = 60.0
STOP_S = 60.0


class NodeError(Exception):
    """The node did not do what the test needs; carries the end of its log."""


class RunningNode:
    """A node on `drives` folders d1..dn below `folder`, stopped at the end of the `with` block.

    `arguments` are added to `serve`; `environment` is laid over that of the test. `folder` may hold drives of
    an earlier run. A node of a cluster has an `address` of its own, and `volumes`, the drives of all nodes,
    in place of its folders. `launcher` stands before the command.
    """

    def __init__(
        self,
        folder: Path | str,
        *,
        drives: int = 4,
        arguments: Sequence[str] = (),
        environment: Mapping[str, str] | None = None,
        access_key: str = ACCESS_KEY,
        secret_key: str = SECRET_KEY,
        address: tuple[str, int] | None = None,
        volumes: Sequence[str] = (),
        launcher: Sequence[str] = (),
    ) -> None:
        self.folder = Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.drive_paths = [self.folder / f"d{number}" for number in range(1, drives + 1)]
        self.arguments, self.launcher = list(arguments), list(launcher)
        self.environment = dict(environment or {})
        self.access_key, self.secret_key = access_key, secret_key
        self.host, self.port = address or ("127.0.0.1", free_port())
        self.volumes = list(volumes) or [str(path) for path in self.drive_paths]
        self.log_path = self.folder / "node.log"
        self.output_path = self.folder / "node.out"
        self.process: subprocess.Popen[bytes] | None = None
        self._notices: Notices | None = None
        self.status = ""
        self._runtime: tempfile.TemporaryDirectory[str] | None = None

    @property
    def url(self) -> str:
        scheme = "https" if "--tls-cert" in self.arguments else "http"
        return f"{scheme}://{self.host}:{self.port}"

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self.close()

    def start(self) -> None:
        """Start the program and wait until it says that it serves and answers so over HTTP. Where it does
        not, nothing of it is left running.
        """
        try:
            self.spawn()
            self.wait_notice("READY=1", START_S)
            status = self.get_status("/minio/health/ready")
            if status != 200:
                raise NodeError(f"/minio/health/ready answered {status}\n{self.log_tail()}")
        # A test that is interrupted leaves no node behind.
        except BaseException:
            self.close()
            raise

    def spawn(self) -> None:
        """Start the program and return at once."""
        assert self.process is None or self.process.poll() is not None, "the node runs already"
        self._close_notices()
        self._notices = Notices()
        environment = os.environ | {
            "RUSTFS_ACCESS_KEY": self.access_key,
            "RUSTFS_SECRET_KEY": self.secret_key,
            "NOTIFY_SOCKET": self._notices.path,
            "XDG_STATE_HOME": str(self.folder / "state"),
            # The drives of a test may be small, and there is no need to fill logs with zeros ahead of their
            # use.
            "RUSTFS_NODE_FORMAT_FREE_BYTES_MIN": "0",
            "RUSTFS_DRIVE_SEGMENT_ZERO_FILL": "false",
        }
        # Socket paths are short, paths of tests are not.
        self._runtime = self._runtime or tempfile.TemporaryDirectory(prefix="rn-")
        command = [sys.executable, "-m", "rustfs_node.cli.main", "serve", "--runtime-dir", self._runtime.name]
        command += ["--address", f"{self.host}:{self.port}"]
        with self.log_path.open("ab") as log, self.output_path.open("ab") as output:
            self.process = subprocess.Popen(
                [*self.launcher, *command, *self.arguments, *self.volumes],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=log,
                env=environment | self.environment,
                cwd=Path(__file__).parents[2],
            )
        self._notices.watch(self.process)

    def wait_notice(self, wanted: str, timeout_s: float) -> str:
        """Read what the node tells systemd until a notice has `wanted` in it."""
        assert self.process is not None and self._notices is not None
        deadline_s = time.monotonic() + timeout_s
        with contextlib.suppress(queue.Empty):
            while notice := self._notices.next(max(0.0, deadline_s - time.monotonic())):
                self.status = notice
                if wanted in notice:
                    return notice
            raise NodeError(f"the node ended with {self.process.wait()}\n{self.log_tail()}")
        raise NodeError(f"no {wanted!r} within {timeout_s} s, last {self.status!r}\n{self.log_tail()}")

    def wait_all_ready(self, timeout_s: float = START_S) -> None:
        """Wait for a notice by which every worker is ready, said after the last `kill_worker`, and until the
        acceptor has found the workers that were started again.
        """
        while "not:" in self.wait_notice("workers ready", timeout_s):
            pass
        self.wait_healthy(timeout_s)

    def wait_healthy(self, timeout_s: float = START_S) -> None:
        """Wait until every set can be written to through this node."""
        self.wait_status("/minio/health/cluster", 200, timeout_s)

    def wait_status(self, path: str, wanted: int, timeout_s: float = START_S) -> None:
        """Ask until an unsigned GET is answered so."""
        deadline_s = time.monotonic() + timeout_s
        while (status := self._status(path)) != wanted:
            if time.monotonic() > deadline_s:
                raise NodeError(f"{path} answers {status}\n{self.log_tail()}")

    def _status(self, path: str) -> int:
        """0 while nobody listens: the node may be starting."""
        try:
            return self.get_status(path)
        except ConnectionRefusedError:
            return 0

    def get_status(self, path: str) -> int:
        """The status of an unsigned GET."""
        connection: http.client.HTTPConnection
        if self.url.startswith("https"):
            context = ssl.create_default_context()
            context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
            connection = http.client.HTTPSConnection(self.host, self.port, timeout=30, context=context)
        else:
            connection = http.client.HTTPConnection(self.host, self.port, timeout=30)
        with contextlib.closing(connection):
            connection.request("GET", path)
            return connection.getresponse().status

    def stop(self, timeout_s: float = STOP_S) -> int:
        """SIGTERM, and the exit status."""
        assert self.process is not None
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(timeout_s)

    def restart(self) -> None:
        """Stop in order and start again on the same drives and port."""
        status = self.stop()
        if status != 0:
            raise NodeError(f"the node ended with {status}\n{self.log_tail()}")
        self.start()

    def worker_pids(self) -> dict[str, int]:
        """Name → process id of the workers that run now, and of the forge that they come from; names as in
        the logs: drive-0-2, set-0, acceptor-0, forge.
        """
        assert self.process is not None
        forges = _children(self.process.pid)
        found = dict.fromkeys(["forge"], forges[0]) if forges else {}
        for pid in [worker for forge in forges for worker in _children(forge)]:
            with contextlib.suppress(OSError):
                found[Path(f"/proc/{pid}/comm").read_text().strip()] = pid
        return found

    def kill_worker(self, name: str, number: int = signal.SIGKILL) -> int:
        """Signal one worker; its process id. What the node said of itself before is forgotten."""
        return self.kill_workers([name], number)[0]

    def kill_workers(self, names: Sequence[str], number: int = signal.SIGKILL) -> list[int]:
        """The same for several at one blow."""
        assert self._notices is not None
        self._notices.discard()
        pids = self.worker_pids()
        victims = [pids[name] for name in names]
        for pid in victims:
            os.kill(pid, number)
        return victims

    def signal_all(self, number: int) -> None:
        """To every process of the node: SIGSTOP stops it as a machine that hangs, SIGCONT lets it go on."""
        assert self.process is not None
        for pid in (self.process.pid, *self.worker_pids().values()):
            self.signal_one(pid, number)

    @staticmethod
    def signal_one(pid: int, number: int) -> None:
        """To one process of the node, as `worker_pids` named it; it may have ended since."""
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, number)

    @property
    def is_running(self) -> bool:
        """Whether the supervisor lives."""
        return self.process is not None and self.process.poll() is None

    def kill_supervisor(self) -> None:
        """SIGKILL to the supervisor alone; returns when it is gone, which its workers need not be yet."""
        assert self.process is not None
        self.process.kill()
        self.process.wait(STOP_S)

    def kill_all(self) -> None:
        """SIGKILL to every process of the node, the supervisor first; returns when all are gone."""
        assert self.process is not None
        pids = list(self.worker_pids().values())
        with contextlib.ExitStack() as stack:
            fds = [stack.enter_context(descriptor_of(pid)) for pid in pids]
            self.process.kill()
            self.process.wait(STOP_S)
            for pid in pids:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            for fd in fds:
                if fd is not None and not select.select([fd], [], [], STOP_S)[0]:
                    raise NodeError(f"a worker is still there after SIGKILL\n{self.log_tail()}")

    @property
    def local_endpoint(self) -> str:
        """The node's own socket, as `ctl --endpoint` takes it."""
        assert self._runtime is not None
        return f"unix:{self._runtime.name}/admin"

    def close(self) -> None:
        """End whatever still runs."""
        if self.process is not None and self.process.poll() is None:
            try:
                self.stop()
            except subprocess.TimeoutExpired:
                self.kill_all()
        self._close_notices()
        if self._runtime is not None:
            self._runtime.cleanup()
            self._runtime = None

    def log_tail(self, lines: int = 40) -> str:
        """The end of the node's log."""
        return "\n".join(self.log_path.read_text(errors="replace").splitlines()[-lines:])

    def log_text(self) -> str:
        """All of the node's log."""
        return self.log_path.read_text(errors="replace")

    def boto3(self, **config: object):
        """A boto3 client of this node that makes one attempt, so that no answer is hidden."""
        from tests.kit.s3 import boto3_client

        return boto3_client(self.url, self.access_key, self.secret_key, **config)

    def _close_notices(self) -> None:
        if self._notices is not None:
            self._notices.close()
            self._notices = None


def free_port() -> int:
    """A port that nobody listens at now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextlib.contextmanager
def descriptor_of(pid: int) -> Iterator[int | None]:
    """A descriptor that becomes readable when the process ends; None where it has ended already."""
    try:
        fd = os.pidfd_open(pid)
    except ProcessLookupError:
        yield None
        return
    try:
        yield fd
    finally:
        os.close(fd)


def _children(pid: int) -> list[int]:
    try:
        return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except OSError:
        return []
