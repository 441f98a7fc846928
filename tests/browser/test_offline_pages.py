"""Pages that open without a network: those of `dvc plots` after `make offline-plots`, and the one of `make report`."""

import csv
import json
import os
import re
from collections import Counter
from html import escape
from pathlib import Path

import pytest
import yaml
from chromium import Mark, Page, find_browser, show
from clones import ROOT, Clone, clone_working_tree

from review.html import one_file

BROWSER = find_browser()
NOT_TESTED = "NOT TESTED: no Chromium or Chrome found; on Debian: apt-get install chromium"
pytestmark = [pytest.mark.browser]
if not BROWSER and os.environ.get("CI") != "true":  # there a skipped test would be taken for a passed one
    pytestmark.append(pytest.mark.skip(reason=NOT_TESTED))

OPTIMIZERS = set(yaml.safe_load((ROOT / "params.yaml").read_text(encoding="utf-8"))["optimizers"])
REMOVED, ADDED = "adagrad", "adamw"
STAGES = yaml.safe_load((ROOT / "dvc.yaml").read_text(encoding="utf-8"))["stages"]
# as dvc draws them: the charts in the order of dvc.yaml, then the pictures by name
PLOTS = {path: look for stage in STAGES.values() for plot in stage.get("plots", []) for path, look in plot.items()}
TABLES = [path for path in PLOTS if path.endswith(".csv")]
PICTURES = sorted(path for path in PLOTS if path.endswith(".png"))


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


def chart_id(path: str) -> str:
    """What dvc calls the chart of a table."""
    return re.sub(r"\W", "_", path)


def per_series(marks: Counter[Mark]) -> dict[tuple[str, str], int]:
    """How many marks each (optimizer, revision) has in a chart."""
    counts: Counter[tuple[str, str]] = Counter()
    for mark, number in marks.items():
        counts[mark.optimizer, mark.rev] += number
    return counts


def expected(folder: Path, path: str, rev: str) -> dict[tuple[str, str], int]:
    """How many marks a revision should have: one for each row, and in curves for each step, whatever the seeds."""
    with (folder / path).open(encoding="utf-8", newline="") as lines:
        rows = list(csv.DictReader(lines))
    if PLOTS[path]["template"] == "curves":
        return Counter((optimizer, rev) for optimizer, _ in {(row["optimizer"], row["step"]) for row in rows})
    return Counter((row["optimizer"], rev) for row in rows)


def opened(browser: str, clone: Clone, *command: str) -> Page:
    """The page that a `dvc plots` command makes, as the browser shows it."""
    clone.run("dvc", "plots", *command, "--out", "dvc_plots")
    page = clone.path / "dvc_plots" / "index.html"
    assert not re.search(r"<(script|link|img)[^>]+(src|href)=.?https?:", page.read_text(encoding="utf-8"))
    seen = show(browser, page)
    assert (seen.requests, seen.errors) == ([], [])
    return seen


def exchange_optimizers(folder: Path) -> None:
    """The tables as they are after one optimizer is removed, and one added that does as Adam."""
    for table in TABLES:
        header, *rows = (folder / table).read_text(encoding="utf-8").splitlines(keepends=True)
        kept = [row for row in rows if not row.startswith(f"{REMOVED},")]
        added = [re.sub("^adam,", f"{ADDED},", row) for row in kept if row.startswith("adam,")]
        (folder / table).write_text("".join([header, *kept, *added]), encoding="utf-8")


def test_at_most_ten_charts_and_pictures_of_which_the_first_four_answer() -> None:
    assert len(PLOTS) <= 10
    assert [Path(path).stem for path in TABLES[:4]] == [
        "training_loss",
        "validation_loss",
        "accuracy",
        "loss_against_lr",
    ]
    assert not {Path(path).stem for path in TABLES} & {Path(path).stem for path in PICTURES}


def test_show_draws_every_chart(browser: str, clone: Clone) -> None:
    page = opened(browser, clone, "show")
    assert list(page.charts) == [chart_id(table) for table in TABLES]
    for table in TABLES:
        wanted = expected(clone.path, table, "workspace")
        assert {optimizer for optimizer, _ in wanted} == OPTIMIZERS
        assert per_series(page.charts[chart_id(table)]) == wanted, table
    assert page.images == {f"static/workspace_{path.replace('/', '_')}": True for path in PICTURES}


