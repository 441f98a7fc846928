import math
from collections.abc import Mapping
from pathlib import Path

import pytest

from stages.lib.course import Course
from stages.lib.curves import VALID_COLUMNS, Curve, Score, train_metrics, valid_rows
from stages.lib.errors import InputError
from stages.lib.evidence import at_best_lr, load_evidence, trained_cell
from stages.lib.records import write_csv, write_json
from stages.lib.sweeps import SweptRun
from stages.lib.verdict import Cell


def curve(losses: Mapping[int, float], diverged: bool = False) -> Curve:
    """A run of 1,500 steps with its validation losses by step."""
    scores = [Score(step, 100, loss, 0.25) for step, loss in losses.items()]
    return Curve(500, 1500, [1.0] * max(losses), scores, diverged)


GOOD = curve({0: 2.5, 1400: 0.125, 1500: 0.25})
BETTER = curve({0: 2.25, 1300: 0.75, 1500: 0.0625})
DIVERGED = curve({0: 2.5, 100: 0.5}, diverged=True)
DEAD = curve({0: 2.5, 1200: 2.303, 1300: 2.303, 1400: 2.302, 1500: 2.304})


def trained(folder: Path, curves: Mapping[int, Curve]) -> Cell:
    """As judge reads what train and tune write."""
    write_csv(folder / "valid.csv", VALID_COLUMNS, valid_rows("mine", curves))
    write_json(folder / "metrics.json", train_metrics(0.01, curves))
    return trained_cell(folder / "valid.csv", folder / "metrics.json")


@pytest.mark.parametrize(
    ("curves", "status", "ends"),
    [
        ({7: GOOD}, "learning", [0.1875]),
        ({7: GOOD, 1: BETTER}, "learning", [0.1875, 0.0625]),
        ({1: GOOD, 11: DIVERGED}, "diverged", [0.1875]),
        ({1: DIVERGED, 11: GOOD}, "diverged", [0.1875]),
        ({1: DIVERGED, 11: DIVERGED}, "diverged", []),
        ({7: GOOD, 1: DEAD}, "stuck", [0.1875, 2.303]),
        ({7: curve({0: 2.5, 1500: 6.0})}, "diverged", []),
    ],
)
def test_cell_of_the_runs_of_train(tmp_path: Path, curves: dict[int, Curve], status: str, ends: list[float]) -> None:
    """A run ends at the mean of its last tenth; the diverged seed 11 is not 1."""
    found = trained(tmp_path, curves)
    assert found.status == status
    assert found.losses == pytest.approx(tuple(ends))


def test_a_cut_table_is_refused(tmp_path: Path) -> None:
    """Each of its lines is good, so nothing but the missing end tells."""
    trained(tmp_path, {7: GOOD, 1: BETTER})
    path = tmp_path / "valid.csv"
    path.write_text("\n".join(path.read_text().splitlines()[:-1]) + "\n")
    with pytest.raises(InputError) as error:
        trained_cell(path, tmp_path / "metrics.json")
    assert str(error.value) == f"{path}: seed 1: is not whole; run 'dvc repro' to make it anew"


def test_metrics_without_a_number_of_steps_are_refused(tmp_path: Path) -> None:
    trained(tmp_path, {7: GOOD})
    path = tmp_path / "metrics.json"
    path.write_text('{"steps": "1500", "diverged_seeds": ""}')
    with pytest.raises(InputError, match=f"^{path}: not what train writes; run 'dvc repro' to make it anew$"):
        trained_cell(tmp_path / "valid.csv", path)


def swept(lr: float, end: float, seed: int = 100, steps: int = 1500) -> SweptRun:
    return SweptRun(lr, seed, Course(steps, (0, steps), (2.5, end)))


def test_best_rate_has_the_sweeps_runs_and_those_of_tune() -> None:
    runs = [swept(0.1, 0.3), swept(0.1, 0.01, steps=100), swept(0.3, 0.2), swept(0.3, 0.25, 101)]
    assert at_best_lr(runs, Cell("learning", (0.4, 0.5))) == Cell("learning", (0.2, 0.25, 0.4, 0.5))
    assert at_best_lr(runs, Cell("diverged", (0.4,))).status == "diverged", "tune's seeds had bad luck"
    assert at_best_lr([swept(0.1, 9.0)], Cell("stuck", (2.3,))) == Cell("stuck", (2.3,)), "no rate is best"


def test_spread_of_the_best_rates_and_of_others_with_more_seeds(tmp_path: Path) -> None:
    """Logs at the best rate 0, 2 and 1, elsewhere 0 and 1: squares 2 + 0.5, 2 + 1 degrees; short runs add none."""
    rows = ["optimizer,lr,seed,steps,step,train_loss,valid_loss,valid_accuracy,status"]
    for lr, seed, steps, log in ((1, 100, 1500, 0), (3, 100, 1500, 4), (3, 101, 1500, 5), (1, 101, 100, 7)):
        losses = ((0, 2.5), (steps, 1e-3 * math.exp(log)))
        rows += [f"mine,{lr},{seed},{steps},{step},1,{loss},0.5,learning" for step, loss in losses]
    for kind in ("sweep", "tuned_valid"):
        (tmp_path / kind).mkdir()
    (tmp_path / "sweep/mine.csv").write_text("\n".join([*rows, ""]))
    curves = {seed: curve({0: 2.5, 1500: 1e-3 * math.exp(log)}) for seed, log in ((0, 2), (1, 1))}
    write_csv(tmp_path / "tuned_valid/mine.csv", VALID_COLUMNS, valid_rows("mine", curves))
    write_json(tmp_path / "tuned/mine.json", train_metrics(1.0, curves))
    found = load_evidence(["mine"], *(tmp_path / kind for kind in ("sweep", "tuned_valid", "tuned")))
    assert found.spread.sd == pytest.approx(math.sqrt(2.5 / 3), rel=1e-4)
    assert found.spread.dof == 3
    assert found.at_best["mine"].losses == pytest.approx([1e-3, 1e-3 * math.e**2, 1e-3 * math.e], rel=1e-4)
    assert [run.lr for run in found.runs["mine"]] == [1, 1, 3, 3]
