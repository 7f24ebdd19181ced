"""Moving slots from one erasure set to another, while both serve.

registers   the charters and the change, each an object that is written by comparing
copying     one version, and one key, from set to set
slots       some slots of one set to one other: copied, frozen, moved
mover       the one who works through a change
layout      what operators ask and order
"""
