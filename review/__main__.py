"""review: what a change did to every optimizer, from what git holds; for the reviewers of a pull request."""

import argparse
import signal
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from pygit2 import Commit

from review.figures import figures
from review.judgement import judge
from review.page import markdown
from review.provenance import md5_of
from review.reading import read_revision
from review.report import Review, as_json, changed_params, summary
from review.repository import Repository, repository
from review.revision import Revision
from stages.lib.drawing.figures import save
from stages.lib.files.errors import InputError
from stages.lib.files.replacing import replacing

PAGE = Path("dvc_review")
GOT_WORSE, FAILED, INTERRUPTED = 1, 2, 130  # exit codes


def review(folder: Path, old: str | None, new: str | None) -> Review:
    """Compare two revisions of the project in `folder` and write PAGE there.

    `old` None is the merge base with the default branch, `new` None the workspace. InputError as told in
    `repository` and `reading`; then nothing is written.
    """
    git = repository(folder)
    before = git.commit(old) if old else git.base()
    after = git.commit(new) if new else None
    one = _committed(git, before, old or "merge base")
    other = _committed(git, after, new or "") if after else read_revision("the workspace", folder, settings_md5)
    found = Review(
        one,
        other,
        changed_params(one.params, other.params),
        git.changed_code(before, after),
        [] if after else git.uncommitted(),
        judge(one.runs, other.runs),
    )
    _write(found, folder / PAGE)
    return found


def _committed(git: Repository, commit: Commit, said: str) -> Revision:
    with tempfile.TemporaryDirectory() as temporary:
        git.export(commit, Path(temporary))
        name = commit.short_id
        shown = name if str(commit.id).startswith(said) else f"{said} ({name})"
        return read_revision(shown, Path(temporary), settings_md5)


def settings_md5(params: Path, optimizer: str) -> str:
    """The MD5 of the settings that configure writes for train. InputError where the params are refused."""
    from stages.lib.config.params import load_params  # only where a review needs it
    from stages.lib.config.resolve import settings_of
    from stages.lib.config.settings import write_settings

    with tempfile.TemporaryDirectory() as temporary:
        write_settings(Path(temporary, "train.json"), settings_of(optimizer, load_params(params))["train"])
        return md5_of(Path(temporary), "train.json")


def _write(found: Review, page: Path) -> None:
    drawn = figures(found.rows, found.old.runs, found.new.runs)
    with replacing(page) as temporary:
        temporary.mkdir()
        for name, figure in drawn.items():
            save(figure, temporary / f"{name}.png")
        text = markdown(found, {name: f"{name}.png" for name in drawn})
        (temporary / "index.md").write_text(text, encoding="utf-8", newline="\n")


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
    print(
        as_json(found) if given.json else f"{summary(found)}. See {PAGE / 'index.md'}.", end="" if given.json else "\n"
    )
    return GOT_WORSE if given.check and found.worse else 0


if __name__ == "__main__":
    sys.exit(main())
