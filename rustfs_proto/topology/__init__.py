"""Which drives there are and what they form: the words people name them by, and the decisions at a node's
start.
"""
