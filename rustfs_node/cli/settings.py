"""`rustfs-node ctl config show`: the settings in force at a running node, and where each comes from."""

from __future__ import annotations

import argparse
import json
from typing import Any

from rustfs_node.cli.asking import ask_owner
from rustfs_node.cli.config_file import toml_value
from rustfs_node.cli.table import table

_COLUMNS = ("setting", "value", "from", "default")


def run(args: argparse.Namespace) -> int:
    """Print them: all, or those that are not left at their default."""
    told = ask_owner(args, "settings")
    if isinstance(told, int):
        return told
    rows = [one for one in told["settings"] if not args.changed or one["value"] != one["default"]]
    print(json.dumps(rows) if args.json else "\n".join(table(_COLUMNS, map(_row, rows))))
    return 0


def _row(one: dict[str, Any]) -> tuple[str, ...]:
    is_default = one["value"] == one["default"]
    value, default = (_text(one[key]) for key in ("value", "default"))
    return f"{one['table']}.{one['name']}", value, one["origin"], "" if is_default else default


def _text(value: Any) -> str:
    return toml_value(tuple(value) if isinstance(value, list) else value)


def add_arguments(actions: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """The command line of `ctl config`."""
    from rustfs_node.cli import keys

    verbs = actions.add_parser("config", help="the settings of a running node: show").add_subparsers(
        required=True, metavar="VERB"
    )
    text = "the settings in force, and where each comes from; secrets are not told"
    show = verbs.add_parser("show", help=text, description=text)
    show.add_argument("--changed", action="store_true", help="only those that differ from their default")
    keys.add_endpoint(show)
    show.set_defaults(run=run)
