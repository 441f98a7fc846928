"""rank: the optimizers at the shared learning rate, as in the tutorial, and each at its own best one."""

from pathlib import Path
from typing import Any

from stages.lib import figures
from stages.lib.command import command
from stages.lib.curves import VALID_COLUMNS
from stages.lib.errors import InputError
from stages.lib.ranking import Place, rank
from stages.lib.records import Value, read_csv, read_json, write_csv, write_json
from stages.lib.settings import load_names

COLUMNS = ("optimizer", "arm", "lr", "valid_accuracy", "low", "high", "tie_group", "eval_accuracy", "steps_to_97")


def rank_arms(  # noqa: PLR0917 (a path for every kind of result of both arms)
    names: Path,
    shared_valid: Path,
    tuned_valid: Path,
    shared_trained: Path,
    tuned_trained: Path,
    shared_eval: Path,
    tuned_eval: Path,
    *,
    table: Path,
    metrics: Path,
    figure: Path,
) -> None:
    """Order and ties come from the validation split; eval accuracy is only reported beside them.

    An optimizer of which a seed diverged is in the last place, without a number and in no tie group.
    """
    arms = {
        "shared": (shared_valid, shared_trained, shared_eval),
        "tuned": (tuned_valid, tuned_trained, tuned_eval),
    }
    rows = [row for arm, folders in arms.items() for row in _arm(arm, load_names(names), *folders)]
    write_csv(table, COLUMNS, [[row[key] for key in COLUMNS] for row in rows])
    write_json(metrics, {key: value for arm in arms for key, value in _winners(arm, rows).items()})
    figures.save(figures.ranking_figure(rows), figure)


def _arm(arm: str, names: list[str], valid: Path, trained: Path, evaluated: Path) -> list[dict[str, Any]]:
    records = {name: read_json(trained / f"{name}.json", {"status", "lr", "steps_to_97"}) for name in names}
    finished = [name for name in names if records[name]["status"] == "finished"]
    final = {name: _final(valid / f"{name}.csv") for name in finished}
    images = max((count for _, count in final.values()), default=0)
    places = rank({name: accuracies for name, (accuracies, _) in final.items()}, images)
    rows = [_row(arm, place, records[place.optimizer], evaluated) for place in places]
    for name in sorted(set(names) - set(finished)):
        lost = dict.fromkeys(COLUMNS, "diverged")
        rows.append(lost | {"optimizer": name, "arm": arm, "lr": records[name]["lr"]})
    return rows


def _final(path: Path) -> tuple[list[float], int]:
    """Each seed's last validation accuracy, and its number of images."""
    rows = read_csv(path, VALID_COLUMNS)
    if not rows:
        raise InputError(f"{path}: has no rows; run 'dvc repro' to make it anew")
    last = {row["seed"]: row for row in rows}
    return [float(row["accuracy"]) for row in last.values()], int(rows[-1]["images"])


def _row(arm: str, place: Place, record: dict[str, Value], evaluated: Path) -> dict[str, Any]:
    return {
        "optimizer": place.optimizer,
        "arm": arm,
        "lr": record["lr"],
        "valid_accuracy": place.accuracy,
        "low": place.low,
        "high": place.high,
        "tie_group": place.tie_group,
        "eval_accuracy": read_json(evaluated / f"{place.optimizer}.json", {"accuracy"})["accuracy"],
        "steps_to_97": "missed" if record["steps_to_97"] is None else record["steps_to_97"],
    }


def _winners(arm: str, rows: list[dict[str, Any]]) -> dict[str, Value]:
    best = [str(row["optimizer"]) for row in rows if row["arm"] == arm and row["tie_group"] == 1]
    return {f"{arm}_winners": " ".join(best) or None, f"{arm}_tied": len(best)}


if __name__ == "__main__":
    command(rank_arms)
