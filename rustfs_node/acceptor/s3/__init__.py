"""The operations of S3, one module per family: each handler takes a `Call` and answers a `Response`, or
raises `S3Error` or `Fault`.
"""
