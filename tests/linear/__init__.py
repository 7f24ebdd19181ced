"""Linearizability of each key, over HTTP, against a node whose worker processes are being killed.

history     what clients did and were told: one line per operation
model       what one key is, and what each operation does to it, as pure functions
search      Wing and Gong's search with Lowe's memory: any history of the model
zones       Gibbons and Korach's zones: reads and writes of unique values, at once
verdict     both over one history, and held against each other
requests    the operations as requests of a real client
load        many clients at work on one key after the other
nemesis     kills workers meanwhile
run         a node, a load, a nemesis, and the verdict on every key
planted     bugs on purpose, which the verdict must find
"""
