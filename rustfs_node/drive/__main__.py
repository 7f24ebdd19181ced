"""`python -m rustfs_node.drive --plan FILE --set 0 --slot 2`: the process of one drive worker."""

from __future__ import annotations

from rustfs_node.drive.process import main
from rustfs_node.role import run_role

if __name__ == "__main__":
    run_role("drive", main)
