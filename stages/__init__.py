"""The stages of the pipeline: one file per verb, each run as `python -m stages.<verb>` by dvc.yaml or make."""
