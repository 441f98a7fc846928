import csv
import json
from pathlib import Path

import pytest
from matplotlib.figure import Figure

from stages import illustrate as stage
from stages.illustrate import illustrate
from stages.lib.errors import InputError
from stages.lib.grid_verdicts import Example
from stages.lib.lr_figures import curves_figure
from stages.lib.settings import SweepSettings, write_settings
from stages.lib.sweeps import COLUMNS

OUTPUTS = {"table": "t.csv", "sensitivity_png": "s.png", "curves_png": "c.png"}
LEARNING = {0.001: 1.2, 0.01: 0.4, 0.1: 0.1, 0.3: 0.5}  # of each rate the final loss


def sweep(
    folder: Path,
    name: str,
    finals: dict[float, float],
    best: float | None,
    *,
    status: str = "learning",
    short: tuple[float, ...] = (),
) -> None:
    """What configure, sweep, tune and judge leave: a short run at each rate, and two full ones unless it diverged.

    At the rates `short` there are no full ones.
    """
    rows = []
    for lr, final in finals.items():
        whole = [] if status == "diverged" or lr in short else [(100, 1500), (101, 1500)]
        for seed, steps in [(100, 100), *whole]:
            for step in [0] if status == "diverged" else [0, steps]:
                loss = 2.6 - (2.6 - final * (1 + seed / 1000)) * step / steps
                rows.append(f"{name},{lr},{seed},{steps},{step},{loss},{loss},0.5,{status}")
    tuned = [f"{name},{seed},{step},0,9,{loss},0.5" for seed in (0, 1) for step, loss in ((0, 2.6), (1500, 0.11))]
    contents = {
        f"sweep/{name}.csv": "\n".join([",".join(COLUMNS), *rows, ""]),
        f"tuned_valid/{name}.csv": "\n".join(["optimizer,seed,step,epoch,images,loss,accuracy", *tuned, ""]),
        f"tuned/{name}.json": json.dumps({"lr": best, "steps": 1500, "diverged_seeds": ""}),
        f"lr/{name}.json": json.dumps(
            {"lr": 0.01, "verdict": "too_small", "best_lr": best, "reasonable_from": best, "reasonable_to": best}
        ),
    }
    for path, content in contents.items():
        (folder / path).parent.mkdir(exist_ok=True)
        (folder / path).write_text(content)
    plan = SweepSettings(name, "SGD", {}, 100, 3, (100, 101), tuple(finals))
    write_settings(folder / "config" / name / "sweep.json", plan)


def run(folder: Path, *names: str, out: str = "out") -> list[dict[str, str]]:
    (folder / "names.json").write_text(json.dumps(names))
    paths = {option: folder / out / file for option, file in OUTPUTS.items()}
    inputs = ("names.json", "config", "sweep", "tuned_valid", "tuned", "lr")
    illustrate(*(folder / name for name in inputs), **paths)
    with paths["table"].open(newline="") as file:
        return list(csv.DictReader(file))


@pytest.fixture
def shown(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, list[Example]]]:
    """What the figure of examples is drawn from."""
    calls: list[tuple[str, list[Example]]] = []

    def draw(name: str, found: list[Example]) -> Figure:
        calls.append((name, found))
        return curves_figure(name, found)

    monkeypatch.setattr(stage, "curves_figure", draw)
    return calls


def test_end_of_every_run(tmp_path: Path) -> None:
    sweep(tmp_path, "adam", {0.01: 0.2}, 0.01)
    sweep(tmp_path, "sgd", {0.01: 2.0, 0.1: 0.1}, 0.1)
    rows = run(tmp_path, "adam", "sgd")
    assert list(rows[0]) == ["optimizer", "lr", "steps", "seed", "valid_loss", "status"]
    assert [(row["optimizer"], row["lr"], row["steps"], row["seed"]) for row in rows] == [
        (name, lr, steps, seed)
        for name, lr in (("adam", "0.01"), ("sgd", "0.01"), ("sgd", "0.1"))
        for steps, seed in (("100", "100"), ("1500", "100"), ("1500", "101"))
    ]
    assert [float(row["valid_loss"]) for row in rows[:3]] == pytest.approx([0.22, 0.22, 0.2202])
    assert {row["status"] for row in rows} == {"learning"}


