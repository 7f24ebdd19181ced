"""The parent of a node's processes: looks at the drives, decides the plan, starts, watches and stops the
workers. It handles no data.

It knows nothing of S3, of the bus or of what a worker does: a worker is a command, a line of beats and an
exit status.
"""
