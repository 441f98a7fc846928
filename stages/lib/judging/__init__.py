"""Is a learning rate reasonable, and which optimizer is better? Pure functions of recorded runs.

Imports config, files, runs and searching; reached by judge and illustrate.
"""
