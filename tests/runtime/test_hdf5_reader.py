import io
import json
import lzma
from pathlib import Path

import h5py
import numpy as np
import pytest

from genprobe.errors import GenprobeError
from genprobe.runtime import hdf5_reader
from genprobe.runtime.hdf5 import require_harmless
from genprobe.runtime.hdf5_reader import answer, main

NEVER_ENDS = Path(__file__).parent / "never-ends.h5.xz"
"""An ordinary file of which four bits are flipped: reading it ends in a loop of libhdf5."""


@pytest.fixture
def path(tmp_path, monkeypatch):
    # The limits are for a process of its own, not for that of the tests.
    for limit in ("limit_time", "limit_memory"):
        monkeypatch.setattr(hdf5_reader, limit, lambda *_: None)
    return tmp_path / "x.h5"


def write(path, **settings):
    with h5py.File(path, "w") as file:
        file.attrs["about"] = "x"
        file["scalar"] = 1.0
        file["empty"] = np.empty((0, 3))
        file["nothing"] = h5py.Empty("f")
        file.create_dataset("group/x", data=np.arange(600.0).reshape(30, 20), **settings)


@pytest.mark.parametrize("settings", [{}, {"chunks": (7, 3), "fletcher32": True, "shuffle": True}])
def test_all_of_an_ordinary_file_is_read(path, settings, monkeypatch):
    write(path, **settings)
    monkeypatch.setattr(hdf5_reader, "PIECE", 1000)
    assert answer(str(path), False, "") == {}


def test_a_damaged_chunk_is_told_unless_a_checksum_holds(path):
    write(path, chunks=(30, 20), fletcher32=True)
    with h5py.File(path) as file:
        place = file["group/x"].id.get_chunk_info(0).byte_offset
    content = bytearray(path.read_bytes())
    content[place] ^= 1
    path.write_bytes(content)
    assert f"{path} is damaged: " in answer(str(path), False, "")["what"]
    assert answer(str(path), True, "") == {}


def test_a_file_may_be_put_together_from_files_of_a_pattern_only(path):
    write(path.with_name("part-1.h5"))
    with h5py.File(path, "w") as file:
        layout = h5py.VirtualLayout((30, 20), float)
        layout[:] = h5py.VirtualSource("part-1.h5", "group/x", (30, 20))
        file.create_virtual_dataset("x", layout)
    assert answer(str(path), False, r"part-\d\.h5") == {}
    for pattern in ("", "part"):
        assert "part-1.h5" in answer(str(path), False, pattern)["what"]


def test_every_question_has_one_answer(path, monkeypatch, capfd):
    write(path)
    question = json.dumps({"path": str(path), "checked": False, "beside": ""})
    monkeypatch.setattr("sys.stdin", io.StringIO(f"{question}\n" * 2))
    main()
    assert capfd.readouterr().out == "{}\n{}\n"


def test_reading_that_never_ends_is_ended(tmp_path):
    path = tmp_path / "x.h5"
    path.write_bytes(lzma.decompress(NEVER_ENDS.read_bytes()))
    with pytest.raises(GenprobeError, match=r"x\.h5 is damaged: reading it crashes HDF5, or never"):
        require_harmless(path)
