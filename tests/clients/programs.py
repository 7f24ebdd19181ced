"""The clients that others wrote, each ready to speak to the server of the tests."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import attrs

from tests.clients import commands, tools
from tests.clients.server import Server

Run = Callable[..., str]


@attrs.frozen
class Aws:
    """The aws command line: called, it gives what the command printed."""

    server: Server
    path: str

    def __call__(self, *arguments: str | Path, status: int = 0) -> str:
        command = [self.path, "--endpoint-url", self.server.url, *arguments]
        return commands.run(command, self.server.environment, status=status)

    def api(self, operation: str, *arguments: str | Path, **options: object) -> Any:
        """An operation of `s3api` and the document that it printed, None where it printed nothing.

        `bucket="b"` stands for `--bucket b`, and what is no text is written as JSON.
        """
        told: list[str | Path] = []
        for name, value in options.items():
            plain = value if isinstance(value, str | Path) else json.dumps(value)
            told += [f"--{name.replace('_', '-')}", plain]
        printed = self("s3api", operation, *told, *arguments)
        return json.loads(printed) if printed.strip() else None

    def refused(self, operation: str, *arguments: str | Path) -> None:
        """An operation of `s3api` that the server must refuse."""
        self("s3api", operation, *arguments, status=255)


def aws_of(server: Server) -> Aws:
    """The aws command line with the keys of the server."""
    return Aws(server, tools.program("aws"))


def s3cmd_of(server: Server, folder: Path) -> Run:
    """s3cmd with its settings in `folder`; called, it gives what the command printed."""
    settings = folder / "s3cfg"
    settings.write_text(
        f"[default]\naccess_key = {server.access_key}\nsecret_key = {server.secret_key}\n"
        f"host_base = {server.address}\nhost_bucket = {server.address}\nuse_https = False\n"
        "bucket_location = us-east-1\nmultipart_chunk_size_mb = 5\nhuman_readable_sizes = False\n"
    )
    path = tools.program("s3cmd")

    def run(*arguments: str | Path, status: int = 0) -> str:
        command = [path, "--config", settings, "--no-progress", *arguments]
        return commands.run(command, server.environment, status=status)

    return run


def rclone_of(server: Server) -> Run:
    """Rclone with the server as remote `node:`; called, it gives what the command printed."""
    path = tools.program("rclone")
    remote = {
        "RCLONE_CONFIG": "/dev/null",
        "RCLONE_CONFIG_NODE_TYPE": "s3",
        "RCLONE_CONFIG_NODE_PROVIDER": "Other",
        "RCLONE_CONFIG_NODE_ENDPOINT": server.url,
        "RCLONE_CONFIG_NODE_ACCESS_KEY_ID": server.access_key,
        "RCLONE_CONFIG_NODE_SECRET_ACCESS_KEY": server.secret_key,
        "RCLONE_CONFIG_NODE_REGION": "us-east-1",
        "RCLONE_RETRIES": "1",
        "RCLONE_LOW_LEVEL_RETRIES": "1",
    }

    def run(*arguments: str | Path, status: int = 0) -> str:
        return commands.run([path, *arguments], server.environment | remote, status=status)

    return run


def minio_of(server: Server) -> Any:
    """A client of minio-py."""
    return tools.module("minio").Minio(
        endpoint=server.address, access_key=server.access_key, secret_key=server.secret_key, secure=False
    )
