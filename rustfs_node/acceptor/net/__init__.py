"""HTTP/1.1 as a server: listeners, transports, connections, framing of bodies and answers. Nothing here knows
S3.

The only folder of the acceptor that touches sockets.
"""
