"""S3 in memory: what a client must see by AWS's API reference and User Guide, as pure Python.

Each operation is a function of a bucket and an operation that returns an `Answer` and changes the bucket.
`model.MODEL` is the table of them all.
"""
