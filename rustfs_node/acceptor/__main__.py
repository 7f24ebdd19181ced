"""`python -m rustfs_node.acceptor --plan FILE --number 0`: one acceptor process."""

from __future__ import annotations

from rustfs_node.acceptor.worker import serve
from rustfs_node.role import run_role

if __name__ == "__main__":
    run_role("acceptor", serve)
