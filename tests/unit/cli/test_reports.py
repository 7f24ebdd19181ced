"""What an operator asks a running node for: settings."""

from __future__ import annotations

import attrs
import pytest

from rustfs_node.acceptor.admin_settings import HIDDEN, told_settings
from tests.unit.acceptor.node_kit import plan_of, whole_node
from tests.unit.cli.ctl_kit import ctl, ctl_json, owner

__all__ = ["owner"]

pytestmark = pytest.mark.usefixtures("owner")


async def test_settings_are_told(tmp_path):
    """All of them or those that were changed, each with its origin; and to nobody but the owner."""
    async with whole_node(tmp_path, drives_per_set=1, parity=0) as port:
        every = await ctl_json(port, "config", "show")
        changed = await ctl_json(port, "config", "show", "--changed")
        assert [f"{one['table']}.{one['name']}" for one in changed] == ["drive.segment_bytes"]
        assert len(every) > 100
        status, said = await ctl(port, "config", "show", "--changed")
        assert (status, said.splitlines()[1].split()) == (
            0,
            ["drive.segment_bytes", "8_388_608", "default", "67_108_864"],
        )


async def test_locks_are_told(tmp_path):
    """Of a node at rest there are none; a count that is none is refused."""
    async with whole_node(tmp_path, drives_per_set=1, parity=0) as port:
        assert await ctl_json(port, "locks") == []
        assert await ctl(port, "locks") == (0, "no key has its turn taken\n")
        assert (await ctl(port, "locks", "--count", "0"))[0] == 1


def test_secrets_are_not_told():
    """Of a secret is told that it is set, and where it was."""
    plan = plan_of(1)
    node = attrs.evolve(plan.settings.node, access_key="known", secret_key="kept back")
    cluster = attrs.evolve(plan.settings.cluster, secret="kept back too")
    settings = attrs.evolve(plan.settings, node=node, cluster=cluster)
    told = told_settings(attrs.evolve(plan, settings=settings, origins={"node.secret_key": "file"}))
    rows = {f"{one['table']}.{one['name']}": one for one in told["settings"]}
    assert rows["node.secret_key"]["value"] == rows["cluster.secret"]["value"] == HIDDEN
    assert rows["node.secret_key"]["origin"] == "file"
    assert "kept back" not in str(told)
