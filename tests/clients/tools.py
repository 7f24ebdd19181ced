"""Where the clients that others wrote are found, or how to get them.

Python programs stand beside the interpreter when the `clients` extra is installed. Those that are not there,
or pin another botocore than boto3 does, get an environment of their own below `.cache/clients/`, made once.
Anything else is a Debian package. A client that is not to be had is a skip that says what to install; in CI
it is a failure, because there a skip would pass unseen.
"""

from __future__ import annotations

import fcntl
import hashlib
import importlib
import os
import shutil
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

CACHE = Path(os.environ.get("CLIENTS_CACHE") or Path(__file__).parents[2] / ".cache" / "clients")

# Each lower bound is what the suite has passed with.
OWN_ENVIRONMENT = {
    "aws": ("awscli>=1.46",),
    "s3cmd": ("s3cmd>=2.4", "setuptools"),
    "s3fs": ("s3fs>=2026.9",),
}
PIP_TIMEOUT_S = 300


def program(name: str) -> str:
    """The path of a program: beside the interpreter, in its own environment, or Debian's."""
    beside = Path(sys.executable).with_name(name)
    if beside.exists():
        return str(beside)
    if name in OWN_ENVIRONMENT:
        return str(environment(name) / "bin" / name)
    found = shutil.which(name)
    return found or missing(name, f"apt-get install {name}")


def python_with(name: str) -> str:
    """The interpreter of the environment that has the Python package `name`."""
    return str(environment(name) / "bin" / "python")


def module(name: str) -> ModuleType:
    """The imported Python package of a client library."""
    try:
        return importlib.import_module(name)
    except ImportError:
        return missing(name, "pip install --editable '.[clients]'")


def missing(name: str, remedy: str):
    """Skip, or in CI fail, with what would help."""
    text = f"{name} is not installed: {remedy}"
    if os.environ.get("CI", "").lower() in {"1", "true"}:
        pytest.fail(text)
    pytest.skip(text)


def environment(name: str) -> Path:
    """An environment with the packages of `name`, made at the first call; other processes wait for it."""
    requirements = OWN_ENVIRONMENT[name]
    digest = hashlib.sha256("\n".join([sys.version, *requirements]).encode()).hexdigest()[:12]
    folder = CACHE / f"{name}-{digest}"
    CACHE.mkdir(parents=True, exist_ok=True)
    # The cache keeps itself out of version control, as those of pytest and ruff do.
    (CACHE / ".gitignore").write_text("*\n")
    with (CACHE / f"{folder.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (folder / "complete").exists():
            _make(folder, requirements)
    return folder


def _make(folder: Path, requirements: tuple[str, ...]) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    install = [str(folder / "bin" / "python"), "-m", "pip", "install", "--quiet", *requirements]
    for command in [[sys.executable, "-m", "venv", str(folder)], install]:
        result = subprocess.run(command, capture_output=True, text=True, timeout=PIP_TIMEOUT_S, check=False)
        if result.returncode:
            missing(folder.name, f"`{' '.join(command)}` failed: {result.stderr.strip()[-500:]}")
    (folder / "complete").touch()
