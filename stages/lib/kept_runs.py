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
from stages.lib.fingerprint import cpu_model
from stages.lib.pool import Pool
from stages.lib.settings import Run

PACKAGES = ("paddlepaddle", "numpy", "scipy")  # whose arithmetic a curve depends on


@dataclass(frozen=True)
class KeptRuns:
    """Results without weights: a checksum and JSON in files of `folder`, which stands for one basis, named by runs."""

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
        return self.folder / _sha256(json.dumps(asdict(run), sort_keys=True))

    def _write(self, run: Run, result: Result) -> None:
        text = json.dumps([asdict(result.curve), result.seconds])
        with replacing(self._path(run)) as temporary:
            temporary.write_text(f"{_sha256(text)}\n{text}", encoding="utf-8")

    def _read(self, run: Run) -> Result | None:
        try:
            digest, _, text = self._path(run).read_text(encoding="utf-8").partition("\n")
        except (FileNotFoundError, UnicodeDecodeError):
            return None  # never kept, or damaged: it runs
        if digest != _sha256(text):
            return None
        curve, seconds = json.loads(text)
        scores = [Score(**score) for score in curve.pop("valid")]
        mistakes = [(image, label, predicted) for image, label, predicted in curve.pop("mistakes")]
        return Result(Curve(**curve, valid=scores, mistakes=mistakes), None, float(seconds))


def kept_runs(folder: Path, dataset: Path) -> KeptRuns:
    """Runs on `dataset` with the code, libraries, Python and CPU of this moment; those of any other are removed."""
    digest = hashlib.sha256(f"{platform.python_version()} {cpu_model()}".encode())
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


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
