import json
import math
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NoReturn

import numpy as np
import pytest
from scipy import stats

from stages.judge import judge
from stages.lib.records import Value, write_csv, write_json
from stages.lib.settings import SweepSettings, write_names, write_settings

GRID = (0.0001, 0.001, 0.01, 0.1, 1.0)
DEAD, GONE = -1.0, math.inf  # in place of a run's last loss
SWEEP: dict[float, list[float]] = {0.001: [0.3], 0.01: [0.1], 0.1: [0.4]}
OTHER: dict[float, list[float]] = {0.01: [0.2], 0.1: [0.25, 0.24]}
TUNED, OTHER_TUNED = (0.1, 0.104), (0.2, 0.21)  # the ends of the runs of tune, by seed

Judge = Callable[..., dict[str, Any]]


def losses(last: float) -> dict[int, float]:
    """Validation losses by step that end at `last`, or stay at guessing, or end before the run does."""
    if last == GONE:
        return {0: 2.5}
    dead = {0: 2.5, 600: 2.303, 900: 2.303, 1200: 2.303, 1500: 2.303}
    return dead if last == DEAD else {0: 2.5, 100: 1.0, 1500: last}


def sweep_table(path: Path, name: str, full: Mapping[float, Sequence[float]], gone: Sequence[float] = ()) -> None:
    """What sweep leaves: full-length runs by rate, one per seed, and short runs that diverged at the rates `gone`."""
    rows: list[tuple[Value, ...]] = []
    for lr, runs in sorted(full.items()):
        for seed, last in enumerate(runs, 100):
            status = {DEAD: "stuck", GONE: "diverged"}.get(last, "learning")
            rows += [(name, lr, seed, 1500, step, 1.0, loss, 0.5, status) for step, loss in losses(last).items()]
        rows += [(name, lr, 100, 150, step, 1.0, loss, 0.5, "learning") for step, loss in ((0, 2.5), (150, 0.001))]
    rows += [(name, lr, 100, 150, 0, 1.0, 2.5, 0.1, "diverged") for lr in gone]
    columns = "optimizer,lr,seed,steps,step,train_loss,valid_loss,valid_accuracy,status"
    write_csv(path, columns.split(","), rows)


def no_number(text: str) -> NoReturn:
    raise AssertionError(f"{text} in JSON")


def trained(valid: Path, metrics: Path, lr: float | None, ends: Sequence[float]) -> None:
    """What train and tune leave, with a seed for each of `ends`."""
    rows: list[tuple[Value, ...]] = [
        ("any", seed, step, step / 500, 500, loss, 0.5)
        for seed, end in enumerate(ends)
        for step, loss in losses(end).items()
    ]
    write_csv(valid, ["optimizer", "seed", "step", "epoch", "images", "loss", "accuracy"], rows)
    diverged = " ".join(str(seed) for seed, end in enumerate(ends) if end == GONE)
    write_json(metrics, {"lr": lr, "steps": 1500, "diverged_seeds": diverged})


@pytest.fixture
def judged(tmp_path: Path) -> Judge:
    """A function that judges adam at `lr`, its seeds ending at `ends`, and gives the metrics and the report."""

    def run(  # noqa: PLR0917
        lr: float,
        ends: Sequence[float],
        sweep: Mapping[float, Sequence[float]] = SWEEP,
        other: Mapping[float, Sequence[float]] = OTHER,
        gone: Sequence[float] = (),
        grid: tuple[float, ...] = GRID,
        tuned: Sequence[float] = TUNED,
        other_tuned: Sequence[float] = OTHER_TUNED,
    ) -> dict[str, Any]:
        write_names(tmp_path / "optimizers.json", ["adam", "sgd"])
        write_settings(tmp_path / "sweep.json", SweepSettings("adam", "Adam", {}, 100, 3, (100, 101), grid))
        sweep_table(tmp_path / "sweep" / "adam.csv", "adam", sweep, gone)
        sweep_table(tmp_path / "sweep" / "sgd.csv", "sgd", other)
        for name, of_tune in (("adam", tuned), ("sgd", other_tuned)):
            trained(tmp_path / "tuned_valid" / f"{name}.csv", tmp_path / "tuned" / f"{name}.json", 7.0, of_tune)
        trained(tmp_path / "valid.csv", tmp_path / "train.json", lr, ends)
        inputs = ("optimizers.json", "sweep.json", "sweep", "tuned_valid", "tuned", "valid.csv", "train.json")
        out = {"metrics": tmp_path / "out" / "adam.json", "report": tmp_path / "out" / "adam.md"}
        judge(*(tmp_path / name for name in inputs), **out)
        content: dict[str, Any] = json.loads(out["metrics"].read_text(), parse_constant=no_number)
        assert not any(isinstance(value, dict | list) for value in content.values())
        return content | {"report": out["report"].read_text(encoding="utf-8")}

    return run


