"""Results and models by way of a bare git repository and a DVC remote, and DVC's queue: what the README tells."""

import hashlib
import shutil
import subprocess

import pytest
import yaml
from clones import ROOT, Clone
from test_pipeline import SIZES

from stages.lib.dataset import Split
from stages.lib.mnist_json import write_mnist_json

pytestmark = pytest.mark.long

# all that is in the cache: `dvc exp apply` checks out every output that dvc.yaml names
TARGETS = tuple(f"{stage}@{name}" for stage in ("evaluate", "evaluate_tuned") for name in ("adam", "sgd"))


@pytest.fixture(scope="module")
def first(tmp_path_factory: pytest.TempPathFactory, mnist: dict[str, Split]) -> Clone:
    """A clone with small data and its results pushed: git to a bare repository, the rest to a folder."""
    folder = tmp_path_factory.mktemp("team")
    data = folder / "small.json.gz"
    write_mnist_json(data, {name: Split(mnist[name].images[:n], mnist[name].labels[:n]) for name, n in SIZES.items()})
    clone = Clone(folder / "first")
    subprocess.run(["git", "clone", "--quiet", ROOT, clone.path], check=True)
    shutil.copytree(ROOT / "stages", clone.path / "stages", dirs_exist_ok=True)  # as edited, not as committed
    shutil.copy(ROOT / "dvc.yaml", clone.path)
    params = yaml.safe_load((clone.path / "params.yaml").read_text())
    params["data"] = {"source": str(data), "sha256": hashlib.sha256(data.read_bytes()).hexdigest()}
    params |= {"epochs": 1, "batch_size": 50, "seeds": [0], "sweep": {"lrs": [0.001, 0.01, 0.1], "seeds": [100]}}
    params["optimizers"] = {name: params["optimizers"][name] for name in ("adam", "sgd")}
    (clone.path / "params.yaml").write_text(yaml.safe_dump(params, sort_keys=False))
    clone.run("git", "init", "--quiet", "--bare", "--initial-branch=main", str(folder / "team.git"))
    clone.run("git", "switch", "--quiet", "--force-create", "main")
    clone.run("git", "remote", "set-url", "origin", str(folder / "team.git"))
    clone.run("dvc", "remote", "add", "--default", "team", str(folder / "remote"))
    (clone.path / "dvc.lock").unlink()  # it tells of stages that are not run here, whose data nobody has
    clone.run("dvc", "repro", *TARGETS)
    clone.run("git", "add", "--all")
    clone.run("git", "commit", "--quiet", "--message", "small data")
    clone.run("dvc", "push")
    clone.run("git", "push", "--quiet", "--set-upstream", "origin", "main")
    return clone


@pytest.fixture(scope="module")
def second(first: Clone) -> Clone:
    """Another clone of the bare repository, with a cache of its own."""
    clone = Clone(first.path.parent / "second")
    first.run("git", "clone", "--quiet", str(first.path.parent / "team.git"), str(clone.path))
    clone.run("dvc", "pull", "--quiet", "--with-deps", *TARGETS)
    return clone


def test_a_second_clone_gets_results_and_models_without_training(first: Clone, second: Clone) -> None:
    mine, others = first.bytes_of_results(), second.bytes_of_results()
    for name in ("data/models/adam/0.pdparams", "data/mnist.npz", "metrics/eval/sgd.json", "plots/valid/sgd.csv"):
        assert others[name] == mine[name]
    assert second.ran("dvc", "repro", *TARGETS) == []
    assert second.bytes_of_results() == others


def test_an_experiment_is_pushed_and_applied_without_training(first: Clone, second: Clone) -> None:
    ran = first.ran("dvc", "exp", "run", "-n", "larger", "-S", "optimizers.sgd.lr=0.1", *TARGETS)
    assert ran == ["configure", "evaluate@sgd", "train@sgd"]
    first.run("dvc", "exp", "push", "origin", "larger")
    assert "larger" in second.run("dvc", "exp", "list", "origin")
    second.run("dvc", "exp", "pull", "origin", "larger")
    second.run("dvc", "exp", "apply", "larger")
    assert second.metrics("train", "sgd")["lr"] == 0.1
    for name in ("data/models/sgd/0.pdparams", "metrics/eval/sgd.json"):
        assert second.bytes_of_results()[name] == first.bytes_of_results()[name]
    assert second.ran("dvc", "repro", *TARGETS) == []


def test_the_queue_runs_on_this_machine_from_copies_of_the_workspace(first: Clone) -> None:
    first.run("git", "checkout", "--quiet", ".")
    first.run("dvc", "checkout", "--quiet", "--force")
    before = first.bytes_of_results()
    for name, lr in (("a", "0.02"), ("b", "0.03"), ("bad", "-1")):
        first.run("dvc", "exp", "run", "--queue", "-n", name, "-S", f"optimizers.sgd.lr={lr}", *TARGETS)
    first.run("dvc", "queue", "start", "--jobs", "2")
    done = "".join(first.run("dvc", "queue", "logs", "--follow", name) for name in ("a", "b", "bad"))
    assert "error: params.yaml: optimizers.sgd.lr: -1" in done
    assert first.bytes_of_results() == before  # the workspace is left alone
    shown = first.run("dvc", "exp", "show", "--csv", "--hide-failed")
    assert {"a", "b"} <= {line.split(",")[0] for line in shown.splitlines()} | set(shown.replace(",", " ").split())
