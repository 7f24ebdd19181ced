"""Everything that was kept, and a fixed number of mutations of it, through every target."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
import structlog

from tests.fuzz import corpus
from tests.fuzz.campaign import Failure, campaign, replay
from tests.fuzz.targets import TARGETS

SEED = 1
GROWTH_MAX_MIB = 40


@pytest.fixture(autouse=True)
def _silence():
    """What is refused is logged, and here all is refused."""
    before = structlog.get_config()
    structlog.configure(processors=[_drop], cache_logger_on_first_use=False)
    yield
    structlog.configure(**before)


def _drop(*_arguments: object) -> object:
    raise structlog.DropEvent


@pytest.mark.parametrize("name", TARGETS)
def test_what_is_kept_holds(name: str) -> None:
    """Every kept input, and every well-formed one, is taken or refused as the target promises."""
    broken = replay(TARGETS[name])
    assert not broken, "\n".join(f"{kept}: {failure.error}" for kept, failure in broken)


@pytest.mark.parametrize("name", TARGETS)
def test_mutations_hold(name: str) -> None:
    """A fixed number of changed inputs is taken or refused as the target promises."""
    target = TARGETS[name]
    found = campaign(target, target.executions, SEED)
    if isinstance(found, Failure):
        path = corpus.keep(name, target.suffix, found.data)
        pytest.fail(f"{found.error}\nexecution {found.number} of seed {SEED}, kept as {path}")
    assert len(found.labels) > 1, f"all {target.executions} inputs end alike: {found.labels}"


def test_every_target_keeps_something() -> None:
    """A folder of kept inputs belongs to a target, and no target is without."""
    assert {path.name for path in corpus.FOLDER.iterdir()} == set(TARGETS)
    assert all(corpus.load(name) for name in TARGETS)


def test_hostile_documents_take_no_memory() -> None:
    """A process of its own that reads entity bombs, huge lengths and deep nesting hardly grows."""
    names = ("xml_bodies", "aws_chunked", "documents", "bus_frames")
    command = [
        sys.executable,
        "-m",
        "tests.fuzz",
        *names,
        "--executions",
        "0",
        "--memory",
        str(GROWTH_MAX_MIB),
    ]
    done = subprocess.run(command, cwd=Path(__file__).parents[2], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
