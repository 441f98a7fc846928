import json
import platform
from pathlib import Path

import numpy as np
import paddle
import pytest

from stages.lib import machine
from stages.lib.records import write_json


def test_record_is_flat_and_tells_the_versions(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.sched_getaffinity", lambda _: {0, 1, 2}, raising=False)
    write_json(tmp_path / "machine.json", machine.machine())
    record = json.loads((tmp_path / "machine.json").read_text())
    versions = (record["paddle"], record["numpy"], record["python"])
    assert versions == (paddle.__version__, np.__version__, platform.python_version())
    assert (record["cores"], record["threads_per_run"]) == (3, 1)
    assert platform.system() in record["system"]
