"""Malformed input is refused cleanly: fuzzing of everything that reads bytes from outside.

A target (`targets/`) takes any bytes, feeds them to one reader of the program and raises where a promise is
broken: an error that this input must not cause, a wrong value that was believed, two answers to one input.
What it gives back is a label of what happened; an input with a new label is worth mutating further.

`corpus/<target>/` holds inputs that showed something once, each named by what it shows. All of them are run
on every change, beside a fixed number of mutations of them and of the target's own well-formed seeds.
"""
