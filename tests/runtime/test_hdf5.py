import os
import signal

import h5py
import numpy as np
import pytest

from genprobe.errors import GenprobeError
from genprobe.runtime import hdf5
from genprobe.runtime.hdf5 import require_harmless


class Forgetful(set):
    """Files that were found harmless, none of which is remembered."""

    def add(self, element):
        pass


@pytest.fixture
def path(tmp_path, monkeypatch):
    monkeypatch.setattr(hdf5, "_harmless", Forgetful())
    path = tmp_path / "mine.h5"
    with h5py.File(path, "w") as file:
        file["x"] = np.arange(12.0)
    return path


def test_an_ordinary_file_is_harmless_and_one_process_reads_all(path):
    require_harmless(path)
    [reader] = hdf5._readers.values()
    for _ in range(3):
        require_harmless(path)
    assert list(hdf5._readers.values()) == [reader]


def test_what_is_no_hdf5_is_left_to_who_opens_it(tmp_path):
    (tmp_path / "x").write_text("x")
    require_harmless(tmp_path / "x")


def test_a_file_that_shows_another_is_refused(path, tmp_path):
    (tmp_path / "secret").write_text("secret")
    with h5py.File(path, "r+") as file:
        file.create_dataset("y", (6,), "S1", external=[(str(tmp_path / "secret"), 0, 6)])
    with pytest.raises(GenprobeError, match=r"y in .*mine\.h5 is stored in another file"):
        require_harmless(path)


def test_a_file_that_kills_its_reader_is_told_and_the_next_is_read(path, monkeypatch):
    require_harmless(path)
    [reader] = hdf5._readers.values()
    os.kill(reader.pid, signal.SIGSEGV)
    reader.wait()
    with pytest.raises(GenprobeError, match=r"mine\.h5 is damaged: reading it crashes HDF5"):
        require_harmless(path)
    require_harmless(path)


def test_an_interrupt_leaves_no_answer_for_the_next_file(path, monkeypatch):
    require_harmless(path)
    monkeypatch.setattr(hdf5.json, "loads", lambda line: (_ for _ in ()).throw(KeyboardInterrupt))
    with pytest.raises(KeyboardInterrupt):
        require_harmless(path)
    assert not hdf5._readers


def test_another_process_than_the_one_that_started_it_gets_its_own(path):
    require_harmless(path)
    child = os.fork()
    if child == 0:
        try:
            require_harmless(path)
            os._exit(0 if os.getpid() in hdf5._readers else 1)
        finally:
            os._exit(2)
    assert os.waitpid(child, 0)[1] == 0


def test_a_file_is_read_once_as_long_as_nobody_changes_it(path, monkeypatch):
    asked = []
    monkeypatch.setattr(hdf5, "_harmless", set())
    monkeypatch.setattr(hdf5, "_ask", lambda request: asked.append(request["path"]) or {})
    require_harmless(path)
    require_harmless(path)
    assert asked == [str(path)]
    os.utime(path, ns=(0, 0))
    require_harmless(path)
    assert len(asked) == 2
