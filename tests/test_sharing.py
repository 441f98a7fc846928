"""Results and models by way of a bare git repository and a DVC remote, and DVC's queue: what docs/machines.md tells."""

import pytest
from clones import Clone
from small_clones import small_clone, write_small

from stages.lib.dataset.splits import Split

pytestmark = pytest.mark.long

AFTER_TRAIN = ["compare", "configure", "evaluate", "illustrate", "judge", "survey"]


@pytest.fixture(scope="module")
def first(tmp_path_factory: pytest.TempPathFactory, mnist: dict[str, Split]) -> Clone:
    """A clone with small data and its results pushed: git to a bare repository, the rest to a folder."""
    folder = tmp_path_factory.mktemp("team")
    clone = small_clone(folder / "first", write_small(folder / "small.json.gz", mnist), ("adam", "sgd"))
    clone.run("git", "init", "--quiet", "--bare", "--initial-branch=main", str(folder / "team.git"))
    clone.run("git", "switch", "--quiet", "--force-create", "main")
    clone.run("git", "remote", "set-url", "origin", str(folder / "team.git"))
    clone.run("dvc", "remote", "add", "--default", "team", str(folder / "remote"))
    clone.run("dvc", "repro")
    clone.commit("small data")
    clone.run("dvc", "push")
    clone.run("git", "push", "--quiet", "--set-upstream", "origin", "main")
    return clone


@pytest.fixture(scope="module")
def second(first: Clone) -> Clone:
    """Another clone of the bare repository, with a cache of its own."""
    clone = Clone(first.path.parent / "second")
    first.run("git", "clone", "--quiet", str(first.path.parent / "team.git"), str(clone.path))
    clone.run("dvc", "pull", "--quiet")
    return clone


def test_a_second_clone_gets_results_and_models_without_training(first: Clone, second: Clone) -> None:
    assert second.bytes_of_results().keys() >= {"data/weights/train/adam/0.safetensors", "data/mnist.npz"}
    assert [stage for stage in second.ran("dvc", "repro") if stage != "configure"] == []
    assert second.bytes_of_results() == first.bytes_of_results()


def test_an_experiment_is_pushed_and_applied_without_training(first: Clone, second: Clone) -> None:
    ran = first.ran("dvc", "exp", "run", "-n", "larger", "-S", "optimizers.sgd.lr=0.1")
    assert ran == sorted([*AFTER_TRAIN, "train@sgd"])
    first.run("dvc", "exp", "push", "origin", "larger")
    assert "larger" in second.run("dvc", "exp", "list", "origin")
    second.run("dvc", "exp", "pull", "origin", "larger")
    second.run("dvc", "exp", "apply", "larger")
    assert second.metrics("sgd")["lr"] == 0.1
    assert [stage for stage in second.ran("dvc", "repro") if stage != "configure"] == []
    assert second.bytes_of_results() == first.bytes_of_results()


def test_the_queue_runs_on_this_machine_from_copies_of_the_workspace(first: Clone) -> None:
    first.run("git", "checkout", "--quiet", ".")
    first.run("dvc", "checkout", "--quiet", "--force")
    before = first.bytes_of_results()
    for name, lr in (("a", "0.02"), ("b", "0.03"), ("bad", "-1")):
        first.run("dvc", "exp", "run", "--queue", "-n", name, "-S", f"optimizers.sgd.lr={lr}")
    first.run("dvc", "queue", "start", "--jobs", "2")
    done = "".join(first.run("dvc", "queue", "logs", "--follow", name) for name in ("a", "b", "bad"))
    assert "error: params.yaml: optimizers.sgd.lr: -1" in done
    assert first.bytes_of_results() == before  # the workspace is left alone
    shown = first.run("dvc", "exp", "show", "--csv", "--hide-failed")
    assert {"a", "b"} <= {line.split(",")[0] for line in shown.splitlines()} | set(shown.replace(",", " ").split())
