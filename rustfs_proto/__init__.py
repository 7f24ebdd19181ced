"""The pure half of rustfs-node: bytes and values in, bytes and values out; no I/O, clock or randomness."""
