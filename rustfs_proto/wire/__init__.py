"""Messages between the processes of a node, and between nodes.

`faults` says how a call can fail, `drive_ops` is what a drive worker answers, `set_ops` is what a set worker
answers, `message` what all of those are, `envelope` is how calls are packed into messages. A receiver skips
fields it does not know, and takes the default for those that do not come.
"""
