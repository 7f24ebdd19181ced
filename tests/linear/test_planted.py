"""Bugs on purpose are found: the verdict on a node that has one of them is that it is broken."""

from __future__ import annotations

import pytest

from tests.linear.planted import BUGS, environment_of
from tests.linear.run import Plan, run
from tests.linear.verdict import Broken

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("name", BUGS)
def test_a_planted_bug_is_found(tmp_path, name):
    """Some key has a history that no order of its operations explains."""
    BUGS[name].planted()
    environment = environment_of(name, tmp_path / "bug")
    with pytest.raises(Broken, match="has no order"):
        run(tmp_path / "node", Plan(400, seed=1, each=100, environment=environment))
