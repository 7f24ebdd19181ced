"""Bugs on purpose are found: the verdict on a node that has one of them is that it is broken."""

from __future__ import annotations

import pytest

from tests.linear.planted import BUGS, environment_of
from tests.linear.run import Plan, run
from tests.linear.verdict import Broken

pytestmark = pytest.mark.slow

# What is answered too early is lost only where drives die before they have it.
KILLS = {"answered-by-one-drive": {"drives": 1}}
OPERATIONS = {"answered-by-one-drive": 300}


@pytest.mark.parametrize("name", BUGS)
def test_a_planted_bug_is_found(tmp_path, name):
    """Some key has a history that no order of its operations explains."""
    BUGS[name].planted()
    plan = Plan(
        OPERATIONS.get(name, 120),
        seed=1,
        each=60,
        kinds=KILLS.get(name, {}),
        environment=environment_of(name, tmp_path / "bug"),
    )
    with pytest.raises(Broken, match="has no order"):
        run(tmp_path / "node", plan)
