"""The configuration file that documents every setting: written from the settings classes, so that it cannot
lag behind them.
"""

from __future__ import annotations

import ast
import inspect
import textwrap
from typing import Any

import attrs

from rustfs_node.config import Settings, table_classes

_WIDTH = 100

_HEAD = """\
# Every setting of rustfs-node. A line that begins with "#name" is a default; remove the "#" to change it.
#
# Over this file win the environment and then the arguments of `rustfs-node serve`. In the environment every
# setting is RUSTFS_<TABLE>_<NAME>, as in RUSTFS_NODE_ACCEPTORS=2. Beside these stand RUSTFS_VOLUMES,
# RUSTFS_ADDRESS, RUSTFS_REGION, RUSTFS_SERVER_DOMAINS, RUSTFS_ACCESS_KEY, RUSTFS_SECRET_KEY, and MinIO's
# MINIO_VOLUMES, MINIO_DOMAIN, MINIO_SITE_REGION, MINIO_STORAGE_CLASS_STANDARD, MINIO_STORAGE_CLASS_RRS (also
# RUSTFS_STORAGE_CLASS_RRS), MINIO_ROOT_USER, MINIO_ROOT_PASSWORD; the keys also as files, by the same name
# with _FILE.
"""


def document() -> str:
    """The text of etc/rustfs-node.toml."""
    lines = [_HEAD]
    for table, cls in table_classes().items():
        explanations = field_docstrings(cls)
        defaults = getattr(Settings(), table)
        lines.append(f"\n[{table}]\n")
        for field in attrs.fields(cls):
            lines.append("\n")
            lines.extend(f"# {line}\n" for line in textwrap.wrap(explanations[field.name], _WIDTH))
            lines.append(f"#{field.name} = {toml_value(getattr(defaults, field.name))}\n")
    return "".join(lines)


def field_docstrings(cls: type[Any]) -> dict[str, str]:
    """The text below each field of a settings class. A field without one is an error of its author
    (`AssertionError`).
    """
    body = ast.parse(textwrap.dedent(inspect.getsource(cls))).body[0]
    assert isinstance(body, ast.ClassDef), cls
    found: dict[str, str] = {}
    for before, after in zip(body.body, body.body[1:], strict=False):
        if not isinstance(before, ast.AnnAssign) or not isinstance(before.target, ast.Name):
            continue
        if isinstance(after, ast.Expr) and isinstance(after.value, ast.Constant):
            found[before.target.id] = " ".join(str(after.value.value).split())
    for field in attrs.fields(cls):
        assert field.name in found, f"{cls.__name__}.{field.name} has no docstring"
    return found


def toml_value(value: object) -> str:
    """A setting's value as TOML writes it."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, tuple):
        return "[" + ", ".join(map(toml_value, value)) + "]"
    if isinstance(value, str):
        escaped = value.replace("\\", "\\\\").replace('"', '\\"')
        return f'"{escaped}"'
    if isinstance(value, int) and value >= 10_000:
        return f"{value:_}"
    return repr(value)
