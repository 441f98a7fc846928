"""The real pipeline in a temporary clone, on real MNIST cut small: what users type, and what they then see.

The tests of this file run in their order and go on from each other's state, as a user's session does.
"""

import hashlib
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from stages.lib.dataset import Split
from stages.lib.mnist_json import write_mnist_json

ROOT = Path(__file__).parent.parent
IDENTITY = {"NAME": "A User", "EMAIL": "user@example.invalid"}
OPTIMIZERS = ("sgd", "momentum", "adagrad", "rmsprop", "adam")


class Clone:
    """A clone with commands run in it as a user would, with this Python's programs first on PATH."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.environment = dict(os.environ, PATH=f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
        for role in ("AUTHOR", "COMMITTER"):
            self.environment |= {f"GIT_{role}_{key}": value for key, value in IDENTITY.items()}

    def run(self, *command: str, code: int = 0) -> str:
        done = subprocess.run(
            command, cwd=self.path, env=self.environment, capture_output=True, text=True, check=False, timeout=300
        )
        output = done.stdout + done.stderr
        assert done.returncode == code, output
        assert "Traceback" not in output, output
        return output

    def metrics(self, kind: str, optimizer: str) -> dict[str, object]:
        content: dict[str, object] = json.loads((self.path / "metrics" / kind / f"{optimizer}.json").read_text())
        return content

    def bytes_of_results(self) -> dict[str, str]:
        """A hash of every file in metrics/ (timing aside), plots/ and data/."""
        files = [file for folder in ("metrics", "plots", "data") for file in (self.path / folder).rglob("*")]
        kept = [file for file in files if file.is_file() and "timing" not in file.parts]
        return {str(file.relative_to(self.path)): hashlib.md5(file.read_bytes()).hexdigest() for file in kept}


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory, mnist: dict[str, Split]) -> Clone:
    """A clone of the working tree with small data of its own, after its first `dvc repro`."""
    folder = tmp_path_factory.mktemp("user")
    data = folder / "small.json.gz"
    write_mnist_json(data, mnist)
    clone = Clone(folder / "clone")
    subprocess.run(["git", "clone", "--quiet", ROOT, clone.path], check=True)
    for name in ("stages", ".dvc/plots"):  # as edited, not as committed
        shutil.copytree(ROOT / name, clone.path / name, dirs_exist_ok=True)
    for name in ("dvc.yaml", "params.yaml", "requirements.txt"):
        shutil.copy(ROOT / name, clone.path / name)
    params = yaml.safe_load((clone.path / "params.yaml").read_text())
    params["data"] = {"source": str(data), "sha256": hashlib.sha256(data.read_bytes()).hexdigest()}
    params |= {"epochs": 2, "batch_size": 50}
    (clone.path / "params.yaml").write_text(yaml.safe_dump(params, sort_keys=False))
    clone.run("dvc", "repro")
    clone.run("git", "add", "--all")
    clone.run("git", "commit", "--quiet", "--message", "small data")
    return clone


def test_repro_trains_every_optimizer(clone: Clone) -> None:
    for optimizer in OPTIMIZERS:
        assert clone.metrics("eval", optimizer)["images"] == 500
        accuracy = clone.metrics("train", optimizer)["valid_accuracy"]
        assert isinstance(accuracy, float)
        assert accuracy > 0.3  # 40 steps; chance is 0.1


def test_a_second_repro_has_nothing_to_do(clone: Clone) -> None:
    before = clone.bytes_of_results()
    output = clone.run("dvc", "repro")
    assert "Running stage" not in output
    assert "up to date" in output
    assert clone.bytes_of_results() == before


def test_committed_results_belong_to_the_code_without_a_cache(clone: Clone) -> None:
    fresh = Clone(clone.path.parent / "fresh")
    clone.run("git", "clone", "--quiet", str(clone.path), str(fresh.path))
    assert "Running stage" not in fresh.run("dvc", "repro", "--allow-missing", "--dry")


def test_another_clone_gives_the_same_bytes(clone: Clone) -> None:
    other = Clone(clone.path.parent / "andere Kopie 另一个")
    clone.run("git", "clone", "--quiet", str(clone.path), str(other.path))
    other.run("dvc", "repro", "train@adam", "evaluate@adam")
    mine, others = clone.bytes_of_results(), other.bytes_of_results()
    remade = {name for name in others if "adam" in name or name.startswith("data/mnist")}
    assert {"data/models/adam/0.pdparams", "plots/train_loss/adam.csv", "data/mnist.npz"} <= remade
    assert {name: others[name] for name in remade} == {name: mine[name] for name in remade}


def test_an_optimizers_own_lr_reruns_only_its_stages(clone: Clone) -> None:
    output = clone.run("dvc", "exp", "run", "-S", "optimizers.adam.lr=0.001")
    ran = [line.split("'")[1] for line in output.splitlines() if line.startswith("Running stage")]
    assert ran == ["configure", "train@adam", "evaluate@adam", "compare"]
    assert clone.metrics("train", "adam")["lr"] == 0.001


def test_the_shared_lr_leaves_out_an_optimizer_with_its_own(clone: Clone) -> None:
    output = clone.run("dvc", "exp", "run", "-n", "tiny-lr", "-S", "lr=1e-5")
    assert "Stage 'train@adam' didn't change" in output
    assert clone.metrics("train", "sgd")["lr"] == 1e-5
    assert clone.metrics("train", "adam")["lr"] == 0.001


def test_plots_diff_shows_both_revisions(clone: Clone) -> None:
    clone.run("dvc", "plots", "diff", "HEAD", "--out", "page")
    page = (clone.path / "page" / "index.html").read_text()
    for title in ("Training loss", "Validation loss", "Eval accuracy", "Confusion: adam"):
        assert f'"text": "{title}"' in page
    assert page.count('"rev": "HEAD"') == page.count('"rev": "workspace"') > 0
    assert sorted(file.name for file in (clone.path / "page" / "static").iterdir()) == [
        f"{revision}_plots_{figure}.png" for revision in ("HEAD", "workspace") for figure in ("accuracy", "loss")
    ]


def test_a_removed_optimizer_is_gone_from_tables_and_metrics(clone: Clone) -> None:
    clone.run("dvc", "exp", "run", "-S", "~optimizers.sgd")
    assert (clone.path / "metrics/eval/sgd.json").exists()  # git holds it until the user removes it
    for table in ("loss", "valid", "accuracy"):
        assert "sgd" not in (clone.path / "plots" / f"{table}.csv").read_text()
    assert "sgd" not in clone.run("dvc", "metrics", "show")


def test_an_added_optimizer_needs_no_code(clone: Clone) -> None:
    clone.run("dvc", "exp", "run", "-S", "++optimizers.adamw={type: AdamW, lr: null, weight_decay: 0.01}")
    assert "adamw" in (clone.path / "plots/loss.csv").read_text()
    assert clone.metrics("train", "adamw")["lr"] == 1e-5


def test_divergence_is_a_result(clone: Clone) -> None:
    clone.run("dvc", "exp", "run", "-S", "optimizers.momentum.lr=1e30")
    metrics = clone.metrics("train", "momentum")
    assert metrics["status"] == "diverged"
    diverged = str(metrics["diverged_seeds"]).split()
    assert diverged
    assert metrics["train_loss"] is None
    assert clone.metrics("eval", "momentum")["accuracy"] is None
    saved = {path.stem for path in (clone.path / "data/models/momentum").glob("*.pdparams")}
    assert saved == {"0", "1"} - set(diverged)
    for file in (clone.path / "metrics").rglob("*.json"):
        assert "NaN" not in file.read_text()
    assert clone.run("dvc", "status").strip().endswith("up to date.")


def test_bad_params_end_in_one_line_before_any_training(clone: Clone) -> None:
    output = clone.run("dvc", "exp", "run", "-S", "optimizers.adam.type=Adm", code=255)
    assert "error: params.yaml: optimizers.adam.type: 'Adm' is not allowed; allowed: ASGD, Adadelta" in output
    assert "train@" not in output
