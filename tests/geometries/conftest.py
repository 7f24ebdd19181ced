"""Folders in memory where the machine has them, and no log: these tests start thousands of drives."""

from __future__ import annotations

import logging
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog

from tests.geometries.rig import Store

MEMORY = Path("/dev") / "shm"


@pytest.fixture(autouse=True)
def quiet() -> Iterator[None]:
    """Damage is logged by every drive at every start; only errors nobody expects are worth a look here, and
    the tests fail for those.
    """
    before = structlog.get_config()
    structlog.configure(
        wrapper_class=structlog.make_filtering_bound_logger(int(os.environ.get("LOGLEVEL", logging.CRITICAL)))
    )
    yield
    structlog.configure(**before)


@pytest.fixture(scope="session")
def memory(tmp_path_factory) -> Iterator[Path]:
    """A folder that is quick to write to."""
    if not os.access(MEMORY, os.W_OK):
        yield tmp_path_factory.mktemp("geometries")
        return
    folder = Path(tempfile.mkdtemp(prefix="rustfs-node-", dir=MEMORY))
    yield folder
    shutil.rmtree(folder)


@pytest.fixture(scope="session")
def store(memory) -> Store:
    """Filled sets, one of each geometry."""
    return Store(memory / "filled")


@pytest.fixture
def folder(memory) -> Iterator[Path]:
    """A folder of the test's own."""
    path = Path(tempfile.mkdtemp(dir=memory))
    yield path
    shutil.rmtree(path)
