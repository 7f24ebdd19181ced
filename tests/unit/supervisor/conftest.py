"""Logging is the process's; a test that configures it must not leave its captured stderr to the next."""

from __future__ import annotations

import pytest
import structlog


@pytest.fixture(autouse=True)
def own_logging():
    yield
    structlog.reset_defaults()
