"""The rules of the tree as tests: who imports whom, where the outside world is touched, how files look."""
