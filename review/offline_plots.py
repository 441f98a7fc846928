"""A page template for `dvc plots` with Vega inside, so that the pages open without a network."""

from pathlib import Path

from dvc_render.html import PAGE_HTML

from stages.lib.files.errors import InputError
from stages.lib.files.replacing import write
from stages.lib.workers.command import command


def bundle(template: Path) -> None:
    """Write what `dvc config --local plots.html_template` names, relative to `.dvc`. InputError if Vega is missing."""
    try:
        import vl_convert  # of the development packages: the pipeline itself runs without it
    except ImportError:
        raise InputError("package vl-convert-python: not installed; `make offline-plots` installs it") from None
    # all that a page calls; 5.21 is the last of the version that the templates are written for
    vega = vl_convert.javascript_bundle("window.vegaEmbed = vegaEmbed;", vl_version="5.21")
    page = PAGE_HTML.replace("{scripts}", f'<meta charset="utf-8"><script>{vega}</script>')  # not dvc's, from the web
    write(template, page.encode())


if __name__ == "__main__":
    command(bundle)
