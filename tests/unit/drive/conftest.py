"""What the sweeps share."""

from __future__ import annotations

import logging
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog

MEMORY = Path("/dev/shm")  # noqa: S108


@pytest.fixture
def index_at() -> Iterator[str]:
    """Where an index may lie that SQLite itself writes. In memory where possible: it is opened and closed by
    the thousand.
    """
    with tempfile.TemporaryDirectory(prefix="index-", dir=MEMORY if MEMORY.is_dir() else None) as folder:
        yield f"{folder}/index.sqlite"


@pytest.fixture
def quiet_log() -> Iterator[None]:
    """Thousands of recoveries have thousands of things to say, and saying them takes most of the time."""
    before = structlog.get_config()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    try:
        yield
    finally:
        structlog.configure(**before)
