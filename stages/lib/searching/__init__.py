"""The search for an optimizer's best lr: the status of a run, what its runs say of an lr, and which lr to try next.

Imports runs; reached by sweep and tune, which repeat when it changes, by compare and illustrate, and by judging, which
builds on it.
"""
