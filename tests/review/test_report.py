"""The one HTML file of `make report`, read by an HTML parser; tests/browser opens it."""

import base64
import json
import os
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path

import pytest
from reviewed import Trained, blank, commit, git, lock, put, write

from review.html import one_file
from review.report import report
from stages.lib.files.errors import InputError

ROOT = Path(__file__).parents[2]
PICTURES = ["lr_sensitivity", "loss", "ranking", "lr_curves", "trajectories"]
COMMON: dict[str, object] = {"lr": 0.01, "group": 1, "group_at_best": 1}
METRICS: dict[str, dict[str, object]] = {
    "sgd": COMMON
    | {"verdict": "too_small", "ratio": 2.47927, "lr_best": 0.3, "lr_from": 0.1, "lr_to": 0.3, "group": 2}
    | {"accuracy": 0.9601, "accuracy_at_best": 0.98221, "steps_to_target": 1250.0},
    "too_bad": COMMON
    | {"verdict": "undetermined", "ratio": None, "lr_best": None, "lr_from": None, "lr_to": None}
    | {"accuracy": 0.1135, "accuracy_at_best": None, "group_at_best": None, "steps_to_target": None},
    "adam": COMMON
    | {"verdict": "reasonable", "ratio": 1.11859, "lr_best": 0.003, "lr_from": 0.001, "lr_to": 0.00001}
    | {"accuracy": 0.9846, "accuracy_at_best": 0.9864, "steps_to_target": 200.0},
}
ROWS = [
    ["sgd", "0.01", "too small", "2.48", "0.3", "0.1", "0.3", "96.01%", "98.22%", "1,250"],
    ["too_bad", "0.01", "undetermined", "-", "-", "-", "-", "11.35%", "-", "-"],
    ["adam", "0.01", "reasonable", "1.12", "0.003", "0.001", "1e-05", "98.46%", "98.64%", "200"],
]
VERDICTS = "- adam at lr 0.01 is reasonable.\n  adam 用 lr 0.01 合理。\n\nTrained on: a kind of CPU.\n"


class Read(HTMLParser):
    """The tags with their attributes, the cells of tables by row, and the text of tags."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.rows: list[list[str]] = []
        self.texts: dict[str, list[str]] = {}
        self.inside = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        self.inside = tag
        self.texts.setdefault(tag, []).append("")
        if tag == "tr":
            self.rows.append([])

    def handle_endtag(self, tag: str) -> None:  # noqa: ARG002
        self.inside = ""

    def handle_data(self, data: str) -> None:
        if self.inside:
            self.texts[self.inside][-1] += data
        if self.inside in {"td", "th"}:
            self.rows[-1].append(data)


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder without git that holds params, results and the dvc.lock that fits them; we are inside it."""
    folder = tmp_path / "project"
    write(folder, {name: Trained({0: [1, 2]}) for name in METRICS})
    for name, metrics in METRICS.items():
        put(folder / f"metrics/{name}.json", json.dumps(metrics))
    for name in PICTURES:
        (folder / f"plots/{name}.png").write_bytes(f"\x89PNG, {name}".encode())
    put(folder / "plots/verdicts.md", VERDICTS)
    put(folder / "params.yaml", (folder / "params.yaml").read_text() + "\n# <b>a</b> & ```\n")
    lock(folder, sorted(METRICS))
    monkeypatch.chdir(folder)
    return folder


def written() -> str:
    report(Path("page.html"))
    return Path("page.html").read_text(encoding="utf-8")


@pytest.mark.usefixtures("project")
def test_it_is_whole_in_itself() -> None:
    page = written()
    tags = Read(page).tags
    loading = [(tag, name) for tag, attrs in tags for name in attrs if name in {"src", "href", "srcset", "data"}]
    assert loading == [("img", "src")] * len(PICTURES)
    assert not {"script", "link", "iframe"} & {tag for tag, _ in tags}
    assert "url(" not in page
    assert "@import" not in page


def test_it_holds_the_pictures_each_with_its_text(project: Path) -> None:
    images = [attrs for tag, attrs in Read(written()).tags if tag == "img"]
    for name, image in zip(PICTURES, images, strict=True):
        kind, content = str(image["src"]).split(",")
        assert kind == "data:image/png;base64"
        assert base64.b64decode(content) == (project / f"plots/{name}.png").read_bytes()
    assert len({image["alt"] for image in images} - {""}) == len(PICTURES)


