"""A client that is missing is never passed over in silence."""

from __future__ import annotations

import pytest

from tests.clients import tools


def test_a_missing_program_is_a_skip_that_says_what_to_install(monkeypatch):
    """On a developer's machine the reason of the skip is the command that helps."""
    monkeypatch.delenv("CI", raising=False)
    with pytest.raises(pytest.skip.Exception, match="apt-get install no-such-client"):
        tools.program("no-such-client")
    with pytest.raises(pytest.skip.Exception, match="pip install"):
        tools.module("no_such_client")


def test_a_missing_program_is_a_failure_in_ci(monkeypatch):
    """Where nobody reads the skips, a missing client fails."""
    monkeypatch.setenv("CI", "true")
    with pytest.raises(pytest.fail.Exception, match="apt-get install no-such-client"):
        tools.program("no-such-client")


def test_an_environment_that_cannot_be_made_is_missing(monkeypatch, tmp_path):
    """When pip cannot install a client, the end of what it said is in the reason."""
    monkeypatch.delenv("CI", raising=False)
    monkeypatch.setattr(tools, "CACHE", tmp_path)
    monkeypatch.setitem(tools.OWN_ENVIRONMENT, "broken", ("not a requirement",))
    with pytest.raises(pytest.skip.Exception, match="Invalid requirement"):
        tools.python_with("broken")
