"""The network, the engines that compute it, and runs from settings to curves and weights.

Imports config, dataset, files, runs and workers; reached by configure, train, sweep, tune, evaluate and
survey.
"""
