"""review: what a change did to every optimizer, from what git holds; for the reviewers of a pull request."""

import argparse
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from stages.lib.errors import InputError
from stages.lib.figures import save
from stages.lib.files import replacing
from stages.lib.review import figures as review_figures
from stages.lib.review.judgement import judge
from stages.lib.review.loss_curves import Curves, loss_curves
from stages.lib.review.page import markdown
from stages.lib.review.report import Review, as_json, changed_params, summary
from stages.lib.review.repository import Repository, repository
from stages.lib.review.revisions import Revision, read_revision

PAGE = Path("review")
GOT_WORSE, FAILED = 1, 2  # exit codes


def review(folder: Path, old: str | None, new: str | None, *, json: bool) -> Review:
    """Compare two revisions of the project in `folder` and write review/ there; print a summary, or all as JSON.

    `old` None is the merge base with the default branch, `new` None the workspace. InputError as told in
    `repository` and `revisions`; then nothing is written.
    """
    git = repository(folder)
    before = git.commit(old) if old else git.base()
    after = git.commit(new) if new else None
    with tempfile.TemporaryDirectory() as temporary:
        one = _revision(git, before, old or "merge base", Path(temporary, "old"))
        other = _revision(git, after, new, Path(temporary, "new")) if after and new else _workspace(folder)
        found = Review(
            one,
            other,
            changed_params(one.params, other.params),
            git.changed_code(before, after),
            [] if after else git.uncommitted(),
            judge(one.seen, other.seen),
        )
        _write(found, folder / PAGE)
        print(as_json(found) if json else f"{summary(found)}. See {PAGE / 'index.md'}.", end="" if json else "\n")
    return found


def _revision(git: Repository, commit: str, said: str, folder: Path) -> Revision:
    name = git.short(commit)
    git.export(commit, folder)
    return read_revision(name if commit.startswith(said) else f"{said} ({name})", folder)


def _workspace(folder: Path) -> Revision:
    return read_revision("the workspace", folder)


def _write(found: Review, page: Path) -> None:
    figures = review_figures.figures(found.rows, _curves(found.old), _curves(found.new))
    with replacing(page) as temporary:
        temporary.mkdir()
        for name, figure in figures.items():
            save(figure, temporary / f"{name}.png")
        (temporary / "index.md").write_text(
            markdown(found, {name: f"{name}.png" for name in figures}), encoding="utf-8"
        )


def _curves(side: Revision) -> dict[str, Curves]:
    """The curves of runs that belong to the params; those of stale results stay out."""
    files = {name: side.folder / "plots/train_loss" / f"{name}.csv" for name, seen in side.seen.items() if seen.trusted}
    return {name: curves for name, path in files.items() if (curves := loss_curves(path)) is not None}


def main(arguments: Sequence[str] | None = None) -> int:
    """Exit code 0; with --check 1 when something got worse beyond noise; 2 with one line on stderr if it cannot run."""
    parser = argparse.ArgumentParser(
        prog="python -m stages.review",
        description="Write review/index.md: what a change did to every optimizer.",
        epilog="Exit code: 0; 1 with --check when something got worse beyond noise; 2 when it could not compare.",
        allow_abbrev=False,
    )
    parser.add_argument("old", nargs="?", metavar="REV", help="default: the merge base with the default branch")
    parser.add_argument("new", nargs="?", metavar="REV2", help="default: the workspace")
    parser.add_argument("--check", action="store_true", help="exit with 1 when something got worse beyond noise")
    parser.add_argument("--json", action="store_true", help="print everything as JSON")
    given = parser.parse_args(arguments)
    try:
        found = review(Path.cwd(), given.old, given.new, json=given.json)
    except (InputError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return FAILED
    return GOT_WORSE if given.check and found.worse else 0


if __name__ == "__main__":
    sys.exit(main())
