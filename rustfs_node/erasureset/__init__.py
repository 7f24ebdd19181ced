"""The set worker: coordinator of one erasure set.

    worker        starts the worker and hands each request to its operation
    state, peers  what operations share; the drives as this worker sees them
    write         small objects; every commit of what clients see goes through its RowWrite
    stream_write  large objects and upload parts: stream (the shard files growing), patience,
                  stream_commit, handles
    row_read      asks drives about one row until the answer is certain
    resolve       the same for tasks: waits for unfinished writes, completes half-written ones (shard_copy)
    read          Get; block_read: stripes; read_block: ReadBlock; versions: what was resolved lately
    conditional   writes that expect a version, under locks
    listing       List and UploadList; scan merges the drives' pages
    rename_source, rename_target, rename_decide, rename_rows, staging: a set's part in what acceptors lead
    delete, uploads, upload_rows, status, inspect: operations of those names
    settle, heal_notes, hedge     what is told to drives and done to reads on the side
    heal_noted, rebuild           what heals: keys that are noted, drives that lost what they had; both by
                                  heal_walk, heal_key and heal_row, at heal_pace, counted in heal_counts
    drive_rebuild                 one of these drives: rebuild_marks, rebuild_window, open_reads
    shard_check   whether a shard file can be read to its end
    answer, together              where a task waits for callbacks, or for other tasks

What drives' answers mean is decided in `rustfs_proto.erasure`; here is only asking, waiting and answering.
Operations that every client waits for (small PUT, GET, DELETE) are callbacks and cost no task; whatever is
rare is a task.
"""
