"""`python -m rustfs_node.forge --line FD --parent PID`: the process that all workers are forked from.

It loads the program and waits. It must never have a thread, an event loop, a socket of the bus or anything
else that a fork would tear; so it does nothing but fork, and bury. When it dies its workers die with it, and
the supervisor starts all of them again.
"""

from __future__ import annotations

import argparse
import gc
import socket
import sys

# Loading makes objects and no garbage: nothing to look for until it is done.
gc.disable()

from rustfs_node.acceptor.worker import serve  # noqa: E402
from rustfs_node.drive.process import main as serve_drive  # noqa: E402
from rustfs_node.erasureset.process import main as serve_set  # noqa: E402
from rustfs_node.role import EXIT_FAILED, run_role  # noqa: E402
from rustfs_node.seams.forking import Birth, serve_line  # noqa: E402
from rustfs_node.seams.processes import die_with_parent  # noqa: E402

ROLES = {"drive": ("drive", serve_drive), "erasureset": ("set", serve_set), "acceptor": ("acceptor", serve)}
"""The role of a request → its name, and what it does."""


def main() -> None:
    """Serve the line; in a process that was born, do its job."""
    parser = argparse.ArgumentParser(prog="rustfs_node.forge", allow_abbrev=False)
    parser.add_argument("--line", type=int, required=True, help="descriptor of the line to the supervisor")
    parser.add_argument("--parent", type=int, required=True, help="process id of the supervisor")
    args = parser.parse_args()
    if not die_with_parent(args.parent):
        sys.exit(EXIT_FAILED)
    birth = serve_line(socket.socket(fileno=args.line))
    if birth is not None:
        gc.enable()
        take_up(birth)


def take_up(birth: Birth) -> None:
    """Become a worker; does not return."""
    name, work = ROLES[birth.order.role]
    own = ("--parent", str(birth.parent), "--beat-fd", str(birth.beat_fd))
    run_role(name, work, [*birth.order.arguments, *own])


if __name__ == "__main__":
    main()
