import csv
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from matplotlib.figure import Figure
from recorded import EXPLODED, GONE, GRID, SHORT, TARGET, ending, evaluations, optimizer_runs, recorded, write_recorded

from stages.illustrate import illustrate
from stages.lib.drawing import figures, lr_figures
from stages.lib.drawing.lr_figures import Example
from stages.lib.files.lines import write_lines
from stages.lib.judging.judgement import judge_all
from stages.lib.judging.optimizer_runs import OptimizerRuns
from stages.lib.runs.run import Window

TABLES = ("accuracy", "loss_against_lr", "best_lr_loss", "confusion")
FIGURES = ("ranking_png", "lr_sensitivity_png", "lr_curves_png")
LEARNING = {0.001: [1.2], 0.01: [0.4], 0.1: [0.1], 1.0: [0.5]}


def optimizer(name: str = "sgd", full: Mapping[float, list[float]] = LEARNING, **others: Any) -> OptimizerRuns:
    """With seeds 0 and 1 at a configured lr of 0.03 and at the best one, 0.1, of `full`."""
    return optimizer_runs(0.03, [0.2, 0.21], full, (0.11, 0.12), optimizer=name, accuracy=0.98, **others)


def run(folder: Path, *runs: OptimizerRuns, out: str = "out") -> dict[str, bytes]:
    named = {one.trained[0].optimizer: one for one in runs}
    inputs = [*write_recorded(folder, named), folder / "judgements.jsonl"]
    write_lines(inputs[-1], judge_all(named, evaluations(named), TARGET))
    illustrate(*inputs, **{name: folder / out / name for name in TABLES + FIGURES})
    return {name: (folder / out / name).read_bytes() for name in TABLES + FIGURES}


def table(content: bytes) -> list[dict[str, str]]:
    return list(csv.DictReader(content.decode().splitlines()))


@pytest.fixture
def shown(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, list[Example]]]:
    """What the figure of examples is drawn from; no figure is written, which would take most of the time."""
    calls: list[tuple[str, list[Example]]] = []

    def draw(name: str, found: list[Example], schedule: object) -> Figure:
        assert schedule == ([], [])
        calls.append((name, found))
        return Figure()

    monkeypatch.setattr(lr_figures, "curves_figure", draw)
    monkeypatch.setattr(figures, "save", lambda _, path: path.write_bytes(b""))
    return calls


def test_accuracies_at_both_rates(tmp_path: Path) -> None:
    rows = table(run(tmp_path, optimizer("adam"), optimizer())["accuracy"])
    columns = "optimizer at lr accuracy accuracy_min accuracy_max low high"
    columns += " valid_accuracy valid_low valid_high group behind seeds_to_tell steps_to_target"
    assert list(rows[0]) == columns.split()
    assert [(row["optimizer"], row["at"], row["lr"]) for row in rows] == [
        (name, at, lr) for name in ("adam", "sgd") for at, lr in (("configured lr", "0.03"), ("best lr", "0.1"))
    ]
    assert {(row["accuracy"], row["valid_accuracy"], row["steps_to_target"]) for row in rows} == {
        ("0.9", "0.98", "1500.0")
    }


def test_a_target_that_was_missed(tmp_path: Path) -> None:
    rows = table(run(tmp_path, optimizer_runs(0.03, [0.2], LEARNING, [0.1], accuracy=0.96))["accuracy"])
    assert [row["steps_to_target"] for row in rows] == ["missed", "missed"]


