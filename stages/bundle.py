"""bundle: a page template for `dvc plots` with Vega inside, so that the pages open without a network."""

from pathlib import Path

from stages.lib.command import command
from stages.lib.errors import InputError
from stages.lib.files import replacing

# The placeholders in braces are dvc's (dvc_render.html). Its `{scripts}` would load Vega from the web: it is left out.
TEMPLATE = """<!DOCTYPE html>
<html>
<head>
  <meta charset="utf-8">
  {refresh_tag}
  <title>DVC Plot</title>
  <script>%s</script>
  <style>table { border-spacing: 15px; }</style>
</head>
<body>
  {plot_divs}
</body>
</html>
"""


def bundle(template: Path) -> None:
    """Write the template. `dvc config --local plots.html_template` names it, relative to `.dvc`.

    Raises:
        InputError: the package that ships Vega is not installed.
    """
    try:
        import vl_convert  # of the development packages: the pipeline itself runs without it
    except ImportError:
        raise InputError("package vl-convert-python: not installed; `make offline-plots` installs it") from None
    # all that a page calls; 5.21 is the last of the version that the templates are written for
    vega = vl_convert.javascript_bundle("window.vegaEmbed = vegaEmbed;", vl_version="5.21")
    with replacing(template) as temporary:
        temporary.write_text(TEMPLATE.replace("%s", vega), encoding="utf-8")


if __name__ == "__main__":
    command(bundle)
