"""Finished runs of a long search, kept until its results are written: after a kill, only what was under way is lost.

DVC's cache holds whole stages and joblib.Memory hashes one function's code; a run depends on all of stages/lib.
"""

import hashlib
import json
import platform
import shutil
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path

from stages.lib.curves import Curve, Result, Score
from stages.lib.files import replacing
from stages.lib.pool import Pool
from stages.lib.settings import Run

PACKAGES = ("paddlepaddle", "numpy", "scipy")  # whose arithmetic a curve depends on


@dataclass(frozen=True)
class KeptRuns:
    """Results without weights, as JSON files in `folder`, which stands for one basis, named by their runs."""

    folder: Path

    def run_all(
        self, pool: Pool, work: Callable[[Run], Result], runs: Sequence[Run], done: Callable[[Run, Result], None]
    ) -> list[Result]:
        """As `Pool.run_all`, but runs that are kept are only read."""

        def keep(run: Run, result: Result) -> None:
            self._write(run, result)
            done(run, result)

        known = [self._read(run) for run in runs]
        missing = [run for run, result in zip(runs, known, strict=True) if result is None]
        fresh = iter(pool.run_all(work, missing, keep))
        return [result or next(fresh) for result in known]

    def forget(self, runs: Sequence[Run]) -> None:
        """Remove the files of `runs`, whose results are written elsewhere now."""
        for run in runs:
            self._path(run).unlink(missing_ok=True)

    def _path(self, run: Run) -> Path:
        key = json.dumps(asdict(run), sort_keys=True)
        return self.folder / f"{hashlib.sha256(key.encode()).hexdigest()}.json"

    def _write(self, run: Run, result: Result) -> None:
        with replacing(self._path(run)) as temporary:
            temporary.write_text(json.dumps([asdict(result.curve), result.seconds]), encoding="utf-8")

    def _read(self, run: Run) -> Result | None:
        try:
            curve, seconds = json.loads(self._path(run).read_text(encoding="utf-8"))
            scores = [Score(**score) for score in curve.pop("valid")]
            mistakes = [(image, label, predicted) for image, label, predicted in curve.pop("mistakes")]
            return Result(Curve(**curve, valid=scores, mistakes=mistakes), None, float(seconds))
        except (FileNotFoundError, ValueError, TypeError, AttributeError, KeyError):
            return None  # never kept, or damaged: it runs


def kept_runs(folder: Path, dataset: Path) -> KeptRuns:
    """Runs on `dataset` with the code, the libraries and the Python of this moment; those of any other are removed."""
    digest = hashlib.sha256(platform.python_version().encode())
    for name in PACKAGES:
        digest.update(f" {name} {version(name)}".encode())
    for path in [dataset, *sorted(Path(__file__).parent.glob("*.py"))]:
        with path.open("rb") as file:
            digest.update(hashlib.file_digest(file, "sha256").digest())
    basis = folder / digest.hexdigest()
    for other in folder.glob("[0-9a-f]" * len(basis.name)):
        if other != basis:
            shutil.rmtree(other)
    return KeptRuns(basis)
