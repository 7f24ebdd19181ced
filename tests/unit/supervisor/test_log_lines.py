"""Lines of the log as people read them."""

from __future__ import annotations

import re
import sys

from rustfs_node import logs


def line(capsys, monkeypatch, **fields):
    monkeypatch.setattr(sys.stderr, "isatty", lambda: False, raising=False)
    logs.configure("acceptor-0", "info", "human")
    logs.get_logger().warning("drives", **fields)
    return re.sub(r"\x1b\[[0-9;]*m", "", capsys.readouterr().err)


def test_sentences_are_not_quoted(capsys, monkeypatch):
    """A sentence follows its event as it is."""
    assert "drives: drive /d1 is a file; name a folder" in line(
        capsys, monkeypatch, text="drive /d1 is a file; name a folder"
    )


def test_request_id_comes_first(capsys, monkeypatch):
    """The request id stands before all other fields."""
    text = line(capsys, monkeypatch, bucket="b", request_id="R1", a="x")
    assert text.index("request_id=R1") < text.index("process=") < text.index("bucket=") < text.index(" a=")


def test_no_room_without_a_name(capsys, monkeypatch):
    """A process' own logger names the process alone."""
    assert "room" not in line(capsys, monkeypatch)
