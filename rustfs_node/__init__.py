"""The shells of rustfs-node: processes that move what `rustfs_proto` decides."""

__version__ = "0.1.0"
