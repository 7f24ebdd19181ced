"""Every limit, timeout and queue bound of every room: name, unit, default, reason.

One module per room; `rustfs_node.config` assembles them and reads them from TOML and the environment.
"""
