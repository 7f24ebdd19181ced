"""Decisions of an erasure set, as functions of values.

`geometry` counts (shards, quorums, stripes, ranges), `sizing` cuts a node's drives into sets, `layout` and
`placement` say where a key lives,
`codec` turns stripes into fragments and back, `decide` says what drives' answers mean for a read, `writes`
what they mean for a write, `listing` merges their scans, `multipart` judges a completion. Nothing here waits,
asks or remembers between calls.
"""