@pytest.mark.parametrize(
    ("lr", "ends", "state", "sentence"),
    [
        (0.01, [0.1, 0.11], "learning reasonable", "adam at lr 0.01 is reasonable: after 1,500 steps"),
        (0.012, [0.09, 0.08], "learning reasonable", "adam at lr 0.012 is reasonable"),
        (0.1, [0.3, 0.31], "learning too_large", "adam at lr 0.1 is too large: after 1,500 steps"),
        (0.0001, [0.5, 0.52], "learning too_small", "adam at lr 0.0001 is too small: after 1,500 steps"),
        (0.03, [0.15, 0.16], "learning undetermined", "on both sides of the tolerance of 1.5"),
        (1.0, [DEAD, 0.2], "stuck too_large", "no better than guessing"),
        (1e-06, [DEAD, DEAD], "stuck too_small", "while the larger 0.01 learns"),
        (1.0, [0.2, GONE], "diverged too_large", "the loss diverged, while the smaller 0.01 learns"),
        (1e9, [GONE, GONE], "diverged too_large", "the loss diverged"),
        (0.001, [GONE, 0.2], "diverged undetermined", "more of them are needed"),
        (0.01, [0.4, 0.41], "learning undetermined", "more of them are needed"),
    ],
)
def test_verdicts(judged: Judge, lr: float, ends: list[float], state: str, sentence: str) -> None:
    found = judged(lr, ends)
    assert (found["lr"], f"{found['status']} {found['verdict']}") == (lr, state)
    assert (found["best_lr"], found["steps"]) == (0.01, 1500)
    assert found["evidence"] == 3 + 2 + sum(end != GONE for end in ends), "of the sweep, of tune, and its own"
    assert sentence in found["report"]
    assert found["report"].startswith(f"adam at lr {lr:g} ")
    assert found["report"].endswith(".\n")
    assert found["report"].count("\n") == 1


def test_ratio_and_its_interval_are_those_of_a_t_test(judged: Judge) -> None:
    """Against the sweep's run and tune's at the best rate; the cells with two or three seeds have 5 degrees."""
    found = judged(0.03, [0.15, 0.16])
    at_best, other = [*SWEEP[0.01], *TUNED], [*OTHER[0.01], *OTHER_TUNED]
    squares = [np.var(np.log(cell)) * len(cell) for cell in (at_best, other, OTHER[0.1])]
    centre = np.log(stats.gmean([0.15, 0.16]) / stats.gmean(at_best))
    error = np.sqrt(sum(squares) / 5) * np.sqrt(1 / 2 + 1 / 3)
    low, high = stats.t.interval(0.95, 5, loc=centre, scale=error)
    assert (found["ratio"], found["ratio_low"], found["ratio_high"]) == pytest.approx(
        (np.exp(centre), np.exp(low), np.exp(high)), rel=1e-5
    )


def test_no_ratio_where_a_seed_does_not_learn(judged: Judge) -> None:
    found = judged(1.0, [DEAD, 0.2])
    assert [found[key] for key in ("ratio", "ratio_low", "ratio_high")] == [None] * 3


def test_the_reference_has_runs_that_chose_nothing(judged: Judge) -> None:
    """The sweep's one run at its best rate was lucky by a factor of 2."""
    found = judged(0.03, [0.2, 0.21], tuned=(0.2, 0.21), other_tuned=(0.2, 0.2))
    assert found["ratio"] == pytest.approx((0.2 * 0.21) ** (1 / 2) / (0.1 * 0.2 * 0.21) ** (1 / 3), rel=1e-5)
    assert judged(0.03, [0.2, 0.21])["verdict"] == "too_large"


@pytest.mark.parametrize("bad", [GONE, DEAD])
def test_a_best_rate_that_fails_with_the_trained_seeds(judged: Judge, bad: float) -> None:
    found = judged(0.03, [0.15, 0.16], tuned=(0.1, bad))
    assert (found["status"], found["verdict"], found["ratio"]) == ("learning", "undetermined", None)
    assert "not every run with these seeds learned" in found["report"]


