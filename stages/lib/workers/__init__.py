"""Processes: a stage's command line, the workers that runs are spread over, and how far they are.

Imports files. Where and how a run executes changes no byte of it, so no stage depends on this wing.
"""