def test_three_rates_of_the_tutorials_optimizer(tmp_path: Path, shown: list[tuple[str, list[Example]]]) -> None:
    sweep(tmp_path, "adam", LEARNING, 0.1)
    sweep(tmp_path, "sgd", LEARNING, 0.1)
    run(tmp_path, "adam", "sgd")
    [(name, found)] = shown
    assert name == "sgd"
    assert [(one.verdict, one.lr, len(one.runs)) for one in found] == [
        ("too_small", 0.01, 2),
        ("reasonable", 0.1, 2),
        ("too_large", 0.3, 2),
    ]


def test_the_first_optimizer_whose_three_rates_have_the_full_length(
    tmp_path: Path, shown: list[tuple[str, list[Example]]]
) -> None:
    """Of lamb only short runs show what is too large, of sgd too; of adam nothing does."""
    sweep(tmp_path, "adam", {0.001: 1.2, 0.01: 0.4, 0.1: 0.1}, 0.1)
    sweep(tmp_path, "lamb", LEARNING, 0.1, short=(0.3,))
    sweep(tmp_path, "sgd", LEARNING, 0.1, short=(0.3,))
    for name in ("momentum", "rmsprop"):
        sweep(tmp_path, name, LEARNING, 0.1)
    run(tmp_path, "adam", "lamb", "momentum", "rmsprop", "sgd")
    run(tmp_path, "adam", "lamb", "sgd")
    assert [name for name, _ in shown] == ["momentum", "sgd"]


def test_first_optimizer_where_sgd_is_not_there(tmp_path: Path, shown: list[tuple[str, list[Example]]]) -> None:
    for name in ("adam", "sgd", "lamb"):
        sweep(tmp_path, name, LEARNING, 0.1)
    run(tmp_path, "adam", "lamb")
    assert [name for name, _ in shown] == ["adam"]


def test_a_run_ends_at_the_mean_of_its_last_tenth(tmp_path: Path) -> None:
    """A diverged one has no end: the last loss that was finite."""
    sweep(tmp_path, "sgd", LEARNING, 0.1)
    with (tmp_path / "sweep/sgd.csv").open("a") as file:
        for step, loss in ((0, 2.6), (1300, 9.0), (1400, 0.5), (1500, 0.25)):
            file.write(f"sgd,0.1,102,1500,{step},1,{loss},0.5,learning\n")
        for step, loss in ((0, 2.6), (1400, 3.0), (1500, 7.0)):
            file.write(f"sgd,0.1,103,1500,{step},1,{loss},0.5,diverged\n")
    found = {row["seed"]: (float(row["valid_loss"]), row["status"]) for row in run(tmp_path, "sgd")}
    assert (found["102"], found["103"]) == ((0.375, "learning"), (7.0, "diverged"))


def test_all_diverged(tmp_path: Path, shown: list[tuple[str, list[Example]]]) -> None:
    """No run got further than its first validation, and no rate is best."""
    for name in ("adam", "sgd"):
        sweep(tmp_path, name, LEARNING, None, status="diverged")
    rows = run(tmp_path, "adam", "sgd")
    assert len(rows) == 8
    assert {(row["valid_loss"], row["status"]) for row in rows} == {("2.6", "diverged")}
    assert [(one.verdict, one.lr) for one in shown[0][1]] == [("undetermined", 0.001), ("undetermined", 0.3)]


def test_bytes_repeat_and_other_optimizers_stay_out(tmp_path: Path) -> None:
    sweep(tmp_path, "sgd", LEARNING, 0.1)
    run(tmp_path, "sgd", out="one")
    sweep(tmp_path, "gone", LEARNING, 0.1)
    run(tmp_path, "sgd", out="two")
    for name in OUTPUTS.values():
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes()
    run(tmp_path, "gone", "sgd", out="three")
    assert (tmp_path / "one/s.png").read_bytes() != (tmp_path / "three/s.png").read_bytes()


def test_broken_table_is_refused_and_nothing_is_written(tmp_path: Path) -> None:
    sweep(tmp_path, "sgd", LEARNING, 0.1)
    with (tmp_path / "sweep/sgd.csv").open("a") as file:
        file.write("sgd,0.1\n")
    with pytest.raises(InputError, match=r"sweep/sgd\.csv: row 25 has too few or too many cells"):
        run(tmp_path, "sgd")
    assert not (tmp_path / "out").exists()
