"""Processes of a node killed again and again while clients write, and what must be true all the time."""
