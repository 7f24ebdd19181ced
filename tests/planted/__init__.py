"""Bugs planted on purpose, one at a time: for each of them a test of the suite must fail.

A planted bug is a value of `bug.PlantedBug` in `catalogue/`: one change to one file of the engine, what it
breaks, which promise of docs/guarantees.md that hurts, and the one test that must notice. `soil` imports the
changed text in place of the file, `trials` runs the test over it in a forked process, `judge` says whether
the bug was caught.

Whoever changes a line that a bug is planted in is told so by a failing test here: plant the bug anew, in what
stands there now, or take it out together with the promise.
"""
