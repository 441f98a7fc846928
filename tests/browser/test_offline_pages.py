"""`make offline-plots`: the pages of `dvc plots` draw every chart without a network."""

import csv
import json
import os
import re
from collections import Counter
from pathlib import Path

import pytest
import yaml
from chromium import Mark, Page, find_browser, show
from clones import ROOT, Clone, clone_working_tree

BROWSER = find_browser()
NOT_TESTED = "NOT TESTED: no Chromium or Chrome found; on Debian: apt-get install chromium"
pytestmark = [pytest.mark.browser]
if not BROWSER and os.environ.get("CI") != "true":  # there a skipped test would be taken for a passed one
    pytestmark.append(pytest.mark.skip(reason=NOT_TESTED))

OPTIMIZERS = set(yaml.safe_load((ROOT / "params.yaml").read_text())["optimizers"])
REMOVED, ADDED = "adagrad", "adamw"
KINDS = ("train_loss", "valid", "mistakes", "confusion", "sweep", "tuned_train_loss", "tuned_valid", "tuned_confusion")
JOINED = ("loss", "valid", "accuracy", "trajectories")
FIGURES = ("accuracy", "loss", "lr_curves", "lr_sensitivity", "ranking", "trajectories")


@pytest.fixture(scope="session")
def browser() -> str:
    assert BROWSER, NOT_TESTED
    return BROWSER


@pytest.fixture
def clone(tmp_path: Path) -> Clone:
    """A clone of the working tree after `make offline-plots`."""
    clone = clone_working_tree(tmp_path / "clone")
    clone.run("make", "--old-file=.venv/development", "offline-plots")  # with the packages of this Python
    clone.commit("as edited")
    return clone


def chart_ids(optimizers: set[str]) -> set[str]:
    """What dvc calls the charts that dvc.yaml asks for."""
    own = {f"plots_{kind}_{optimizer}_csv" for kind in KINDS for optimizer in optimizers}
    return own | {f"plots_{table}_csv" for table in JOINED}


def per_series(marks: Counter[Mark]) -> dict[tuple[str, str], int]:
    """How many marks each (optimizer, revision) has in a chart."""
    counts: Counter[tuple[str, str]] = Counter()
    for mark, number in marks.items():
        counts[mark.optimizer, mark.rev] += number
    return counts


def points(table: Path) -> Counter[str]:
    """How many points each optimizer should have: one for each of its steps, whatever the number of seeds."""
    with table.open() as lines:
        return Counter(optimizer for optimizer, _ in {(row["optimizer"], row["step"]) for row in csv.DictReader(lines)})


def opened(browser: str, clone: Clone, *command: str) -> Page:
    """The page that a `dvc plots` command makes, as the browser shows it."""
    clone.run("dvc", "plots", *command, "--out", "dvc_plots")
    page = clone.path / "dvc_plots" / "index.html"
    assert not re.search(r"<(script|link|img)[^>]+(src|href)=.?https?:", page.read_text())
    seen = show(browser, page)
    assert (seen.requests, seen.errors) == ([], [])
    return seen


def rename(text: str) -> str:
    """A table's rows of Adam as rows of the added optimizer."""
    return re.sub(r"(?m)^adam,", f"{ADDED},", text)


def exchange_optimizers(clone: Clone) -> None:
    """What `dvc repro` leaves after one optimizer is removed and one added: the removed one's own files stay."""
    params = yaml.safe_load((clone.path / "params.yaml").read_text())
    del params["optimizers"][REMOVED]
    params["optimizers"][ADDED] = {"type": "AdamW", "lr": None}
    (clone.path / "params.yaml").write_text(yaml.safe_dump(params, sort_keys=False))
    for file in [*clone.path.glob("plots/*/adam.csv"), *clone.path.glob("metrics/**/adam.json")]:
        file.with_stem(ADDED).write_text(rename(file.read_text()))
    for table in JOINED:
        path = clone.path / "plots" / f"{table}.csv"
        header, *rows = path.read_text().splitlines(keepends=True)
        kept = [row for row in rows if not row.startswith(f"{REMOVED},")]
        path.write_text("".join([header, *kept, *(rename(row) for row in kept if row.startswith("adam,"))]))


