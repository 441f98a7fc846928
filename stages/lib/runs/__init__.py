"""What a run leaves: its record with the curves, its weights on the way, and what its weights do on the eval split.

Imports files; written by the stages that train and by evaluate, read by all that come after.
"""
