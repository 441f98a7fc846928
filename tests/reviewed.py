"""A small project in a git repository, with results as the pipeline leaves them, for the tests of the review."""

import json
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import yaml

from review.provenance import hashes, md5_of

IMAGES = 1000
IDENTITY = (
    "-c",
    "user.name=a",
    "-c",
    "user.email=a@b.c",
    "-c",
    "commit.gpgsign=false",
    "-c",
    "core.hooksPath=/dev/null",
)


@dataclass
class Trained:
    """One optimizer's runs: the images that each finished seed got wrong, and the seeds that diverged."""

    wrong: Mapping[int, Sequence[int]]
    lr: float = 0.01
    diverged: Sequence[int] = ()
    verdict: str = "reasonable"
    eval_accuracy: float = 0.95
    loss: float = 0.5  # at the end: another one is another run
    extra: Mapping[str, float] = field(default_factory=dict)


def git(folder: Path, *arguments: str) -> str:
    ran = subprocess.run(["git", *IDENTITY, *arguments], cwd=folder, capture_output=True, text=True, check=True)
    return ran.stdout.strip()


def blank(folder: Path) -> Path:
    """A new repository with one commit that holds no pipeline."""
    folder.mkdir(parents=True, exist_ok=True)
    git(folder, "init", "--quiet", "--initial-branch=main")
    (folder / "README").write_text("before the pipeline\n")
    return commit(folder)


def commit(folder: Path, tag: str = "") -> Path:
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "--allow-empty", "-m", f"after {git(folder, 'rev-list', '--all', '--count')}")
    if tag:
        git(folder, "tag", tag)
    return folder


def write(folder: Path, optimizers: Mapping[str, Trained], *, code: str = "pass\n", data: str = "d" * 32) -> Path:
    """Params, code, results of every optimizer and a dvc.lock that fits them."""
    seeds = sorted({seed for one in optimizers.values() for seed in (*one.wrong, *one.diverged)})
    kinds = {name: {"type": "SGD", "lr": one.lr, **one.extra} for name, one in optimizers.items()}
    content = {"lr": 0.01, "epochs": 1, "seeds": seeds, "optimizers": kinds}
    put(folder / "params.yaml", yaml.safe_dump(content, sort_keys=False))
    put(folder / "stages/train.py", "pass\n")
    put(folder / "stages/lib/training/network.py", code)
    for path in folder.glob("metrics/*.json"):
        path.unlink()
    wrong, validation, training, verdicts = [], [], [], []
    for name, one in sorted(optimizers.items()):
        put(folder / f"metrics/{name}.json", json.dumps({"accuracy": one.eval_accuracy, "verdict": one.verdict}))
        put(folder / f"data/sweep/{name}.jsonl", f"{name}\n")
        verdicts += [f"- {name} at lr {one.lr} is {one.verdict}: because."]
        for seed, places in one.wrong.items():
            wrong += [f"{name},{one.lr},{seed},{IMAGES},{' '.join(map(str, places)) or 'none'}"]
            validation += [f"{name},{seed},0,0.0,{IMAGES},2.6,0.1"]
            validation += [f"{name},{seed},500,1.0,{IMAGES},{one.loss},{1 - len(places) / IMAGES:.6g}"]
            training += [f"{name},{seed},{step},1.0,{2 / (step + 1)},0.0" for step in (0, 20, 40)]
        for seed in one.diverged:
            validation += [f"{name},{seed},0,0.0,{IMAGES},2.6,0.1"]
            training += [f"{name},{seed},0,0.0,{one.loss},0.0"]
    table(folder / "plots/wrong_images.csv", "optimizer,lr,seed,images,wrong", wrong)
    table(folder / "plots/validation_loss.csv", "optimizer,seed,step,epoch,images,loss,accuracy", validation)
    table(folder / "plots/training_loss.csv", "optimizer,seed,step,epoch,loss,loss_std", training)
    put(folder / "plots/verdicts.md", "\n".join([*verdicts, "", "Made on another kind of CPU.", ""]))
    lock(folder, sorted(optimizers), data)
    return folder


def table(path: Path, header: str, rows: Sequence[str]) -> None:
    put(path, "\n".join([header, *rows, ""]))


def lock(folder: Path, names: Sequence[str], data: str = "d" * 32) -> None:
    """A dvc.lock that says that all results were just made from what is there."""

    def known(*paths: str) -> list[dict[str, str]]:
        return [{"path": path, "md5": found} for path in paths if (found := md5(folder, path))]

    images = {"path": "data/mnist.npz", "md5": data}
    runs = dict.fromkeys((f"data/train/{name}.jsonl" for name in names), "a" * 32)
    code = known("stages/train.py", "stages/lib/training")
    settings = {f"data/config/{name}/train.json": "c" * 32 for name in names}
    configured = {"path": "data/config", "md5": md5_of(settings, "data/config")}
    stages = {"configure": {"deps": known("params.yaml"), "outs": [configured]}}
    for name in names:
        trained = {"path": f"data/train/{name}.jsonl", "md5": "a" * 32}
        weights = {"path": f"data/weights/train/{name}", "md5": "b" * 32 + ".dir"}
        read = {"path": f"data/config/{name}/train.json", "md5": "c" * 32}
        stages[f"train@{name}"] = {"deps": [images, read, *code], "outs": [trained, weights]}
        stages[f"sweep@{name}"] = {"deps": [images], "outs": known(f"data/sweep/{name}.jsonl")}
    folders = {"path": "data/train", "md5": md5_of(runs, "data/train")}
    evaluation = {"path": "data/evaluation.json", "md5": "e" * 32}
    weights = {"path": "data/weights", "md5": "f" * 32 + ".dir"}
    stages["evaluate"] = {"deps": [images, weights], "outs": [evaluation]}
    tables = known("plots/training_loss.csv", "plots/validation_loss.csv", "plots/wrong_images.csv")
    stages["compare"] = {"deps": [folders], "outs": [*tables, *known("plots/loss.png")]}
    judged = known("metrics", "plots/verdicts.md")
    stages["judge"] = {"deps": [folders, *known("data/sweep"), evaluation], "outs": judged}
    drawn = known("plots/lr_sensitivity.png", "plots/lr_curves.png", "plots/ranking.png")
    stages["illustrate"] = {"deps": [folders], "outs": drawn}
    stages["survey"] = {"deps": [images], "outs": known("plots/trajectories.png")}
    put(folder / "dvc.lock", yaml.safe_dump({"schema": "2.0", "stages": stages}))


def files(folder: Path) -> dict[str, bytes]:
    """All that the folder holds, by path."""
    found = [path for path in folder.rglob("*") if path.is_file() and ".git" not in path.parts]
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in found}


def md5(folder: Path, path: str) -> str:
    return md5_of(hashes(files(folder)), path)


def put(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8", newline="\n")
