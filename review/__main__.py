"""review: what a change did to every optimizer, from what git holds; for the reviewers of a pull request."""

import argparse
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

from review.figures import figures
from review.html import one_file
from review.judgement import judge
from review.outcome import WORSE, Review
from review.page import markdown
from review.repository import repository
from review.revision import read_revision
from stages.lib.drawing.figures import save
from stages.lib.files.errors import InputError
from stages.lib.files.replacing import replacing

PAGE = Path("dvc_review")
GOT_WORSE, FAILED, INTERRUPTED = 1, 2, 130  # exit codes


def review(folder: Path, old: str | None, new: str | None) -> Review:
    """Compare two revisions of the project in `folder`, None being merge base and workspace, and write PAGE there.

    InputError where one is not known or cannot be compared; then nothing is written.
    """
    git = repository(folder)
    one = read_revision(*git.revision(old))
    other = read_revision(*(git.revision(new) if new else git.workspace()))
    found = Review(one, other, judge(one.runs, other.runs))
    drawn = figures(found.rows)
    with replacing(folder / PAGE) as temporary:
        temporary.mkdir()
        for name, figure in drawn.items():
            save(figure, temporary / f"{name}.png")
        text = markdown(found, drawn)
        (temporary / "index.md").write_text(text, encoding="utf-8", newline="\n")
        (temporary / "index.html").write_text(one_file(text, temporary), encoding="utf-8", newline="\n")
    return found


def main(arguments: Sequence[str] | None = None) -> int:
    """The exit code: 0; with --check 1 when something got worse beyond noise; 2, and one line on stderr, if it cannot
    run; 130 after Ctrl-C, as of the stages.
    """
    parser = argparse.ArgumentParser(
        prog="python -m review",
        description=f"Write {PAGE / 'index.md'}: what a change did to every optimizer.",
        epilog="Exit code: 0; 1 with --check when something got worse beyond noise; 2 when it could not compare.",
        allow_abbrev=False,
    )
    parser.add_argument("old", nargs="?", metavar="REV", help="default: the merge base with the default branch")
    parser.add_argument("new", nargs="?", metavar="REV2", help="default: the workspace")
    parser.add_argument("--check", action="store_true", help="exit with 1 when something got worse beyond noise")
    parser.add_argument("--json", action="store_true", help="print everything as JSON")
    given = parser.parse_args(arguments)
    try:
        if signal.getsignal(signal.SIGINT) is not signal.SIG_IGN:
            signal.signal(signal.SIGINT, signal.default_int_handler)  # until now it has left at once: see stages
        found = review(Path.cwd(), given.old, given.new)
    except (InputError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return FAILED
    except KeyboardInterrupt:
        return INTERRUPTED
    print(found.json() if given.json else f"{found}. See {PAGE / 'index.md'}.")
    return GOT_WORSE if given.check and found.judged(WORSE) else 0


if __name__ == "__main__":
    sys.exit(main())
