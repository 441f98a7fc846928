"""A page of Markdown as one HTML file with its pictures inside: to mail, or to open without a network."""

import base64
from html import escape
from pathlib import Path

from markdown_it import MarkdownIt

PAGE = """\
<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<style>
body {{ max-width: 80rem; margin: 0 auto; padding: 1rem; color: #222; line-height: 1.6; overflow-wrap: break-word;
  font-family: system-ui, "Segoe UI", "PingFang SC", "Microsoft YaHei", "Noto Sans CJK SC", sans-serif; }}
h1, h2 {{ line-height: 1.3; }}
img {{ max-width: 100%; height: auto; }}
pre, .wide {{ overflow-x: auto; }}
pre {{ padding: .75rem; background: #f5f5f5; }}
table {{ border-collapse: collapse; }}
th, td {{ padding: .3rem .6rem; border: 1px solid #bbb; text-align: left; }}
th {{ word-break: keep-all; vertical-align: bottom; }}
td {{ white-space: nowrap; }}
</style>
</head>
<body>
{body}</body>
</html>
"""


def one_file(text: str, folder: Path) -> str:
    """The page; its first line is the title, its pictures are PNG files by their paths in `folder`."""
    parser = MarkdownIt("commonmark", {"html": False}).enable("table")
    tokens = parser.parse(text)
    for part in (part for token in tokens for part in token.children or () if part.type == "image"):
        content = base64.b64encode((folder / str(part.attrs["src"])).read_bytes()).decode()
        part.attrs["src"] = f"data:image/png;base64,{content}"
    body = parser.renderer.render(tokens, parser.options, {})
    body = body.replace("<table>", '<div class="wide" tabindex="0"><table>').replace("</table>", "</table></div>")
    return PAGE.format(title=escape(text.partition("\n")[0].lstrip("# ")), body=body)