def test_diff_draws_an_added_and_a_removed_optimizer(browser: str, clone: Clone) -> None:
    wanted = {table: expected(clone.path, table, "main") for table in TABLES}
    clone.run("git", "checkout", "--quiet", "-B", "main")
    exchange_optimizers(clone.path)
    page = opened(browser, clone, "diff", "main")
    assert list(page.charts) == [chart_id(table) for table in TABLES]
    for table, old in wanted.items():
        new = expected(clone.path, table, "workspace")
        assert {optimizer for optimizer, _ in new} == OPTIMIZERS - {REMOVED} | {ADDED}
        assert per_series(page.charts[chart_id(table)]) == {**old, **new}, table
    revs = ("main", "workspace")
    assert page.images == {f"static/{rev}_{path.replace('/', '_')}": True for rev in revs for path in PICTURES}


def test_a_template_that_draws_nothing_is_found(browser: str, clone: Clone) -> None:
    template = clone.path / ".dvc/plots/curves.json"
    spec = json.loads(template.read_text(encoding="utf-8"))
    spec["transform"][1]["calculate"] = "toNumber(datum['los'])"
    template.write_text(json.dumps(spec), encoding="utf-8")
    assert opened(browser, clone, "show", TABLES[0]).charts == {chart_id(TABLES[0]): Counter()}


def test_without_the_bundle_nothing_is_drawn(browser: str, clone: Clone) -> None:
    """The network is refused indeed: dvc's own page finds no Vega."""
    clone.run("dvc", "config", "--local", "--unset", "plots.html_template")
    clone.run("dvc", "plots", "show", TABLES[0], "--out", "dvc_plots")
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
    content = f'<div id="chart">{svg}</div>{images}<script>{data} Promise.reject("wrong")</script>'
    page.write_text(content, encoding="utf-8")
    seen = show(browser, page)
    assert seen.charts == {"chart": {Mark("symbol", "seen", ""): 1}}
    assert seen.images == {"gone.png": False, "https://example.invalid/remote.png": False}
    assert seen.requests == ["https://example.invalid/remote.png"]
    assert "Uncaught (in promise) wrong" in seen.errors[0]


# As on a phone: what is wrong with the page is told as an error that no script catches.
PHONE = """<iframe width="400" height="800" srcdoc="{page}"></iframe><script>onload = () => {{
  const {{document: page, performance}} = frames[0], top = page.documentElement;
  const asked = performance.getEntriesByType("resource").filter((entry) => entry.name.startsWith("http"));
  const wrong = asked.map(() => "web");
  if (top.clientWidth > 400 || top.scrollWidth > top.clientWidth) wrong.push("wide");
  for (const image of page.images) if (!image.naturalWidth) wrong.push("image");
  if (wrong.length) Promise.reject(wrong.join());
}};</script>"""
WIDE = f"| {' | '.join(['optimizer'] * 30)} |\n{'|---' * 30}|\n\n    {'params ' * 99}\n\n{'x' * 300}\n"


def on_a_phone(browser: str, folder: Path, page: str) -> list[str]:
    (folder / "page.html").write_text(PHONE.format(page=escape(page)), encoding="utf-8")
    seen = show(browser, folder / "page.html")
    return [found[1] for error in seen.errors if (found := re.search(r"Uncaught \(in promise\) ([\w,]+)", error))]


def test_the_file_to_mail_fits_a_phone_and_loads_nothing(browser: str, tmp_path: Path) -> None:
    template = (ROOT / "review/report.md").read_text(encoding="utf-8")
    page = one_file(f"{template}\n{WIDE}", ROOT)  # its text and pictures; its table and params are wider here
    assert page.count("<img") == 5
    assert on_a_phone(browser, tmp_path, page) == []
    spoiled = page.replace(".wide {", ".other {").replace(
        'src="data:image/png;base64,', 'src="https://example.invalid/', 1
    )
    assert on_a_phone(browser, tmp_path, spoiled) == ["web,wide,image"]
