"""Which cases of many the suite has time for: the first of some neighbours. `make long` takes the others."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import pytest


def sampled(cases: Sequence[Any], every: int = 3, ids: Callable[[Any], str] | None = None) -> list[Any]:
    """For `parametrize`: the first of `every` neighbours, which often try the same thing, is in the suite.
    Cases may be `pytest.param`s; `ids` names one that is none.
    """
    found = []
    for number, case in enumerate(cases):
        marks = [pytest.mark.long] if number % every else []
        if hasattr(case, "marks"):
            found.append(pytest.param(*case.values, id=case.id, marks=[*case.marks, *marks]))
        else:
            values = case if isinstance(case, tuple) else (case,)
            found.append(pytest.param(*values, id=ids(case) if ids else None, marks=marks))
    return found
