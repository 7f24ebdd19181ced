"""A configuration file is looked at without a node."""

from __future__ import annotations

import json

import pytest

from rustfs_node.cli.main import main


def status_of(*arguments):
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    return ended.value.code


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("[node]\nacceptors = 'two'\n", "[node] acceptors: expected int, found 'two'"),
        ("[node]\nacceptors = 0\n", "[node] acceptors: must be >= 1: 0"),
        ("[node]\nlog_level = 'loud'\n", "[node] log_level: must be in"),
        ("[node]\nacceptor = 2\n", "did you mean acceptors?"),
        ("[nodes]\n", "[nodes]: there is no such table"),
        ("[node]\nvolumes = ['/d{4...1}']\n", "[node] volumes: "),
        ("[acceptor]\naddress = ':x'\n", "write host:port"),
        ("[node", "is not TOML"),
    ],
)
def test_mistakes_are_told_with_their_place(tmp_path, capsys, text, wanted):
    """Each mistake names the setting, the value seen and what is allowed, with status 2."""
    file = tmp_path / "node.toml"
    file.write_text(text)
    assert status_of("config", "validate", str(file)) == 2
    assert wanted in capsys.readouterr().err


def test_a_good_file_is_good(tmp_path, capsys, monkeypatch):
    """A file that a node can be started with has status 0, whatever the environment says; `config` prints
    one, and a file that is not there has status 2.
    """
    monkeypatch.setenv("RUSTFS_NODE_ACCEPTORS", "none")
    file = tmp_path / "node.toml"
    assert status_of("config") == 0
    file.write_text(capsys.readouterr().out)
    assert status_of("config", "validate", "--json", str(file)) == 0
    assert json.loads(capsys.readouterr().out) == {"file": str(file), "valid": True, "errors": []}
    assert status_of("config", "validate", str(tmp_path / "none")) == 2
    assert "cannot be read" in capsys.readouterr().err
