"""The simulated node: a fixed number of seeds on every change, as many as wanted by `python -m
tests.simulation`.
"""
