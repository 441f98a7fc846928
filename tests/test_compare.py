import csv
from pathlib import Path

import numpy as np
import pytest
from scipy.stats import binomtest

from stages.compare import accuracy_row, compare, smoothed, wilson
from stages.lib.errors import InputError
from stages.lib.records import Value, write_json
from stages.lib.settings import load_names, write_names

STEPS = [0, 20, 40, 60, 80, 99]
OUTPUTS = ("loss.csv", "valid.csv", "accuracy.csv", "loss.png", "accuracy.png")


def results(folder: Path, name: str, accuracy: float | None, seeds: dict[int, int]) -> None:
    """What train and evaluate leave of one optimizer; `seeds` gives the number of loss windows of each seed."""
    for kind in ("train_loss", "valid", "train", "eval"):
        (folder / kind).mkdir(parents=True, exist_ok=True)
    names = folder / "optimizers.json"
    write_names(names, {name, *(load_names(names) if names.exists() else [])})
    losses = [
        f"{name},{seed},{step},{step / 50},{3 - step / 50},0.5" for seed, k in seeds.items() for step in STEPS[:k]
    ]
    (folder / f"train_loss/{name}.csv").write_text("\n".join(["optimizer,seed,step,epoch,loss,loss_std", *losses, ""]))
    scores = [f"{name},{seed},0,0.0,500,2.5,0.125" for seed in seeds]
    header = "optimizer,seed,step,epoch,images,loss,accuracy"
    (folder / f"valid/{name}.csv").write_text("\n".join([header, *scores, ""]))
    diverged = " ".join(str(seed) for seed, k in seeds.items() if k < len(STEPS))
    write_json(folder / f"train/{name}.json", {"lr": 0.1, "status": "finished", "diverged_seeds": diverged})
    whole = {"accuracy": accuracy, "accuracy_min": accuracy, "accuracy_max": accuracy}
    write_json(folder / f"eval/{name}.json", {**whole, "loss": accuracy, "images": 500, "seeds": len(seeds)})


def run(folder: Path, out: str = "out") -> dict[str, bytes]:
    paths = {name.replace(".", "_"): folder / out / name for name in OUTPUTS}
    inputs = [folder / kind for kind in ("optimizers.json", "train_loss", "valid", "train", "eval")]
    compare(*inputs, **paths)
    return {name: (folder / out / name).read_bytes() for name in OUTPUTS}


def table(content: bytes) -> list[dict[str, str]]:
    return list(csv.DictReader(content.decode().splitlines()))


@pytest.mark.parametrize("count", [1, 10, 500, 10_000])
@pytest.mark.parametrize("share", [0.0, 0.1, 0.5, 0.9, 1.0])
def test_wilson_interval_is_scipys(share: float, count: int) -> None:
    hits = round(share * count)
    expected = binomtest(hits, count).proportion_ci(method="wilson")
    assert wilson(hits / count, count) == pytest.approx((expected.low, expected.high), abs=1e-6)


@pytest.mark.parametrize(
    ("losses", "means"),
    [
        ([8.0], [8.0]),
        ([8.0, 4.0], [8.0, 4.0]),
        ([8.0, 4.0, 0.0], [8.0, 4.0, 0.0]),
        ([9.0, 6.0, 0.0, 3.0], [9.0, 5.0, 3.0, 3.0]),
        ([10.0, 20.0, 0.0, 40.0, 5.0, 10.0, 0.0], [10.0, 10.0, 15.0, 15.0, 11.0, 5.0, 0.0]),
    ],
)
def test_smoothing_by_hand(losses: list[float], means: list[float]) -> None:
    rows = [{"seed": "0", "step": str(20 * place), "loss": str(loss)} for place, loss in enumerate(losses)]
    steps, found = smoothed(rows)
    assert steps.tolist() == [20 * place for place in range(len(losses))]
    np.testing.assert_allclose(found, [means])


def test_smoothing_goes_as_far_as_the_shortest_seed() -> None:
    lengths = {"4": 2, "1": 3}
    rows = [
        {"seed": seed, "step": str(20 * place), "loss": f"{place}{seed}"}
        for seed, length in lengths.items()
        for place in range(length)
    ]
    steps, means = smoothed(rows)
    assert steps.tolist() == [0, 20]
    np.testing.assert_allclose(means, [[4, 14], [1, 11]])


