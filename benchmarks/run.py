"""Run every variant in turn, several times: how fast is ours beside the tutorial's program and its peers?

The machine's speed drifts, so variants are compared within a round only; each round starts at another
variant. Runs in the pipeline's environment; the peers have their own.
"""

import argparse
import contextlib
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks import report

PINS = hasattr(os, "sched_setaffinity")  # Linux
CORES = sorted(os.sched_getaffinity(0)) if PINS else list(range(os.cpu_count() or 1))
THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


@dataclass(frozen=True)
class Variant:
    """A row of the table; `threads` of each process, or None for the program's own choice."""

    part: str
    name: str
    module: str
    option: str = ""
    processes: int = 1
    threads: int | None = 1


def ways(part: str, name: str, module: str, option: str = "") -> list[Variant]:
    """One thread, as many threads as cores, and as many processes of one thread."""
    counts = [(1, 1), (1, len(CORES)), (len(CORES), 1)]
    return [Variant(part, name, module, option, *count) for count in dict.fromkeys(counts)]


def table() -> list[Variant]:
    """All variants; "load" has one of each and is run once."""
    variants = [Variant("load", name, "loader", name) for name in ("tutorial", "ours")]
    counts = dict.fromkeys([1, len(CORES)])
    for part in ("train", "evaluate"):
        variants.append(Variant(part, "tutorial", "tutorial", threads=None))
        variants += [Variant(part, "ours", "ours", processes=count) for count in counts]
        peers = ways(part, "PyTorch eager", "pytorch", "eager") if part == "train" else []
        peers += ways(part, "PyTorch channels_last", "pytorch", "channels_last")
        peers += ways(part, "TensorFlow", "tensorflow2") + ways(part, "JAX", "jax_jit")
        variants += [peer for peer in peers if part == "train" or (peer.processes, peer.threads) != (1, 1)]
        variants += [Variant(part, "sgemm", "sgemm", processes=count) for count in counts]
    return variants


@contextlib.contextmanager
def started(variant: Variant, options: argparse.Namespace) -> Iterator[list[subprocess.Popen[str]]]:
    """The variant's processes, each on its own cores; none outlives the block."""
    python = options.peers if variant.module in ("pytorch", "tensorflow2", "jax_jit") else sys.executable
    data = options.json if (variant.part, variant.name) == ("load", "tutorial") else options.data
    part = "train" if variant.part == "load" else variant.part
    threads = variant.threads or len(CORES)
    command = [python, "-m", f"benchmarks.{variant.module}", f"--data={data}", f"--variant={variant.option}"]
    command += [f"--threads={threads}", f"--steps={options.steps}", f"--part={part}"]
    limits = dict.fromkeys(THREADS, str(threads)) if variant.threads else {}
    processes: list[subprocess.Popen[str]] = []
    with (options.out / "errors.txt").open("a") as errors, contextlib.ExitStack() as stack:
        errors.write(f"{variant}\n")
        errors.flush()
        for k in range(variant.processes):
            process = subprocess.Popen(
                command,
                env=os.environ | limits,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                text=True,
            )
            stack.enter_context(process)
            stack.callback(process.kill)
            if PINS:
                os.sched_setaffinity(process.pid, CORES[k * threads : (k + 1) * threads])
            processes.append(process)
        yield processes


def measure(variant: Variant, options: argparse.Namespace) -> dict[str, Any]:
    """Images per second of all processes together, the slowest one's seconds, the loss; or the failure."""
    with started(variant, options) as processes:
        waiting = [process.stdout.readline() for process in processes if process.stdout]
        if waiting != ["ready\n"] * len(processes):
            return {"failed": f"not ready: {waiting}; see errors.txt"}
        try:
            for process in processes:
                print("go", file=process.stdin, flush=True)
            answers = [json.loads(process.stdout.readline()) for process in processes if process.stdout]
        except (ValueError, OSError) as error:
            return {"failed": f"no result: {error}; see errors.txt"}
    seconds = max(answer["seconds"] for answer in answers)
    speed = sum(answer["images"] for answer in answers) / seconds
    return {"images_per_second": speed, "seconds": seconds, "loss": answers[0]["loss"]}


def main() -> None:
    """Run the rounds; the results are written after each, so an interrupted run leaves what it has."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=Path("data/mnist.npz"))
    parser.add_argument("--json", type=Path, default=Path("data/mnist.json.gz"))
    parser.add_argument("--peers", default=".venv-benchmarks/bin/python", help="their interpreter")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--steps", type=int, default=60, help="timed training steps, a multiple of 20")
    parser.add_argument("--only", default="", help="parts or names of variants, separated by commas")
    parser.add_argument("--out", type=Path, default=Path("benchmarks"), help="folder for the results")
    options = parser.parse_args()
    (options.out / "errors.txt").write_text("")
    chosen = options.only.split(",") if options.only else []
    variants = [v for v in table() if not chosen or v.part in chosen or v.name in chosen]
    samples: dict[Variant, list[dict[str, Any]]] = {variant: [] for variant in variants}
    for number in range(options.rounds):
        first = number * len(variants) // options.rounds
        for variant in variants[first:] + variants[:first]:
            if variant.part == "load" and number:
                continue
            samples[variant].append(measure(variant, options))
            print(number + 1, variant, samples[variant][-1], flush=True)
        report.write(options, [vars(variant) | {"samples": samples[variant]} for variant in variants])


if __name__ == "__main__":
    main()
