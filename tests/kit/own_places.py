"""Folders of one name that are other folders for each node: what patterns over hosts name, on one machine.

Needs mount namespaces, and so root.
"""

from __future__ import annotations

import subprocess
from pathlib import Path

_BIND = 'mount --bind "$0" "$1" && shift && exec "$@"'


def why_not() -> str:
    """Why folders cannot be put in the place of others here; empty where they can."""
    tried = subprocess.run(["unshare", "--mount", "true"], check=False, capture_output=True)
    return tried.stderr.decode().strip() if tried.returncode else ""


def launcher(own: Path, place: Path) -> list[str]:
    """What stands before the command of a node that is to see its `own` folder at that `place`."""
    return ["unshare", "--mount", "sh", "-c", _BIND, str(own), str(place)]
