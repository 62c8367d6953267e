import errno
import os

import numpy as np
import pytest

from genprobe.datasets.growing import GrowingArray
from genprobe.errors import DataError

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


def test_a_full_disk_is_told():
    grown = GrowingArray("data", ROWS)

    class Full:
        def write(self, content):
            raise OSError(errno.ENOSPC, "No space left on device")

    grown._file.close()
    grown._file = Full()
    with pytest.raises(
        DataError, match=r"cannot be kept in .*: No space left on device\.\nSet TMP"
    ):
        grown.append(ROWS)
