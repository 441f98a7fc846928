from pathlib import Path

from recorded import GONE, IMAGES, ending, optimizer_runs, write_recorded

from benchmarks.study import SEEDS, study
from stages.lib.config.settings import TrainSettings, write_settings
from stages.lib.files.lines import read_lines, write_lines
from stages.lib.runs.run import Run


def test_report_of_runs_that_are_all_there(tmp_path: Path) -> None:
    """Two optimizers, one of them worse by four points at both rates, and one that diverges at its configured lr."""
    names = {"better": 0.98, "worse": 0.94, "hot": 0.98}
    write_recorded(tmp_path, {name: optimizer_runs(0.1, [0.1], {0.01: [0.1]}, optimizer=name) for name in names})
    runs = []
    for name, accuracy in names.items():
        write_settings(
            tmp_path / "config" / name / "train.json",
            TrainSettings(optimizer=name, type="SGD", arguments={}, batch_size=100, epochs=3, seeds=(0,), lr=0.1),
        )
        for seed in SEEDS:
            for lr in (0.01, 0.1):
                last, reached = GONE if (name, lr) == ("hot", 0.1) else 0.1, accuracy + (seed % 3) / IMAGES
                runs.append(ending(last, lr=lr, seed=seed, optimizer=name, accuracy=reached))
    write_lines(tmp_path / "runs.jsonl", runs)
    report, figure = tmp_path / "study.md", tmp_path / "study.png"
    network = Path("networks/tutorial.py")
    study(
        tmp_path / "no data",
        network,
        tmp_path / "config",
        tmp_path / "sweep",
        runs=tmp_path / "runs.jsonl",
        report=report,
        figure=figure,
    )
    cells = [line.strip("| ").split(" | ") for line in report.read_text(encoding="utf-8").splitlines()]
    assert [(row[0], row[1], row[5]) for row in cells if row[0] in names] == [
        ("better", "0.1", "1"),
        ("worse", "0.1", "2"),
        ("better", "0.01", "1"),
        ("hot", "0.01", "1"),
        ("worse", "0.01", "2"),
    ]
    assert figure.stat().st_size > 1000
    assert len(read_lines(tmp_path / "runs.jsonl", Run)) == len(runs), "nothing was trained anew"
