"""haproxy before a cluster, with the configuration of etc/cluster in which only the places are the test's."""

from __future__ import annotations

import contextlib
import http.client
import shutil
import socket
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Self

CONFIGURATION = Path(__file__).parents[2] / "etc" / "cluster" / "haproxy.cfg"
START_S = 20.0


class Balancer:
    """haproxy at `host`:`port`, before the nodes at `nodes`; stopped at the end of the `with` block."""

    def __init__(self, folder: Path, host: str, port: int, nodes: Sequence[str]) -> None:
        self.host, self.port = host, port
        self.control_path = folder / "haproxy.sock"
        self.log_path = folder / "haproxy.log"
        self.configuration_path = folder / "haproxy.cfg"
        self.configuration_path.write_text(configuration(f"{host}:{port}", nodes, self.control_path))
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"http://{self.host}:{self.port}"

    def __enter__(self) -> Self:
        command = [program(), "-db", "-n", "500", "-f", str(self.configuration_path)]
        with self.log_path.open("ab") as log:
            self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        return self

    def __exit__(self, *_error: object) -> None:
        if self.process is not None:
            self.process.terminate()
            self.process.wait(START_S)

    def wait_status(self, path: str, wanted: int) -> None:
        """Ask until a GET through the balancer is answered so."""
        deadline_s = time.monotonic() + START_S
        while (status := self.get_status(path)) != wanted:
            assert time.monotonic() < deadline_s, f"{path}: {status}\n{self.log_path.read_text()[-2000:]}"

    def tell(self, command: str) -> None:
        """A command at the control socket, which says nothing where all is well."""
        with socket.socket(socket.AF_UNIX) as control:
            control.connect(str(self.control_path))
            control.sendall(f"{command}\n".encode())
            assert control.recv(1000).strip() == b""

    def get_status(self, path: str) -> int:
        """The status of an unsigned GET, 0 where nobody answers."""
        connection = http.client.HTTPConnection(self.host, self.port, timeout=START_S)
        with contextlib.closing(connection):
            try:
                connection.request("GET", path)
                return connection.getresponse().status
            except OSError:
                return 0


def program() -> str:
    """haproxy, which Debian keeps where only root looks."""
    found = shutil.which("haproxy") or shutil.which("haproxy", path="/usr/sbin:/usr/local/sbin")
    assert found is not None, "haproxy is missing: tests/clients/apt-packages.txt"
    return found


def configuration(bind: str, nodes: Sequence[str], control_path: Path) -> str:
    """The text of etc/cluster, listening at `bind`, with these nodes for its own."""
    text, _, written = CONFIGURATION.read_text().partition("    server ")
    assert all(line.startswith("server ") for line in f"server {written}".replace("    ", "").splitlines())
    for there, here in (
        (" :80\n", f" {bind}\n"),
        ("/dev/log", "stderr format raw"),
        ("/run/haproxy/admin.sock", str(control_path)),
    ):
        assert text.count(there) == 1, there
        text = text.replace(there, here)
    return text + "".join(f"    server node{number} {node}\n" for number, node in enumerate(nodes, 1))


def free_place(host: str) -> int:
    """A port at that address at which nobody listens now."""
    with socket.socket() as probe:
        probe.bind((host, 0))
        port: int = probe.getsockname()[1]
        return port
