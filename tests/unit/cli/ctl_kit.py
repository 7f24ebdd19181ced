"""Commands of `ctl`, given to a node of the same trio program."""

from __future__ import annotations

import contextlib
import io
import json
import threading
from typing import Any

import pytest
import trio

from rustfs_node.cli.main import make_parser
from tests.unit.acceptor.node_kit import KEYS


@pytest.fixture
def owner(monkeypatch: pytest.MonkeyPatch) -> None:
    """The environment has the owner's key pair."""
    monkeypatch.setenv("RUSTFS_ACCESS_KEY", KEYS.access_key)
    monkeypatch.setenv("RUSTFS_SECRET_KEY", KEYS.secret_key)


class _OfThread(io.StringIO):
    """What one thread prints: the others are processes of the node, with their logs."""

    thread = 0

    def write(self, text: str) -> int:
        return super().write(text) if threading.get_ident() == self.thread else len(text)


async def ctl(port: int, *words: str) -> tuple[int, str]:
    """Exit status and output of `rustfs-node ctl WORDS`."""
    said = _OfThread()

    def run() -> int:
        said.thread = threading.get_ident()
        args = make_parser().parse_args(["ctl", *words, "--endpoint", f"http://127.0.0.1:{port}"])
        status: int = args.run(args)
        return status

    with contextlib.redirect_stdout(said):
        status = await trio.to_thread.run_sync(run)
    return status, said.getvalue()


async def ctl_json(port: int, *words: str) -> Any:
    """What the command answers in JSON."""
    status, said = await ctl(port, *words, "--json")
    assert status == 0, said
    return json.loads(said)