def test_loss_of_every_run_against_its_lr(tmp_path: Path) -> None:
    rows = table(run(tmp_path, optimizer(full={0.01: [0.4], 0.1: [0.1]}, gone=[1.0]))["loss_against_lr"])
    assert list(rows[0]) == ["optimizer", "lr", "seed", "steps", "runs", "loss", "status", "verdict"]
    assert [" ".join(row.values()) for row in rows] == [
        "sgd 0.0001 100 100 short 0.001 learning too_small",
        "sgd 0.001 100 100 short 0.001 learning too_small",
        "sgd 0.01 100 100 short 0.001 learning too_small",
        "sgd 0.01 100 1500 full 0.4 learning too_small",
        "sgd 0.1 100 100 short 0.001 learning reasonable",
        "sgd 0.1 100 1500 full 0.1 learning reasonable",
        "sgd 1.0 100 100 short 2.5 diverged too_large",
        "sgd 0.03 0 1500 configured 0.2 learning undetermined",
        "sgd 0.03 1 1500 configured 0.21 learning undetermined",
        "sgd 0.1 0 1500 best 0.11 learning reasonable",
        "sgd 0.1 1 1500 best 0.12 learning reasonable",
    ]


def test_a_runs_loss_is_the_mean_of_its_last_tenth(tmp_path: Path) -> None:
    """Of a diverged run it is the last one that was finite; a run without any is left out."""
    one = optimizer()
    steady = recorded({0: 2.5, 1400: 0.6, 1500: 0.25}, lr=0.03, tail=(0.5,))
    exploded = recorded({0: 2.5, 1400: 3.0, 1500: 7.0}, lr=0.03, seed=1)
    trained = [steady, exploded, recorded({}, lr=0.03, seed=2, diverged=True)]
    rows = table(run(tmp_path, OptimizerRuns(GRID, trained, one.swept, one.tuned))["loss_against_lr"])
    assert [(row["seed"], row["loss"], row["status"]) for row in rows if row["runs"] == "configured"] == [
        ("0", "0.375", "learning"),
        ("1", "7.0", "diverged"),
    ]


def test_training_loss_at_the_best_lr(tmp_path: Path) -> None:
    one = optimizer()
    tuned = [ending(0.1, lr=0.1, seed=seed, train=[3.0, 1.0]) for seed in (0, 1)]
    rows = table(run(tmp_path, OptimizerRuns(GRID, one.trained, one.swept, tuned))["best_lr_loss"])
    assert [tuple(row.values()) for row in rows] == [
        ("sgd", seed, step, epoch, "0.1", loss, "0.5")
        for seed in "01"
        for step, epoch, loss in (("0", "0.0", "3.0"), ("20", "0.04", "1.0"))
    ]


def test_confusions_are_summed_over_the_seeds(tmp_path: Path) -> None:
    """Of each seed's 1,000 images 100 zeros are taken for ones; what is right is not there."""
    rows = table(run(tmp_path, optimizer())["confusion"])
    assert [tuple(row.values()) for row in rows] == [
        ("sgd", at, "0", "1", "200") for at in ("configured lr", "best lr")
    ]


