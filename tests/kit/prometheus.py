"""A real Prometheus that watches nodes of a test, and what it then knows."""

from __future__ import annotations

import contextlib
import json
import re
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote

import attrs

from tests.clients import tools
from tests.kit.node import RunningNode, free_port
from tests.kit.scraping import fetch, token_of

RULES = Path(__file__).parents[2] / "etc/prometheus/rustfs-node.rules.yml"


@attrs.frozen
class Prometheus:
    """One that runs at `address`."""

    address: str

    def get(self, path: str) -> Any:
        """The data that its API answers."""
        return json.loads(fetch(self.address, f"/api/v1/{path}"))["data"]

    def has(self, expression: str) -> bool:
        """Whether a query has an answer with numbers in it."""
        with contextlib.suppress(OSError):
            found = self.get(f"query?query={quote(expression)}")["result"]
            return any(one["value"][1] != "NaN" for one in found)
        return False

    def firing(self) -> set[str]:
        """The names of the alerts that fire now."""
        alerts = self.get("alerts")["alerts"]
        return {one["labels"]["alertname"] for one in alerts if one["state"] == "firing"}


@contextlib.contextmanager
def prometheus(folder: Path, nodes: Sequence[RunningNode], rules: Path = RULES) -> Iterator[Prometheus]:
    """One that scrapes these nodes each second; its files lie in `folder`."""
    folder.mkdir(exist_ok=True)
    (folder / "token").write_text(token_of(nodes[0]))
    targets = ", ".join(f"'{node.host}:{node.port}'" for node in nodes)
    (folder / "prometheus.yml").write_text(
        "global: {scrape_interval: 1s, evaluation_interval: 1s}\n"
        f"rule_files: [{rules}]\n"
        "scrape_configs:\n"
        "  - job_name: rustfs-node\n"
        f"    authorization: {{credentials_file: {folder}/token}}\n"
        f"    static_configs: [{{targets: [{targets}]}}]\n"
    )
    address = f"127.0.0.1:{free_port()}"
    command = [
        tools.program("prometheus"),
        f"--config.file={folder}/prometheus.yml",
        f"--storage.tsdb.path={folder}/data",
        f"--web.listen-address={address}",
    ]
    with (folder / "log").open("wb") as log, subprocess.Popen(command, stderr=log, stdout=log) as running:
        try:
            yield Prometheus(address)
        finally:
            running.terminate()


@contextlib.contextmanager
def hurried_prometheus(folder: Path, nodes: Sequence[RunningNode]) -> Iterator[Prometheus]:
    """One whose rules wait for nothing (`hurried`)."""
    rules = folder / "rules.yml"
    rules.write_text(hurried(RULES.read_text()))
    with prometheus(folder, nodes, rules) as running:
        yield running


def hurried(rules: str) -> str:
    """Rules that wait for nothing, and look back ten seconds instead of minutes, hours or a day: what they
    compare and with what stays as it is.
    """
    rules = re.sub(r"(?m)^( +for:) .*$", r"\1 0s", rules)
    return re.sub(r"\[(\d+[smhd])(:\w+)?\]", lambda found: "[10s:1s]" if found[2] else "[10s]", rules)
