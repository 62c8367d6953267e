import os
import re
import subprocess
import sys

import numpy as np
import pytest

from genprobe.datasets.growing import GrowingArray
from genprobe.errors import DataError, GenprobeError

ROWS = np.arange(12, dtype=np.float32).reshape(4, 3)


def test_rows_come_back_as_they_were_appended():
    grown = GrowingArray("data", ROWS[:1])
    for part in (ROWS[:1], ROWS[1:1], ROWS[1:]):
        grown.append(part)
    assert grown.n == 4
    found = grown.mapped()
    assert isinstance(found, np.memmap)
    assert np.array_equal(found, ROWS)


def test_no_file_is_left_and_none_is_open(tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    before = len(os.listdir("/proc/self/fd"))
    grown = GrowingArray("data", ROWS)
    grown.append(ROWS)
    found = grown.mapped()
    assert np.array_equal(found, ROWS)
    assert os.listdir(tmp_path) == []
    abandoned = GrowingArray("data", ROWS)
    del found, grown, abandoned
    assert len(os.listdir("/proc/self/fd")) == before


def test_rows_without_values():
    grown = GrowingArray("data", np.zeros((2, 0)))
    grown.append(np.zeros((2, 0)))
    assert grown.mapped().shape == (2, 0)


def test_floating_point_of_another_width_is_brought_to_the_first():
    grown = GrowingArray("data", ROWS)
    grown.append(ROWS.astype(np.float64))
    assert grown.mapped().dtype == np.float32


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        (np.zeros((1, 2), np.float32), r"example 4 has the shape \(2,\) and the first \(3,\)"),
        (np.zeros((1, 3), np.int64), "example 4 is of int64 and the first of float32"),
    ],
)
def test_rows_unlike_the_first_are_told(rows, message):
    grown = GrowingArray("data", ROWS)
    grown.append(ROWS)
    with pytest.raises(DataError, match=message):
        grown.append(rows)


FULL = """
import resource, sys
import numpy as np
from genprobe.datasets.growing import GrowingArray
from genprobe.errors import GenprobeError
resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
grown = GrowingArray("stream", np.zeros((1, 1000)))
try:
    for _ in range(100):
        grown.append(np.zeros((1, 1000)))
except GenprobeError as error:
    del grown
    sys.exit(str(error))
"""


def test_a_disk_that_fills_up_is_told_and_nothing_else():
    found = subprocess.run(
        [sys.executable, "-c", FULL], capture_output=True, text=True, check=False
    )
    first, second = found.stderr.splitlines()
    assert re.fullmatch("stream cannot be kept in .*: File too large.", first)
    assert second.startswith("Set TMPDIR")
    assert found.returncode == 1


def test_what_is_written_in_part_is_written_on(monkeypatch):
    grown = GrowingArray("data", ROWS)
    file = grown._file

    class Slow:
        def write(self, content):
            return file.write(content[:5])

        def fileno(self):
            return file.fileno()

    monkeypatch.setattr(grown, "_file", Slow())
    grown.append(ROWS)
    monkeypatch.undo()
    assert np.array_equal(grown.mapped(), ROWS)


def test_a_missing_temporary_folder_is_told(tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "absent"))
    with pytest.raises(GenprobeError, match=r"absent: No such file or directory\.\nSet TMPDIR"):
        GrowingArray("data", ROWS)
