"""The results as JSON and as a Markdown table: medians, their spread, and ratios within the same round."""

import argparse
import json
import os
import platform
import re
import statistics
import subprocess
import sys
from pathlib import Path
from typing import Any

Row = dict[str, Any]
VERSIONS = """import importlib.metadata as m, json
names = ["numpy", "paddlepaddle", "torch", "tensorflow", "tensorflow-cpu", "jax"]
print(json.dumps({d.name: d.version for n in names for d in m.distributions(name=n)}))"""
TITLES = {"load": "Loading the data set", "train": "Training", "evaluate": "Evaluation, 10,000 images"}
HEAD = """\
| variant | processes x threads | images/s (min-max) | ms/100 | x tutorial | x PyTorch | x TensorFlow |
|---|---|---|---|---|---|---|"""


def conditions(options: argparse.Namespace) -> Row:
    """What the numbers depend on: processor, cores, versions, length."""
    info = Path("/proc/cpuinfo")
    model = re.search(r"model name\s*: (.*)", info.read_text()) if info.exists() else None
    versions: dict[str, str] = {}
    for python in (options.peers, sys.executable):  # the pipeline's own numpy is listed
        answer = subprocess.run([python, "-c", VERSIONS], capture_output=True, text=True, check=True)
        versions |= json.loads(answer.stdout)
    cpu, cores = model[1] if model else platform.processor(), os.cpu_count()
    python = platform.python_version()
    length = {"steps": options.steps, "rounds": options.rounds}
    return {"cpu": cpu, "cores": cores, "python": python, "versions": versions} | length


def speeds(row: Row) -> list[float | None]:
    """Images per second of each round, None where the variant failed."""
    return [sample.get("images_per_second") for sample in row["samples"]]


def median(values: list[float | None]) -> float | None:
    """Median of those that are there."""
    there = [value for value in values if value is not None]
    return statistics.median(there) if there else None


def ratio(row: Row, other: Row | None) -> float | None:
    """Median over the rounds of the row's speed divided by the other's."""
    pairs = zip(speeds(row), speeds(other), strict=True) if other else []
    return median([mine / theirs if mine and theirs else None for mine, theirs in pairs])


def best(rows: list[Row], prefix: str) -> Row | None:
    """The fastest variant, by median, whose name starts so."""
    mine = [row for row in rows if row["name"].startswith(prefix) and median(speeds(row))]
    return max(mine, key=lambda row: median(speeds(row)) or 0.0, default=None)


def summarise(rows: list[Row]) -> None:
    """Add each row's medians and ratios; a variant whose loss is not the tutorial's is marked as failed."""
    for part in TITLES:
        same = [row for row in rows if row["part"] == part]
        references = {name: best(same, name) for name in ("tutorial", "PyTorch", "TensorFlow")}
        for row in same:
            row["median_images_per_second"] = median(speeds(row))
            row["ratios"] = {name: ratio(row, other) for name, other in references.items()}
            row["failures"] = [sample["failed"] for sample in row["samples"] if "failed" in sample]
            samples = row["samples"] + (references["tutorial"] or row)["samples"]
            losses = [sample["loss"] for sample in samples if "loss" in sample]
            if row["name"] != "sgemm" and losses and max(losses) - min(losses) > 1e-3:
                row["failures"].append(f"losses differ: {min(losses)} to {max(losses)}")


def line(row: Row) -> str:
    """A row of the Markdown table."""
    ways = f"{row['processes']} x {row['threads'] or 'own choice'}"
    there = [speed for speed in speeds(row) if speed]
    if not there:
        return f"| {row['name']} | {ways} | failed | | | | |"
    middle = statistics.median(there)
    ratios = " | ".join("" if value is None else f"{value:.2f}" for value in row["ratios"].values())
    spread = f"{middle:,.0f} ({min(there):,.0f}-{max(there):,.0f})"
    return f"| {row['name']} | {ways} | {spread} | {100_000 / middle:.2f} | {ratios} |"


def write(options: argparse.Namespace, rows: list[Row]) -> None:
    """Write results.json and results.md into the folder options.out."""
    summarise(rows)
    facts = conditions(options)
    results = {"conditions": facts, "variants": rows}
    (options.out / "results.json").write_text(json.dumps(results, indent=1) + "\n")
    versions = ", ".join(f"{name} {version}" for name, version in facts["versions"].items())
    text = f"# Benchmark\n\n{facts['cpu']}, {facts['cores']} cores; Python {facts['python']}, {versions}; "
    text += f"{facts['rounds']} rounds, {facts['steps']} training steps of 100 images each.\n"
    text += "Medians over the rounds; ms/100: for 100 images; x PyTorch, x TensorFlow: their fastest row.\n"
    text += "sgemm is the bound: the same arithmetic at the speed of large matrix products.\n"
    for part, title in TITLES.items():
        lines = [line(row) for row in rows if row["part"] == part]
        text += "\n".join(["", f"## {title}", "", HEAD, *lines, ""]) if lines else ""
    failures = [f"- {row['part']} {row['name']}: {failure}" for row in rows for failure in row["failures"]]
    text += "\n".join(["", "## Failures", "", *failures, ""]) if failures else ""
    (options.out / "results.md").write_text(text)
