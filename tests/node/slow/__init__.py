"""How much a drive that is throttled or hangs costs the clients of its node."""
