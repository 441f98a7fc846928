"""The real pipeline in a temporary clone, on real MNIST cut small: what users type, and what they then see.

The tests of this file run in their order and go on from each other's state, as a user's session does.
"""

import hashlib
import json
import re
import shutil

import pytest
import yaml
from clones import Clone, clone_working_tree

from stages.lib.dataset import Split
from stages.lib.mnist_json import write_mnist_json

OPTIMIZERS = ("adam", "sgd")
KINDS = ("train", "eval", "sweep", "lr", "tuned", "tuned_eval")
TIMINGS = ("timing", "timing/sweep", "timing/tuned")
SIZES = {"train": 600, "valid": 200, "eval": 200}


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory, mnist: dict[str, Split]) -> Clone:
    """A clone of the working tree with small data of its own, after its first `dvc repro`."""
    folder = tmp_path_factory.mktemp("user")
    data = folder / "small.json.gz"
    small = {name: Split(mnist[name].images[:size], mnist[name].labels[:size]) for name, size in SIZES.items()}
    write_mnist_json(data, small)
    clone = clone_working_tree(folder / "clone")
    params = yaml.safe_load((clone.path / "params.yaml").read_text())
    params["data"] = {"source": str(data), "sha256": hashlib.sha256(data.read_bytes()).hexdigest()}
    params |= {"epochs": 2, "batch_size": 50, "sweep": {"lrs": [0.0001, 0.003, 0.1, 1e9], "seeds": [100]}}
    params["optimizers"] = {name: params["optimizers"][name] for name in OPTIMIZERS}
    (clone.path / "params.yaml").write_text(yaml.safe_dump(params, sort_keys=False))
    clone.run("dvc", "repro")
    clone.commit("small data")
    return clone


def test_repro_runs_every_stage(clone: Clone) -> None:
    for optimizer in OPTIMIZERS:
        assert clone.metrics("eval", optimizer)["images"] == clone.metrics("tuned_eval", optimizer)["images"] == 200
        assert clone.metrics("train", optimizer)["steps"] == clone.metrics("lr", optimizer)["steps"] == 24
        best = clone.metrics("sweep", optimizer)["best_lr"]
        assert best in {0.0001, 0.003, 0.1}
        assert best == clone.metrics("tuned", optimizer)["lr"] == clone.metrics("lr", optimizer)["best_lr"]
        accuracy = clone.metrics("tuned", optimizer)["valid_accuracy"]
        assert isinstance(accuracy, float)
        assert accuracy > 0.3  # 24 steps; chance is 0.1
        assert (clone.path / "plots/lr" / f"{optimizer}.md").read_text().startswith(f"{optimizer} at lr 0.01 ")
    assert not list((clone.path / ".dvc/tmp/runs").rglob("*.json")), "kept only until all is written"
    ranking = json.loads((clone.path / "metrics/ranking.json").read_text())
    assert {*ranking["shared_winners"].split(), *ranking["tuned_winners"].split()} <= set(OPTIMIZERS)


def test_metrics_show_only_what_this_params_yaml_made(clone: Clone) -> None:
    """Results of the other optimizers are there, as git brought them."""
    shown = clone.run("dvc", "metrics", "show", "--json")
    assert sorted(json.loads(shown)[""]["data"]) == sorted(
        [f"metrics/{kind}/{name}.json" for name in OPTIMIZERS for kind in (*KINDS, *TIMINGS)] + ["metrics/ranking.json"]
    )


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
    for folder in ("plots", "metrics"):
        shutil.rmtree(other.path / folder)
    remade = other.ran("dvc", "repro", "evaluate_tuned@adam")
    assert remade == ["configure", "evaluate_tuned@adam", "fetch", "prepare", "sweep@adam", "tune@adam"]
    mine, others = clone.bytes_of_results(), other.bytes_of_results()
    for name in ("data/tuned_models/adam/1.pdparams", "data/mnist.npz", "plots/tuned_confusion/adam.csv"):
        assert name in others
    for name in ("plots/sweep/adam.csv", "plots/tuned_valid/adam.csv", "metrics/sweep/adam.json"):
        assert name in others
    assert others == {name: mine[name] for name in others}


JOINED = ("compare", "illustrate", "rank", "survey")  # what joins the optimizers
OWN = ("train@{}", "evaluate@{}", "judge@{}")  # what depends on an optimizer's lr


def own(*names: str) -> list[str]:
    """What is to run when only the lr of these optimizers has changed."""
    return sorted([stage.format(name) for stage in OWN for name in names] + ["configure", *JOINED])


def test_an_optimizers_own_lr_reruns_only_its_stages(clone: Clone) -> None:
    assert clone.ran("dvc", "exp", "run", "-S", "optimizers.adam.lr=0.001") == own("adam")
    assert clone.metrics("train", "adam")["lr"] == clone.metrics("lr", "adam")["lr"] == 0.001


