"""What is asked for: params.yaml, the settings of every stage that follow from it, and the classes of paddle.optimizer.

Imports files; all stages but prepare reach it, only `optimizers` and `schedules` import paddle, only `leftovers` dvc.
"""
