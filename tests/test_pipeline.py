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

from stages.lib.dataset.mnist_json import write_mnist_json
from stages.lib.dataset.splits import Split

OPTIMIZERS = ("adam", "sgd")
SIZES = {"train": 600, "valid": 200, "eval": 200}
COLUMNS = "accuracy,accuracy_at_best,group,group_at_best,lr,lr_best,lr_from,lr_to,ratio,steps_to_target,verdict"
JOINED = ("compare", "configure", "evaluate", "illustrate", "judge", "survey")  # what joins the optimizers


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
        metrics = clone.metrics(optimizer)
        assert ",".join(metrics) == COLUMNS
        assert metrics["lr"] == 0.01 == clone.runs("train", optimizer)[0].lr
        assert metrics["lr_best"] in {0.0001, 0.003, 0.1}
        tuned = clone.runs("tune", optimizer)
        assert [(run.lr, run.seed, run.steps) for run in tuned] == [(metrics["lr_best"], seed, 24) for seed in (0, 1)]
        assert min(run.valid[-1].accuracy for run in tuned) > 0.3  # 24 steps; chance is 0.1
    verdicts = (clone.path / "plots/verdicts.md").read_text().splitlines()
    assert [line.split(" at lr 0.01 ")[0] for line in verdicts[:4:2]] == ["- adam", "- sgd"]


def test_nothing_is_left_of_optimizers_that_are_not_in_params(clone: Clone) -> None:
    """Results of the others were there, as git brought them."""
    names = {
        path.stem for folder in ("metrics", "data/train", "data/sweep") for path in (clone.path / folder).iterdir()
    }
    assert names == set(OPTIMIZERS)
    locked = yaml.safe_load((clone.path / "dvc.lock").read_text())["stages"]
    assert {stage.partition("@")[2] for stage in locked} == {"", *OPTIMIZERS}


def test_dvc_shows_one_row_for_each_optimizer(clone: Clone) -> None:
    found = json.loads(clone.run("dvc", "metrics", "show", "--json"))
    assert sorted(found[""]["data"]) == [f"metrics/{name}.json" for name in OPTIMIZERS]
    table = clone.run("dvc", "metrics", "show").splitlines()
    assert len(table) == 1 + len(OPTIMIZERS)
    assert max(map(len, table)) <= 160
    shown = COLUMNS.replace("steps_to_target,", "")  # a miss for both, and dvc leaves out columns without a value
    assert table[0].split() == ["Path", *shown.split(",")]


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
    """All but the sweeps, which git brings, is made anew; then git has nothing to say, dvc.lock included."""
    other = Clone(clone.path.parent / "andere Kopie 另一个")
    clone.run("git", "clone", "--quiet", str(clone.path), str(other.path))
    for folder in ("plots", "metrics"):
        shutil.rmtree(other.path / folder)
    assert "sweep@adam" not in other.ran("dvc", "repro")
    assert other.run("git", "status", "--short") == ""
    assert other.bytes_of_results() == clone.bytes_of_results()


def own(*names: str) -> list[str]:
    """What is to run when only the lr of these optimizers has changed."""
    return sorted([*(f"train@{name}" for name in names), *JOINED])


def test_an_optimizers_own_lr_trains_only_that_one(clone: Clone) -> None:
    assert clone.ran("dvc", "exp", "run", "-S", "optimizers.adam.lr=0.001") == own("adam")
    assert clone.metrics("adam")["lr"] == 0.001


def test_the_shared_lr_repeats_no_sweep_and_no_optimizer_with_its_own(clone: Clone) -> None:
    targets = ("judge", "compare", "illustrate")  # survey takes its time
    ran = clone.ran("dvc", "exp", "run", "-n", "tiny-lr", "-S", "lr=1e-5", *targets)
    assert ran == sorted({*own("sgd")} - {"survey"})
    assert (clone.metrics("sgd")["lr"], clone.metrics("sgd")["verdict"]) == (1e-5, "too_small")
    assert clone.metrics("adam")["lr"] == 0.001


def test_what_changes_no_result_trains_nothing(clone: Clone) -> None:
    """Code that runs and draws, and the version of a package that computes nothing."""
    for name in ("workers/progress", "workers/pool", "workers/cluster", "drawing/figures"):
        path = clone.path / "stages/lib" / f"{name}.py"
        path.write_text(path.read_text() + "# edited\n")
    lock = (clone.path / "requirements.txt").read_text()
    changed = re.sub(r"(?m)^aiohttp==\S+", "aiohttp==99.9.9", lock)
    assert changed != lock
    (clone.path / "requirements.txt").write_text(changed)
    ran = clone.ran("dvc", "repro", "judge", "compare", "illustrate", "train@adam", "sweep@sgd")
    assert ran == ["compare", "configure", "illustrate"]
    clone.run("git", "checkout", "--quiet", "stages", "requirements.txt")


def test_plots_diff_shows_both_revisions(clone: Clone) -> None:
    clone.run("dvc", "plots", "diff", "HEAD", "--out", "page")
    page = (clone.path / "page" / "index.html").read_text()
    revisions = [page.count(f'"rev": "{revision}"') for revision in ("HEAD", "workspace")]
    assert min(revisions) > 100
    pictures = sorted(file.name for file in (clone.path / "page" / "static").iterdir())
    assert len(pictures) + page.count('"$schema"') <= 2 * 10
    assert {f"{revision}_plots_ranking.png" for revision in ("HEAD", "workspace")} <= set(pictures)


def test_earlier_params_come_back_without_training(clone: Clone) -> None:
    clone.run("git", "checkout", "--quiet", "params.yaml")
    output = clone.run("dvc", "repro", "judge", "compare")
    assert "step 24 of 24" not in output
    assert clone.metrics("adam")["lr"] == 0.01


def test_optimizers_come_and_go_by_params_alone(clone: Clone) -> None:
    ran = clone.ran("dvc", "exp", "run", "-S", "~optimizers.sgd", "judge", "compare", "illustrate")
    assert not [stage for stage in ran if stage.startswith(("train", "sweep", "tune"))]
    left = [path for folder in ("metrics", "data", "plots") for path in (clone.path / folder).rglob("*sgd*")]
    assert left == []
    assert "sgd" not in (clone.path / "dvc.lock").read_text()
    for table in (clone.path / "plots").glob("*.csv"):
        if table.name != "trajectories.csv":  # survey did not run
            assert "sgd" not in table.read_text(), table
    added = "++optimizers.adamw={type: AdamW, lr: null, weight_decay: 0.01}"
    assert clone.ran("dvc", "exp", "run", "-S", added, "compare") == ["compare", "configure", "train@adamw"]
    assert "adamw" in (clone.path / "plots/training_loss.csv").read_text()


def test_divergence_is_a_result(clone: Clone) -> None:
    clone.run("dvc", "exp", "run", "-S", "~optimizers.adamw", "-S", "optimizers.adam.lr=1e30")
    diverged = {str(run.seed) for run in clone.runs("train", "adam") if run.diverged}
    assert diverged
    metrics = clone.metrics("adam")
    assert (metrics["accuracy"], metrics["group"], metrics["verdict"]) == (None, None, "too_large")
    assert metrics["group_at_best"] == 1
    saved = {path.stem for path in (clone.path / "data/weights/train/adam").glob("*.safetensors")}
    assert saved == {"0", "1"} - diverged
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
