"""A small project in a git repository, with results as the pipeline leaves them, for the tests of the review."""

import hashlib
import json
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import yaml

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
    kept: bool = True  # its mistakes
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
    put(
        folder / "params.yaml",
        yaml.safe_dump({"lr": 0.01, "epochs": 1, "seeds": seeds, "optimizers": kinds}, sort_keys=False),
    )
    put(folder / "stages/train.py", code)
    for name, one in optimizers.items():
        _results(folder, name, one)
    lock(folder, optimizers, data)
    return folder


def _results(folder: Path, name: str, one: Trained) -> None:
    record = {"lr": one.lr, "steps": 500, "diverged_seeds": " ".join(map(str, one.diverged))}
    put(folder / f"metrics/train/{name}.json", json.dumps(record))
    put(folder / f"metrics/eval/{name}.json", json.dumps({"accuracy": one.eval_accuracy}))
    put(folder / f"metrics/lr/{name}.json", json.dumps({"verdict": one.verdict}))
    put(folder / f"plots/lr/{name}.md", f"{name} at lr {one.lr} is {one.verdict}: because.\n")
    valid = ["optimizer,seed,step,epoch,images,loss,accuracy"]
    curve = ["optimizer,seed,step,epoch,loss,loss_std"]
    mistakes = ["seed,image,label,predicted"]
    for seed, wrong in one.wrong.items():
        valid += [f"{name},{seed},0,0.0,{IMAGES},2.6,0.1"]
        valid += [f"{name},{seed},500,1.0,{IMAGES},{one.loss},{1 - len(wrong) / IMAGES:.6g}"]
        curve += [f"{name},{seed},{step},1.0,{2 / (step + 1)},0.0" for step in (0, 20, 40)]
        mistakes += [f"{seed},{image},1,7" for image in wrong]
    for seed in one.diverged:
        valid += [f"{name},{seed},0,0.0,{IMAGES},2.6,0.1"]
    put(folder / f"plots/valid/{name}.csv", "\n".join([*valid, ""]))
    put(folder / f"plots/train_loss/{name}.csv", "\n".join([*curve, ""]))
    if one.kept:
        put(folder / f"plots/mistakes/{name}.csv", "\n".join([*mistakes, ""]))


def lock(folder: Path, names: Mapping[str, Trained] | Sequence[str], data: str = "d" * 32) -> None:
    """A dvc.lock that says that all results were just made from what is there."""

    def entries(*paths: str) -> list[dict[str, str]]:
        files = [path for path in paths if (folder / path).exists()]
        return [{"path": path, "md5": hashlib.md5((folder / path).read_bytes()).hexdigest()} for path in files]

    images, stages = {"path": "data/mnist.npz", "md5": data}, {"configure": {"deps": entries("params.yaml")}}
    for name in names:
        models = {"path": f"data/models/{name}", "md5": hashlib.md5(name.encode()).hexdigest() + ".dir"}
        kinds = ("metrics/train/{}.json", "plots/valid/{}.csv", "plots/mistakes/{}.csv", "plots/train_loss/{}.csv")
        made = [*entries(*(kind.format(name) for kind in kinds)), models]
        stages[f"train@{name}"] = {"deps": [images, *entries("stages/train.py")], "outs": made}
        stages[f"evaluate@{name}"] = {"deps": [dict(models)], "outs": entries(f"metrics/eval/{name}.json")}
        judged = entries(f"metrics/lr/{name}.json", f"plots/lr/{name}.md")
        stages[f"judge@{name}"] = {"deps": entries(f"plots/valid/{name}.csv"), "outs": judged}
    put(folder / "dvc.lock", yaml.safe_dump({"schema": "2.0", "stages": stages}))


def put(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