@pytest.mark.parametrize("last", [GONE, EXPLODED])
def test_what_diverged_has_no_accuracy_and_is_named_in_the_ranking(
    tmp_path: Path, last: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    drawn: list[tuple[list[Any], list[Any]]] = []

    def draw(rows: list[Any], diverged: list[Any]) -> Figure:
        drawn.append((rows, diverged))
        return Figure()

    monkeypatch.setattr(figures, "ranking_figure", draw)
    hot = optimizer_runs(0.5, [0.1, last], LEARNING, [0.1, 0.11], optimizer="hot", accuracy=0.98)
    written = run(tmp_path, hot, optimizer())
    expected = [("hot", "best lr"), ("sgd", "configured lr"), ("sgd", "best lr")]
    for name in ("accuracy", "confusion"):
        assert [(row["optimizer"], row["at"]) for row in table(written[name])] == expected
    [(rows, diverged)] = drawn
    assert [(row["optimizer"], row["at"]) for row in rows] == expected
    assert diverged == [("configured lr", "hot", 0.5)]


def test_three_rates_of_the_tutorials_optimizer(tmp_path: Path, shown: list[tuple[str, list[Example]]]) -> None:
    run(tmp_path, optimizer("adam"), optimizer(full=LEARNING | {1.0: [0.5, 0.6]}))
    [(name, found)] = shown
    assert name == "sgd"
    assert [(one.verdict, one.lr, one.short_steps) for one in found] == [
        ("too_small", 0.01, None),
        ("reasonable", 0.1, None),
        ("too_large", 1.0, None),
    ]
    assert found[2].runs == [([0, 1500], [2.5, 0.5], "learning"), ([0, 1500], [2.5, 0.6], "learning")]


def test_the_first_optimizer_whose_three_rates_have_the_full_length(
    tmp_path: Path, shown: list[tuple[str, list[Example]]]
) -> None:
    """Of sgd and lamb only short runs show what is too large, of adam nothing does."""
    below = {0.001: [1.2], 0.01: [0.4], 0.1: [0.1]}
    lacking = [optimizer("adam", below), optimizer("lamb", below, gone=[1.0]), optimizer("sgd", below, gone=[1.0])]
    run(tmp_path, *lacking, optimizer("momentum"), optimizer("rmsprop"))
    run(tmp_path, *lacking)
    run(tmp_path, lacking[0], lacking[1])
    assert [name for name, _ in shown] == ["momentum", "sgd", "adam"]
    assert [one.short_steps for one in shown[1][1]] == [None, None, SHORT]


def test_the_schedule_behind_the_curves_is_a_share_of_the_peak(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    drawn: list[object] = []

    def draw(_name: str, _found: list[Example], schedule: object) -> Figure:
        drawn.append(schedule)
        return Figure()

    monkeypatch.setattr(lr_figures, "curves_figure", draw)
    one = optimizer()
    curve = {"train_loss": (Window(0, 3.0, 0.5), Window(20, 2.0, 0.5)), "lrs": (0.1, 0.025)}
    swept = [run.model_copy(update=curve if (run.lr, run.steps) == (0.1, 1500) else {}) for run in one.swept]
    run(tmp_path, OptimizerRuns(GRID, one.trained, swept, one.tuned))
    assert drawn == [([0, 20], [1.0, 0.25])]


def test_where_nothing_learns_the_ends_of_the_grid_are_shown(
    tmp_path: Path, shown: list[tuple[str, list[Example]]]
) -> None:
    """All short runs diverged; one of them has no loss at all, which leaves nothing to draw. The others go on."""
    none = optimizer(full={}, gone=GRID)
    swept = [recorded({}, lr=GRID[0], steps=SHORT, seed=100, diverged=True), *none.swept[1:]]
    written = run(tmp_path, OptimizerRuns(GRID, none.trained, swept, []), optimizer("adam", {0.1: [0.1]}))
    assert [(name, [(one.lr, one.verdict, one.short_steps, one.runs) for one in found]) for name, found in shown] == [
        ("sgd", [(0.0001, "undetermined", SHORT, []), (1.0, "undetermined", SHORT, [([0], [2.5], "diverged")])])
    ]
    assert {row["at"] for row in table(written["accuracy"]) if row["optimizer"] == "sgd"} == {"configured lr"}
    assert {row["optimizer"] for row in table(written["best_lr_loss"])} <= {"adam"}
    losses = [row for row in table(written["loss_against_lr"]) if row["optimizer"] == "sgd"]
    assert {(row["runs"], row["verdict"]) for row in losses} == {
        ("short", "undetermined"),
        ("configured", "undetermined"),
    }


def test_bytes_repeat_and_runs_of_others_stay_out(tmp_path: Path) -> None:
    one = run(tmp_path, optimizer(), out="one")
    write_recorded(tmp_path, {"gone": optimizer("gone")})
    assert run(tmp_path, optimizer(), out="two") == one
    assert {one[name][:8] for name in FIGURES} == {b"\x89PNG\r\n\x1a\n"}
    assert run(tmp_path, optimizer(), optimizer("adam"), out="three")["lr_sensitivity_png"] != one["lr_sensitivity_png"]
