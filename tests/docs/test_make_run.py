"""`make run` from a clean copy of the tree, as README.md says."""

from __future__ import annotations

import http.client
import re
import shutil
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from tests.docs.pages import ROOT
from tests.docs.program import Served, environment, run_script, serving
from tests.kit.node import free_port

# Making an environment and installing into it, from a cold cache and on a busy machine.
INSTALL_S = 300.0


def clean_copy(target: Path) -> None:
    """What a clone of the tree holds: no environment, no caches, no data."""
    if not (ROOT / ".git").exists():
        pytest.skip("not a clone: what belongs to the tree is not known")
    listing = [
        "git",
        "-c",
        "safe.directory=*",
        "ls-files",
        "-z",
        "--cached",
        "--others",
        "--exclude-standard",
    ]
    listed = subprocess.run(listing, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    for name in filter(None, listed.split("\0")):
        if (ROOT / name).is_file():
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, target / name)


def wait_ready(served: Served, port: int) -> None:
    """The node has printed its last line and answers."""
    served.read_until("list_buckets", INSTALL_S)
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    connection.request("GET", "/minio/health/ready")
    assert connection.getresponse().status == 200
    connection.close()


@pytest.mark.long
@pytest.mark.slow
def test_make_run_serves_from_a_clean_copy(tmp_path):
    """`make run` installs, serves, prints lines that work when pasted, stops with 0, and keeps all it has."""
    tree = tmp_path / "clone"
    tree.mkdir()
    clean_copy(tree)
    port = free_port()
    # The home folder stays the user's, for pip's cache; what the node remembers does not go there.
    env = environment(
        tmp_path / "programs", XDG_STATE_HOME=str(tmp_path / "state"), RUSTFS_NODE_FORMAT_FREE_BYTES_MIN="0"
    )
    command = f"make run ADDRESS=127.0.0.1:{port} PYTHON='{sys.executable}'"

    with serving(command, tree, env) as served:
        wait_ready(served, port)
        assert f"serves at http://127.0.0.1:{port}\n" in served.said
        pasted = "\n".join(line.strip() for line in served.said.partition("paste:\n")[2].splitlines())
        endpoint = f"--endpoint-url http://127.0.0.1:{port} --region us-east-1"
        put = f"aws {endpoint} s3 cp README.md s3://first-bucket/a/README.md"
        assert "first-bucket" in run_script(f"{pasted}\n{put}\n", tree, env)
        assert stat.S_IMODE((tree / "data" / "credentials.toml").stat().st_mode) == 0o600
        assert served.stop() == 0

    with serving(command, tree, env) as served:
        wait_ready(served, port)
        assert "generated" not in served.said
        exports = "\n".join(re.findall(r"export .*", served.said))
        get = f"aws {endpoint} s3 cp s3://first-bucket/a/README.md back"
        run_script(f"{exports}\n{get}\n", tree, env)
        assert (tree / "back").read_bytes() == (ROOT / "README.md").read_bytes()
        assert served.stop() == 0
    # What is left for whoever looks into a failure need not be kept after a success.
    shutil.rmtree(tree / ".venv")
