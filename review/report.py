"""What the results say, as one HTML file in English and Chinese, with or without git. Its text is report.md."""

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from textwrap import indent

import pygit2
import yaml

from review.html import one_file
from review.provenance import IN_GIT, Files, load_lock
from stages.lib.files.errors import InputError
from stages.lib.files.replacing import write
from stages.lib.files.tables import Value
from stages.lib.workers.command import command

VERSIONS = Path("data/network/versions.json")  # what computed; not in git
COLUMNS = {  # of the metrics: what they are called, and how they are written
    "lr": ("lr 学习率", "{:g}".format),
    "verdict": ("verdict 判定", lambda verdict: verdict.replace("_", " ")),
    "ratio": ("loss ratio 损失比值", "{:.2f}".format),
    "lr_best": ("best lr 最佳学习率", "{:g}".format),
    "lr_from": ("reasonable from 合理范围起", "{:g}".format),
    "lr_to": ("to 止", "{:g}".format),
    "accuracy": ("accuracy 准确率", "{:.2%}".format),
    "accuracy_at_best": ("accuracy at best lr 最佳学习率时", "{:.2%}".format),
    "steps_to_target": ("steps to the target 达标步数", "{:,.0f}".format),
}
Metrics = Mapping[str, Mapping[str, Value]]  # by optimizer


def report(page: Path) -> None:
    """Write `page`. InputError where results are missing, or are not those of the params and the code that are here."""
    found = [path for top in IN_GIT for path in (Path(top), *Path(top).rglob("*")) if "__pycache__" not in path.parts]
    files = {path.as_posix(): path.read_bytes() for path in found if path.is_file()}
    lock = load_lock("this folder", files)
    if stale := lock.stale(*lock.deps, "compare", "judge", "illustrate", "survey"):
        raise InputError(stale)
    write(page, one_file(_markdown(files), Path()).encode())


def _markdown(files: Files) -> str:
    params = files["params.yaml"].decode()
    metrics = {name: json.loads(files[f"metrics/{name}.json"]) for name in yaml.safe_load(params)["optimizers"]}
    template = Path(__file__).with_suffix(".md").read_text(encoding="utf-8")
    versions = _revision() + (VERSIONS.read_text(encoding="utf-8") if VERSIONS.exists() else "")
    return template.format(
        at_best=_first(metrics, "group_at_best"),
        configured=_first(metrics, "group"),
        table="\n".join(_rows(metrics)),
        verdicts=files["plots/verdicts.md"].decode().replace("\n  ", "\\\n  "),  # each language begins a line
        params=indent(params, "    "),
        versions=versions and f"## Versions 版本\n\n{indent(versions, '    ')}",
    )


def _first(metrics: Metrics, group: str) -> str:
    return ", ".join(name for name, row in metrics.items() if row[group] == 1) or "none 无"


def _rows(metrics: Metrics) -> Iterable[str]:
    """The lines of the table."""
    yield f"| optimizer 优化器 | {' | '.join(heading for heading, _ in COLUMNS.values())} |"
    yield "|---" * (1 + len(COLUMNS)) + "|"
    for name, row in metrics.items():
        cells = ["-" if row[key] is None else how(row[key]) for key, (_, how) in COLUMNS.items()]
        yield f"| {name} | {' | '.join(cells)} |"


def _revision() -> str:
    """A line with the commit, and whether files have changed since; '' without git."""
    try:
        commit = pygit2.Repository(".").describe(show_commit_oid_as_fallback=True, dirty_suffix=", with changes since")
    except pygit2.GitError:  # also where there is no commit yet
        return ""
    return f"git: {commit}\n"


if __name__ == "__main__":
    command(report)
