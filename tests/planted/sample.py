"""Which planted bugs the suite has time for: every third one. `make long` takes the others."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from tests.planted.bug import PlantedBug


def parameters(bugs: Sequence[PlantedBug]) -> list[object]:
    """For `parametrize`; the first of three neighbours, which often break the same thing, is in the suite."""
    return [
        pytest.param(bug, id=bug.name, marks=pytest.mark.long if number % 3 else ())
        for number, bug in enumerate(bugs)
    ]