def test_show_draws_every_chart(browser: str, clone: Clone) -> None:
    page = opened(browser, clone, "show")
    assert set(page.charts) == chart_ids(OPTIMIZERS)
    assert [chart for chart, marks in page.charts.items() if not marks] == []
    for table in ("loss", "valid"):
        expected = {(name, "workspace"): n for name, n in points(ROOT / f"plots/{table}.csv").items()}
        assert per_series(page.charts[f"plots_{table}_csv"]) == expected
    assert page.charts["plots_confusion_adam_csv"] == {Mark("rect", "adam", "workspace"): 100}
    assert page.images == {f"static/workspace_plots_{figure}.png": True for figure in FIGURES}


def test_diff_draws_an_added_and_a_removed_optimizer(browser: str, clone: Clone) -> None:
    before = {table: points(clone.path / f"plots/{table}.csv") for table in ("loss", "valid")}
    clone.run("git", "checkout", "--quiet", "-B", "main")
    exchange_optimizers(clone)
    page = opened(browser, clone, "diff", "main")
    assert set(page.charts) == chart_ids(OPTIMIZERS | {ADDED})
    assert [chart for chart, marks in page.charts.items() if not marks] == []
    for table, old in before.items():
        new = points(clone.path / f"plots/{table}.csv")
        assert (set(old), set(new)) == (OPTIMIZERS, OPTIMIZERS - {REMOVED} | {ADDED})
        expected = {(name, "main"): n for name, n in old.items()} | {(name, "workspace"): n for name, n in new.items()}
        assert per_series(page.charts[f"plots_{table}_csv"]) == expected
    for kind in KINDS:
        for optimizer, revs in ((REMOVED, {"main"}), (ADDED, {"workspace"}), ("sgd", {"main", "workspace"})):
            assert {mark.rev for mark in page.charts[f"plots_{kind}_{optimizer}_csv"]} == revs
    assert page.images == {f"static/{rev}_plots_{name}.png": True for rev in ("main", "workspace") for name in FIGURES}


def test_a_template_that_draws_nothing_is_found(browser: str, clone: Clone) -> None:
    template = clone.path / ".dvc/plots/curves.json"
    spec = json.loads(template.read_text())
    spec["transform"][1]["calculate"] = "toNumber(datum['los'])"
    template.write_text(json.dumps(spec))
    charts = opened(browser, clone, "show", "plots/loss.csv").charts
    assert charts["dvc_yaml__plots_loss_csv"] == Counter()  # that is how dvc calls it when it is asked for alone


def test_without_the_bundle_nothing_is_drawn(browser: str, clone: Clone) -> None:
    """The network is refused indeed: dvc's own page finds no Vega."""
    clone.run("dvc", "config", "--local", "--unset", "plots.html_template")
    clone.run("dvc", "plots", "show", "plots/loss.csv", "--out", "dvc_plots")
    page = show(browser, clone.path / "dvc_plots" / "index.html")
    assert page.charts == {}
    assert len(page.requests) == 3
    assert "vegaEmbed is not defined" in page.errors[0]


def test_what_cannot_be_seen_is_not_counted(browser: str, tmp_path: Path) -> None:
    circle = 'd="M1,0A1,1,0,1,1,-1,0A1,1,0,1,1,1,0"'
    places = {"seen": "(50,50)", "outside": "(500,50)", "nowhere": "(NaN,NaN)"}
    paths = "".join(f'<path id="{name}" {circle} transform="translate{at}"/>' for name, at in places.items())
    paths += f'<path id="colourless" {circle} transform="translate(50,50)" fill="none"/>'
    data = "for (const path of document.querySelectorAll('path')) path.__data__ = {datum: {optimizer: path.id}};"
    svg = f'<g transform="translate(9,9)"><g class="mark-symbol role-mark">{paths}</g></g>'
    svg = f'<svg class="marks" width="100" height="100">{svg}</svg>'
    images = '<img src="gone.png"><img src="https://example.invalid/remote.png">'
    page = tmp_path / "page.html"
    page.write_text(f'<div id="chart">{svg}</div>{images}<script>{data} Promise.reject("wrong")</script>')
    seen = show(browser, page)
    assert seen.charts == {"chart": {Mark("symbol", "seen", ""): 1}}
    assert seen.images == {"gone.png": False, "https://example.invalid/remote.png": False}
    assert seen.requests == ["https://example.invalid/remote.png"]
    assert "Uncaught (in promise) wrong" in seen.errors[0]
