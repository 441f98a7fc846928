"""What `make calibrate` compares, and how it counts; what it trains is the pipeline's own."""

import numpy as np
from recorded import optimizer_runs

from benchmarks.calibrate import _rows
from benchmarks.calibration_report import Row, report_of
from benchmarks.variants import SIZES, variants
from stages.lib.dataset.splits import PIXELS, SPLITS, Split
from stages.lib.searching.lr_result import Status

RUNS = {"sgd": optimizer_runs(0.01, [], {0.001: [0.3], 0.01: [0.1], 0.1: [0.11]})}


def mnist() -> dict[str, Split]:
    rng = np.random.default_rng(8)
    images = rng.integers(0, 256, (6000, PIXELS)).astype(np.float32) / 256
    return dict.fromkeys(SPLITS, Split(images, rng.integers(0, 10, 6000)))


def test_variants() -> None:
    """Each differs from the first images of every split in one thing."""
    whole = mnist()
    made = dict(variants(whole))
    assert list(made) == ["a tenth", "pixels permuted", "20% wrong labels", "inverted"]
    for name, size in SIZES.items():
        plain, permuted, wrong, inverted = (splits[name] for splits in made.values())
        images, labels = whole[name].images[:size], whole[name].labels[:size]
        assert all((one.labels == labels).all() for one in (plain, permuted, inverted))
        assert (plain.images == images).all()
        assert (wrong.images == images).all()
        assert (inverted.images == 1 - images).all()
        assert (permuted.images != images).any()
        assert (np.sort(permuted.images) == np.sort(images)).all()
        assert abs((wrong.labels != labels).mean() - 0.2) < 0.04
        assert set(wrong.labels) == set(range(10))


def test_rows_and_report() -> None:
    """At full length 0.1 is twice as bad as 0.01, which the sweep found reasonable; 1.0 is dead, which it left open."""
    full: list[tuple[Status, float]] = [
        ("learning", 9),
        ("learning", 3),
        ("learning", 1),
        ("learning", 2),
        ("stuck", 0),
    ]
    rows = list(_rows("MNIST", RUNS, {("sgd", lr): one for lr, one in zip(RUNS["sgd"].lrs, full, strict=True)}))
    assert [row[4] for row in rows] == ["too_small", "too_small", "reasonable", "too_large", "too_large"]
    assert [row[3] for row in rows] == ["too_small", "too_small", "reasonable", "reasonable", "undetermined"]
    near: Row = ("MNIST", "sgd", 0.03, "borderline", "reasonable", "learning", 1.4)
    lines = report_of([*rows, near], {"MNIST": RUNS}, (200, 201)).splitlines()
    [counts] = [line for line in lines if line.startswith("| MNIST | 6 ")]
    steps = 5 * 100 + 3 * 1500
    assert counts.split("|")[3:8] == [" 3 ", " 1 ", " 1 ", " 1 ", f" {steps:,} "]
    assert [line for line in lines if "sgd" in line] == [
        "| MNIST | sgd | 0.1 | reasonable | too_large | 2.00 |",
        "| MNIST | sgd | 1 | undetermined | too_large | 0.00 |",
    ]
