"""A whole node as one program that repeats from a seed: virtual time, virtual wires, virtual drives.

determinism   one trio run whose schedule comes from the seed and nothing else
chance        a random generator for each purpose, so that a draw in one place does not shift the others
trace         the hash of all that happened
world         what all processes of a run share: clock, trace, generators, the log
life          a process that can die: fenced first, cancelled afterwards
net, disk, pipe   the wires between processes, the drives, the connections of clients
node          acceptors, set workers and drive workers put together
client, bodies    a small S3 client, and bodies that tell whose they are
workload, history what clients do, and what they saw
linear, listings  whether what they saw can be right
atlas, nemesis    which faults are fair, and their author
census, checks    what must be true in the end
run           one seed from beginning to end
planted       bugs on purpose, to see that they are found
"""
