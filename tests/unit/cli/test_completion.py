"""Shells complete what the argument parser knows."""

from __future__ import annotations

import subprocess
import sys

import pytest

from rustfs_node.cli.main import main

ASK = """
source {script}
COMP_WORDS=({words})
COMP_CWORD=$(({count} - 1))
function=$(complete -p rustfs-node | sed 's/.*-F \\([^ ]*\\).*/\\1/')
"$function" rustfs-node "${{COMP_WORDS[COMP_CWORD]}}" rustfs-node
printf '%s\\n' "${{COMPREPLY[@]}}"
"""


@pytest.fixture(scope="module")
def script(tmp_path_factory):
    """The script for bash, as the command prints it."""
    path = tmp_path_factory.mktemp("completion") / "rustfs-node"
    with path.open("wb") as file:
        command = [sys.executable, "-m", "rustfs_node.cli.main", "completion", "bash"]
        subprocess.run(command, stdout=file, check=True, timeout=60)
    return path


@pytest.mark.parametrize(
    ("words", "wanted"),
    [
        (["s"], {"serve"}),
        (["ctl", "lo"], {"locks", "logs"}),
        (["ctl", "drive", "re"], {"replace"}),
        (["ctl", "drive", "locate", "--o"], {"--off", "--on"}),
        (["ctl", "scrub", "sta"], {"start", "status"}),
        (["config", "v"], {"validate"}),
        (["ctl", "trace", "--sl"], {"--slower-than"}),
        (["ctl", "logs", "--level", "w"], {"warning"}),
        (["completion", ""], {"bash", "fish", "zsh"}),
    ],
)
def test_bash_completes_commands(script, words, wanted):
    """Commands, their verbs, options and choices, however deep they stand."""
    line = ["rustfs-node", *words]
    quoted = " ".join(f"'{word}'" for word in line)
    asked = ASK.format(script=script, words=quoted, count=len(line))
    told = subprocess.run(["bash", "-c", asked], capture_output=True, text=True, check=True, timeout=60)
    assert wanted <= {word.strip() for word in told.stdout.splitlines()}, told.stderr


@pytest.mark.parametrize("shell", ["zsh", "fish"])
def test_other_shells_have_scripts(capsys, shell):
    """They name every command."""
    with pytest.raises(SystemExit) as ended:
        main(["completion", shell])
    said = capsys.readouterr().out
    assert ended.value.code == 0
    assert all(word in said for word in ("serve", "validate", "slower-than", "metrics-token"))
