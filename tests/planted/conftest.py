"""One forking process for all trials of a test process."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.planted.trials import Trials


@pytest.fixture(scope="session")
def trials() -> Iterator[Trials]:
    forks = Trials()
    yield forks
    forks.close()
