"""A params.yaml to spoil."""

from short_runs import NETWORKS

PARAMS = f"""\
data:
  source: package
  sha256:
network: {NETWORKS / "tutorial.py"}
lr: 0.01
epochs: 3
batch_size: 100
target_accuracy: 0.97
seeds: [0, 1]
optimizers:
  sgd: {{type: SGD, lr: }}
  momentum: {{type: Momentum, lr: 0.5, momentum: 0.9}}
sweep:
  lrs: [0.001, 0.01, 0.1]
  seeds: [100, 101]
"""
