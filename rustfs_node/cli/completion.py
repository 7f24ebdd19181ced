"""`rustfs-node completion`: a script by which a shell completes the commands of rustfs-node, made from the
parser of its arguments, so that it cannot lag behind it.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator

import shtab

_COMPLETED_AS = {"FILE": shtab.FILE, "DIR": shtab.DIRECTORY}
"""What an argument is, by its placeholder in the usage."""


def run(args: argparse.Namespace) -> int:
    """Print the script."""
    # The command that asks knows the parser only while it runs: it is part of it.
    from rustfs_node.cli.main import make_parser

    parser = make_parser()
    for action in _actions(parser):
        if isinstance(action.metavar, str) and action.metavar in _COMPLETED_AS:
            # By this attribute shtab is told.
            action.complete = _COMPLETED_AS[action.metavar]  # type: ignore[attr-defined]
    print(shtab.complete(parser, args.shell))
    return 0


def _actions(parser: argparse.ArgumentParser) -> Iterator[argparse.Action]:
    """All arguments, those of commands below too."""
    for action in parser._actions:  # noqa: SLF001 - argparse has no other way to its arguments
        yield action
        if isinstance(action, argparse._SubParsersAction):  # noqa: SLF001
            for below in action.choices.values():
                yield from _actions(below)