@pytest.mark.usefixtures("project")
def test_rows_are_the_metrics_in_the_order_of_the_params() -> None:
    header, *rows = Read(written()).rows
    assert rows == ROWS
    assert len(header) == len(ROWS[0])


def test_who_may_be_the_best_is_said_first(project: Path) -> None:
    assert Read(written()).texts["strong"] == ["sgd, adam", "too_bad, adam"]
    for name, metrics in METRICS.items():
        put(project / f"metrics/{name}.json", json.dumps({**metrics, "group": None}))
    lock(project, sorted(METRICS))
    assert Read(written()).texts["strong"][1] == "none 无"


def test_verdicts_in_both_languages_and_the_params_word_by_word(project: Path) -> None:
    page = written()
    assert "<li>adam at lr 0.01 is reasonable.<br />\nadam 用 lr 0.01 合理。</li>" in page
    assert "<p>Trained on: a kind of CPU.</p>" in page
    assert Read(page).texts["code"][0] == (project / "params.yaml").read_text()


def test_versions_of_what_is_known(project: Path) -> None:
    page = written()
    assert len(Read(page).texts["code"]) == 1
    assert "Versions" not in page
    put(project / "data/network/versions.json", '{\n  "paddlepaddle": "3.3.1"\n}\n')
    assert Read(written()).texts["code"][1] == '{\n  "paddlepaddle": "3.3.1"\n}\n'
    put(project / ".gitignore", "/page.html\n")
    git(project, "init", "--quiet")
    assert "git:" not in written()  # no commit yet
    blank(project)
    commit(project)
    revision = git(project, "rev-parse", "--short", "HEAD")
    assert Read(written()).texts["code"][1].startswith(f"git: {revision}\n{{")
    put(project / "README", "edited")
    assert f"git: {revision}, with changes since\n" in written()


@pytest.mark.parametrize(
    ("path", "told"),
    [
        ("params.yaml", "params.yaml has changed since configure ran; run 'dvc repro'"),
        ("metrics/adam.json", "metrics is not what judge wrote, says dvc.lock; run 'dvc repro'"),
        ("plots/verdicts.md", "plots/verdicts.md is not what judge wrote, says dvc.lock; run 'dvc repro'"),
        *(
            (f"plots/{name}.png", f"plots/{name}.png is not what {stage} wrote, says dvc.lock; run 'dvc repro'")
            for name, stage in zip(PICTURES, ["illustrate", "compare", *["illustrate"] * 2, "survey"], strict=True)
        ),
    ],
)
@pytest.mark.parametrize("how", ["missing", "cut"])
def test_no_page_of_results_that_are_missing_or_not_of_these_params(
    project: Path, path: str, told: str, how: str
) -> None:
    written()
    file = project / path
    put(file, "") if how == "cut" else file.unlink()
    before = sorted(project.rglob("*"))
    with pytest.raises(InputError) as refused:
        report(Path("new.html"))
    assert str(refused.value) == told or path == "params.yaml"
    assert sorted(project.rglob("*")) == before


def test_a_stage_that_never_ran_is_told(project: Path) -> None:
    text = (project / "dvc.lock").read_text()
    put(project / "dvc.lock", text.replace("survey:", "other:"))
    with pytest.raises(InputError, match=r"^dvc.lock has no stage survey; run 'dvc repro'$"):
        report(Path("page.html"))


def test_from_the_command_line(project: Path) -> None:
    """`-P` keeps the project's own stages/, which are none, out of the way."""
    command = [sys.executable, "-P", "-m", "review.report", "page.html"]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}

    def run() -> tuple[int, str, str]:
        ran = subprocess.run(
            command, cwd=project, env=environment, capture_output=True, check=False, text=True, encoding="utf-8"
        )
        return ran.returncode, ran.stdout, ran.stderr

    assert run() == (0, "", "")
    (project / "page.html").unlink()
    (project / "dvc.lock").unlink()
    told = "error: this folder: has no dvc.lock: nothing was ever trained; run 'dvc repro'\n"
    assert run() == (1, "", told)
    assert not list(project.glob("*.html*"))


def test_markdown_of_strangers_is_text_and_the_title_the_first_line(tmp_path: Path) -> None:
    page = one_file("# <i>Title</i> & more\n\n<script>alert(1)</script>\n\n| a |\n|---|\n| <table> |\n", tmp_path)
    found = Read(page)
    assert found.texts["title"][0] == "<i>Title</i> & more"
    assert not {"script", "i"} & {tag for tag, _ in found.tags}
    assert [tag for tag, _ in found.tags].count("table") == 1
