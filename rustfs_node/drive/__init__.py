"""The storage engine of one drive: the sole owner of its files.

A PUT's way through here: `worker` collects requests into a batch, `commit` decides and makes the batch
durable, `log` holds the bytes, `index` finds them again. `read` and `scan` answer from the index, `shards`
keeps what is too large for the log, `recovery` puts everything together at start, `compaction` and `sweep`
give space back, `scrub` reads everything once in a while, `rebuild_mark` keeps how far a rebuild is, `fence`
decides when the drive can no longer be trusted.

Knows nothing of quorums, stripes' meaning or S3: a version is bytes with a stamp. Only the scrub asks a
record how many stripes its files must have.
"""
