"""What stands on a drive, byte by byte.

`identity` is rustfs.json, `layout` the names of files and folders, `segment` and `record` the log,
`shard_file` the files of large shards. Each module opens with its byte table; docs/on-disk-format.md has all
of them in one place. Everything is little-endian except keys' own bytes and checksum digests, which stand as
xxhash's canonical (big end first) form. A format version never changes its meaning: a new one gets a new
number, and golden files of every version are kept.

Pure functions: bytes and values in, bytes and values out. Nothing here knows files, or what the drive does
with what it reads.
"""