def test_seeds_of_other_optimizers_widen_the_interval(judged: Judge) -> None:
    calm, wild = judged(0.01, [0.1, 0.11]), judged(0.01, [0.1, 0.11], other_tuned=(0.02, 0.9))
    assert (calm["verdict"], wild["verdict"]) == ("reasonable", "undetermined")
    assert wild["ratio"] == calm["ratio"]


def test_the_configured_rates_own_seeds_do_not(judged: Judge) -> None:
    """The spread is that of good rates: it does not depend on the one that is judged."""
    widths = [found["ratio_high"] / found["ratio_low"] for found in (judged(0.1, [0.3, 0.31]), judged(0.1, [0.1, 0.9]))]
    assert widths[0] == pytest.approx(widths[1], rel=1e-4)


def test_one_seed_is_judged_by_what_sweep_and_tune_differ_by(judged: Judge) -> None:
    single: dict[float, list[float]] = {0.001: [0.3], 0.01: [0.1]}
    found = judged(0.01, [0.1], sweep=single, other={0.01: [0.2]}, tuned=[0.105], other_tuned=[0.21])
    assert found["verdict"] == "reasonable"


def test_without_any_run_that_learned_well_there_is_no_spread(judged: Judge) -> None:
    found = judged(0.01, [2.0], sweep={0.01: [2.0]}, other={0.01: [2.1]}, tuned=[2.0], other_tuned=[2.1])
    assert (found["verdict"], found["ratio"], found["ratio_low"], found["ratio_high"]) == ("undetermined", 1, 0, None)
    assert "no rate that learned well has two runs" in found["report"]


@pytest.mark.parametrize("last", [DEAD, GONE])
def test_no_rate_learns(judged: Judge, last: float) -> None:
    found = judged(0.01, [0.1, 0.11], sweep={lr: [last] for lr in GRID})
    assert found["verdict"] == "undetermined"
    for key in ("best_lr", "reasonable_from", "reasonable_to", "decades", "ratio", "ratio_low", "ratio_high"):
        assert found[key] is None, key
    assert "at no rate of the sweep did every run learn" in found["report"]
    assert "grid" not in found["report"]


@pytest.mark.parametrize(
    ("sweep", "gone", "start", "end"),
    [
        (SWEEP, (), 0.01, 0.01),
        ({0.001: [0.11], 0.01: [0.1], 0.1: [0.4]}, (), 0.001, 0.01),
        ({0.001: [0.11], 0.01: [0.1], 0.1: [0.105]}, (1.0,), 0.001, 0.1),
        ({0.0001: [0.11], 0.01: [0.1], 0.1: [0.105]}, (), 0.01, 0.1),
    ],
)
def test_range_of_reasonable_rates(
    judged: Judge, sweep: dict[float, list[float]], gone: tuple[float, ...], start: float, end: float
) -> None:
    found = judged(0.01, [0.1, 0.11], sweep=sweep, gone=gone)
    assert (found["reasonable_from"], found["reasonable_to"]) == (start, end)
    assert found["decades"] == pytest.approx(math.log10(end / start), rel=1e-5)


EDGE = "The best rate is the last of the sweep's grid, so a better one may lie beyond it.\n"


@pytest.mark.parametrize(("best", "at_edge"), [(0.0001, True), (0.001, False), (0.1, False), (1.0, True)])
def test_report_says_if_the_best_rate_is_the_last_of_the_grid(judged: Judge, best: float, at_edge: bool) -> None:
    found = judged(best, [0.1, 0.11], sweep={best: [0.1]})
    assert found["best_lr"] == best
    assert found["report"].endswith(EDGE) == at_edge


def test_removed_optimizer_does_not_count(judged: Judge, tmp_path: Path) -> None:
    """Its results stay in git, its name does not."""
    before = judged(0.01, [0.1, 0.11])
    trained(tmp_path / "tuned_valid" / "gone.csv", tmp_path / "tuned" / "gone.json", 0.01, [0.02, 0.9])
    sweep_table(tmp_path / "sweep" / "gone.csv", "gone", {0.01: [0.02, 0.9], 0.1: [0.9, 0.01]})
    assert judged(0.01, [0.1, 0.11]) == before
