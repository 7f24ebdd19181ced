"""The settings in force, for an operator: `GET settings` below `/minio/admin/v3/`.

Secrets are never told, only whether there is one. A setting is a secret when its class keeps it from being
printed (`repr=False`).
"""

from __future__ import annotations

from typing import Any

import attrs

from rustfs_node.config import Settings, table_classes
from rustfs_node.plan import NodePlan

SETTINGS = "settings"

HIDDEN = "(not told)"
"""What is told of a secret that is set."""


def told_settings(plan: NodePlan) -> dict[str, Any]:
    """Every setting of this node: its value, its default, and where it comes from."""
    defaults = Settings()
    rows = [
        _row(plan, table, field, getattr(defaults, table))
        for table, cls in table_classes().items()
        for field in attrs.fields(cls)
    ]
    return {SETTINGS: rows}


def _row(plan: NodePlan, table: str, field: attrs.Attribute[Any], defaults: object) -> dict[str, Any]:
    value = getattr(getattr(plan.settings, table), field.name)
    return {
        "table": table,
        "name": field.name,
        "value": HIDDEN if value and not field.repr else value,
        "default": getattr(defaults, field.name),
        "origin": plan.origins.get(f"{table}.{field.name}", "default"),
    }