def test_the_shared_lr_reruns_no_sweep_and_no_optimizer_with_its_own(clone: Clone) -> None:
    targets = ("compare", "rank", "judge@adam", "judge@sgd")  # survey takes its time
    ran = clone.ran("dvc", "exp", "run", "-n", "tiny-lr", "-S", "lr=1e-5", *targets)
    assert ran == sorted({*own("sgd")} - {"illustrate", "survey"})
    assert clone.metrics("train", "sgd")["lr"] == clone.metrics("lr", "sgd")["lr"] == 1e-5
    assert clone.metrics("lr", "sgd")["verdict"] == "too_small"
    assert clone.metrics("train", "adam")["lr"] == 0.001


def test_plots_diff_shows_both_revisions(clone: Clone) -> None:
    clone.run("dvc", "plots", "diff", "HEAD", "--out", "page")
    page = (clone.path / "page" / "index.html").read_text()
    titles = ["Training loss", "Validation loss", "Eval accuracy", "Confusion: adam", "Sweep: adam"]
    titles += ["Mistakes on the validation split: adam", "Validation loss at the best lr: adam"]
    for title in (*titles, "Confusion at the best lr: sgd"):
        assert f'"text": "{title}"' in page
    revisions = [page.count(f'"rev": "{revision}"') for revision in ("HEAD", "workspace")]
    assert min(revisions) > 500  # not as many of both: there are other mistakes
    assert sorted(file.name for file in (clone.path / "page" / "static").iterdir()) == [
        f"{revision}_plots_{figure}.png"
        for revision in ("HEAD", "workspace")
        for figure in ("accuracy", "loss", "lr_curves", "lr_sensitivity", "ranking", "trajectories")
    ]


def test_a_removed_optimizer_is_gone_from_tables_and_metrics(clone: Clone) -> None:
    ran = clone.ran("dvc", "exp", "run", "-S", "~optimizers.sgd", "compare", "rank", "judge@adam")
    assert ran == ["compare", "configure", "judge@adam", "rank"]
    assert (clone.path / "metrics/eval/sgd.json").exists()  # git holds it until the user removes it
    for table in ("loss", "valid", "accuracy", "ranking"):
        content = (clone.path / "plots" / f"{table}.csv").read_text()
        assert "sgd" not in content
        assert "adam" in content
    assert "sgd" not in clone.run("dvc", "metrics", "show")


def test_an_added_optimizer_needs_no_code(clone: Clone) -> None:
    added = "++optimizers.adamw={type: AdamW, lr: null, weight_decay: 0.01}"
    ran = clone.ran("dvc", "exp", "run", "-S", added, "compare")
    assert ran == ["compare", "configure", "evaluate@adamw", "train@adamw"]
    assert "adamw" in (clone.path / "plots/loss.csv").read_text()
    assert clone.metrics("train", "adamw")["lr"] == 1e-5


def test_divergence_is_a_result(clone: Clone) -> None:
    clone.run("dvc", "exp", "run", "-S", "~optimizers.adamw", "-S", "optimizers.adam.lr=1e30")
    metrics = clone.metrics("train", "adam")
    assert metrics["status"] == "diverged"
    diverged = str(metrics["diverged_seeds"]).split()
    assert diverged
    assert metrics["train_loss"] is None
    assert clone.metrics("eval", "adam")["accuracy"] is None
    saved = {path.stem for path in (clone.path / "data/models/adam").glob("*.pdparams")}
    assert saved == {"0", "1"} - set(diverged)
    assert clone.metrics("lr", "adam")["verdict"] == "too_large"
    ranking = json.loads((clone.path / "metrics/ranking.json").read_text())
    assert (ranking["shared_winners"], ranking["tuned_winners"]) == (None, "adam")
    for file in (clone.path / "metrics").rglob("*.json"):
        assert not {"NaN", "Infinity", "-Infinity"} & set(re.findall(r"-?\w+", file.read_text())), file
    for file in (clone.path / "plots").rglob("*.csv"):
        assert not {"", "nan", "inf", "-inf", "None"} & set(re.split(r"[,\n]", file.read_text().strip())), file
    assert clone.run("dvc", "status").strip().endswith("up to date.")


def test_bad_params_end_in_one_line_before_any_training(clone: Clone) -> None:
    output = clone.run("dvc", "exp", "run", "-S", "optimizers.adam.type=Adm", code=255)
    assert "error: params.yaml: optimizers.adam.type: 'Adm' is not allowed; allowed: ASGD, Adadelta" in output
    assert "train@" not in output
    assert "sweep@" not in output
