"""Load and measurement: `python -m bench compare NAME=URL …` runs the same work against several endpoints in
turns.

A figure is only worth something beside another one taken in the same run on the same machine, so everything
here prints ratios. The package is a client: it knows S3 and the signer of `rustfs_proto`, and nothing of
`rustfs_node`.
"""
