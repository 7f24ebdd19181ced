"""`python -m rustfs_node.erasureset --plan FILE --set N`: the process of one set worker."""

from __future__ import annotations

from rustfs_node.erasureset.process import main
from rustfs_node.role import run_role

if __name__ == "__main__":
    run_role("set", main)