def test_accuracy_row() -> None:
    record: dict[str, Value] = {"accuracy": 0.5, "accuracy_min": 0.25, "accuracy_max": 0.75, "images": 500, "loss": 1.0}
    expected = binomtest(250, 500).proportion_ci(method="wilson")
    assert accuracy_row("adam", record) == {
        "optimizer": "adam",
        "accuracy": 0.5,
        "accuracy_min": 0.25,
        "accuracy_max": 0.75,
        "low": pytest.approx(expected.low, abs=1e-6),
        "high": pytest.approx(expected.high, abs=1e-6),
    }


def test_tables_hold_all_optimizers_in_alphabetical_order(tmp_path: Path) -> None:
    results(tmp_path, "sgd", 0.5, {0: 6, 1: 6})
    results(tmp_path, "adam", 0.9, {0: 6})
    written = run(tmp_path)
    loss = table(written["loss.csv"])
    assert [(row["optimizer"], row["seed"]) for row in loss] == [("adam", "0")] * 6 + [("sgd", "0")] * 6 + [
        ("sgd", "1")
    ] * 6
    adam = (tmp_path / "train_loss/adam.csv").read_text().splitlines()
    assert written["loss.csv"].decode().splitlines()[:7] == adam
    assert [(row["optimizer"], row["seed"], row["accuracy"]) for row in table(written["valid.csv"])] == [
        ("adam", "0", "0.125"),
        ("sgd", "0", "0.125"),
        ("sgd", "1", "0.125"),
    ]
    accuracies = table(written["accuracy.csv"])
    assert [(row["optimizer"], row["accuracy"]) for row in accuracies] == [("adam", "0.9"), ("sgd", "0.5")]
    assert list(accuracies[0]) == ["optimizer", "accuracy", "accuracy_min", "accuracy_max", "low", "high"]


def test_removed_optimizer_stays_out(tmp_path: Path) -> None:
    """Its metrics and curves stay in git, its name does not."""
    results(tmp_path, "adam", 0.9, {0: 6})
    without = run(tmp_path)
    results(tmp_path, "gone", 0.99, {0: 6})
    write_names(tmp_path / "optimizers.json", ["adam"])
    assert run(tmp_path) == without


def test_bytes_repeat(tmp_path: Path) -> None:
    results(tmp_path, "sgd", 0.5, {0: 6, 1: 6})
    results(tmp_path, "adam", None, {0: 3, 1: 6})
    one = run(tmp_path, "one")
    assert one == run(tmp_path, "two")
    assert one["loss.png"][:8] == one["accuracy.png"][:8] == b"\x89PNG\r\n\x1a\n"


def test_diverged_optimizer_keeps_its_curve_and_has_no_accuracy(tmp_path: Path) -> None:
    results(tmp_path, "sgd", 0.5, {0: 6})
    without = run(tmp_path)
    results(tmp_path, "hot", None, {0: 3, 1: 6})
    written = run(tmp_path)
    assert len([row for row in table(written["loss.csv"]) if row["optimizer"] == "hot"]) == 9
    assert [row["optimizer"] for row in table(written["accuracy.csv"])] == ["sgd"]
    assert written["loss.png"] != without["loss.png"]
    assert written["accuracy.png"] != without["accuracy.png"]
    assert not any(cell in {"", "nan", "inf"} for row in table(written["accuracy.csv"]) for cell in row.values())


@pytest.mark.parametrize("others", [True, False])
def test_optimizer_that_diverged_before_its_first_loss(tmp_path: Path, others: bool) -> None:
    if others:
        results(tmp_path, "sgd", 0.5, {0: 6})
    results(tmp_path, "hot", None, {0: 0, 1: 0})
    written = run(tmp_path)
    assert {row["optimizer"] for row in table(written["loss.csv"])} == ({"sgd"} if others else set())


def test_broken_table_is_refused_and_nothing_is_written(tmp_path: Path) -> None:
    results(tmp_path, "sgd", 0.5, {0: 6})
    with (tmp_path / "train_loss/sgd.csv").open("a") as file:
        file.write("sgd,0,100\n")
    with pytest.raises(InputError, match=r"train_loss/sgd\.csv: row 7 has too few or too many cells"):
        run(tmp_path)
    assert not (tmp_path / "out").exists()
