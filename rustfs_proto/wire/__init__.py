"""Messages between the processes of a node, and between nodes.

`faults` says how a call can fail, `drive_ops` is what a drive worker answers, `set_ops` is what a set worker
answers, `envelope` is how calls are packed into messages. Messages are attrs classes that msgspec encodes as
maps: a receiver skips fields it does not know.
"""
