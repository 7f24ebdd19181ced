"""What systemd is told: a datagram of NAME=value lines to the socket it named (sd_notify(3)). Elsewhere
nothing is sent.
"""

from __future__ import annotations

import socket
from collections.abc import Mapping

import attrs
import structlog

log = structlog.get_logger("supervisor")

_IMPORTANT_WAIT_S = 1.0
"""How long a full socket is waited for with a message that nothing later replaces."""


@attrs.define(eq=False)
class Notifier:
    """Speaks to the service manager; `address` is empty where there is none. `watchdog_s` is how often it
    wants a sign of life, 0 never.
    """

    address: str = ""
    watchdog_s: float = 0.0

    @classmethod
    def of_environment(cls, environ: Mapping[str, str], own_pid: int) -> Notifier:
        """As NOTIFY_SOCKET, WATCHDOG_USEC and WATCHDOG_PID say."""
        for_us = environ.get("WATCHDOG_PID", str(own_pid)) == str(own_pid)
        interval_us = int(environ.get("WATCHDOG_USEC", "0")) if for_us else 0
        return cls(environ.get("NOTIFY_SOCKET", ""), interval_us / 1e6)

    def ready(self, status: str) -> None:
        """The node serves."""
        self._send("READY=1", f"STATUS={status}", wait_s=_IMPORTANT_WAIT_S)

    def starting(self, status: str, more_s: float) -> None:
        """The start goes on; systemd must wait at least that many seconds more."""
        self._send(f"EXTEND_TIMEOUT_USEC={int(more_s * 1e6)}", f"STATUS={status}", wait_s=_IMPORTANT_WAIT_S)

    def status(self, text: str) -> None:
        """One line for `systemctl status`."""
        self._send(f"STATUS={text}")

    def reloading(self, monotonic_s: float) -> None:
        """Configuration is being read anew; `ready` ends it."""
        self._send("RELOADING=1", f"MONOTONIC_USEC={int(monotonic_s * 1e6)}", wait_s=_IMPORTANT_WAIT_S)

    def stopping(self) -> None:
        """The node drains and ends."""
        self._send("STOPPING=1", "STATUS=stopping", wait_s=_IMPORTANT_WAIT_S)

    def alive(self) -> None:
        """The sign of life for the watchdog."""
        self._send("WATCHDOG=1")

    def _send(self, *lines: str, wait_s: float = 0.0) -> None:
        """One datagram. A manager that does not read, or is gone, must not stop the node: after `wait_s` the
        message is dropped.
        """
        if not self.address:
            return
        # A leading @ is systemd's spelling of Linux' abstract namespace.
        address = "\0" + self.address[1:] if self.address.startswith("@") else self.address
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as channel:
            channel.settimeout(wait_s)
            try:
                channel.connect(address)
                channel.send("\n".join(lines).encode())
            except OSError as error:
                log.warning("notice_dropped", notice=lines[0], reason=str(error))
