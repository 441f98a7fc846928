"""The template as dvc fills it in; tests/browser opens the pages."""

import re
import sys
from pathlib import Path

import pytest
from dvc_render.html import HTML

from review.offline_plots import bundle
from stages.lib.files.errors import InputError


def test_dvc_fills_in_the_charts_and_loads_nothing(tmp_path: Path) -> None:
    bundle(tmp_path / "new" / "offline.html")
    template = (tmp_path / "new" / "offline.html").read_text(encoding="utf-8")
    page = HTML(template, refresh_seconds=5)
    page.with_scripts('<script src="https://example.invalid/vega"></script>').with_element("<div>a chart</div>")
    before, script, after = re.split(r"<script>(.*)</script>", page.embed(), flags=re.DOTALL)
    assert re.search(r"window\.vegaEmbed ?=", script)
    assert len(script) > 500_000
    assert "<script" not in before + after
    assert "https://" not in before + after
    assert '<meta http-equiv="refresh" content="5">' in before
    assert re.search(r"<body>\s*<div>a chart</div>\s*</body>", after)


def test_the_same_packages_give_the_same_bytes(tmp_path: Path) -> None:
    for name in ("one", "two"):
        bundle(tmp_path / name)
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()


def test_a_missing_package_is_one_clear_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "vl_convert", None)
    with pytest.raises(
        InputError, match=r"^package vl-convert-python: not installed; `make offline-plots` installs it$"
    ):
        bundle(tmp_path / "offline.html")
    assert list(tmp_path.iterdir()) == []
