"""The only places that touch the clock, randomness, files and threads.

Each seam is a Protocol with a real implementation beside it; a whole node can be given other implementations
and then runs in one simulated process that repeats exactly from a seed. Nothing outside this folder calls
`time`, `os`, `open`, `random` or `threading`.
"""
