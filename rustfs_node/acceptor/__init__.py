"""The acceptor: S3 over HTTP for clients, the bus towards the set workers.

It parses, authenticates and streams; it owns no data and holds only caches, so any number of acceptors may
share a port and any of them may die. `net` speaks HTTP and knows nothing of S3; `s3` has one module per
family of operations and knows nothing of sockets; `dispatch` joins them. A PUT is followed by opening
`s3/objects`, then the set worker.
"""
