import fcntl
import os
import subprocess
import sys

import h5py
import pytest

from genprobe.errors import StoreError
from genprobe.runtime import hdf5
from genprobe.store import intact, sealed_file
from genprobe.store.intact import UNSEALED, open_file, seal_of
from genprobe.store.read import open_store
from genprobe.store.sealed_file import read_seal

KNOWN = {}


@pytest.fixture
def stranger(monkeypatch):
    """This process knows of no file that it wrote."""
    for module in (sealed_file, intact):
        monkeypatch.setattr(module, "SEALS", KNOWN)
    KNOWN.clear()


def test_what_this_process_wrote_is_not_read_twice(path, write_store, monkeypatch):
    write_store(path)
    monkeypatch.setattr(intact, "read_seal", lambda path: pytest.fail("read again"))
    assert open_store(path).seal == read_seal(path)


def test_what_others_wrote_is_read_by_another_process_first(
    path, write_store, stranger, monkeypatch
):
    write_store(path)
    KNOWN.clear()
    asked = []
    monkeypatch.setattr(intact, "require_harmless", lambda *a, **k: asked.append((a, k)))
    open_store(path)
    open_store(path)
    [((place,), settings)] = asked
    assert place == path
    assert settings["checked"]


def test_a_file_without_a_seal_is_known_by_when_it_was_changed(path):
    with h5py.File(path, "w") as file:
        file["x"] = [1]
    first = seal_of(path)
    assert first.startswith(UNSEALED)
    os.utime(path, ns=(0, 0))
    assert seal_of(path) != first


# Another program that has a store open to write: HDF5 asks for this lock too.
HOLD = """
import fcntl, sys
file = open(sys.argv[1], "rb")
fcntl.flock(file, fcntl.LOCK_EX)
print("held", flush=True)
sys.stdin.read()
"""


def test_a_locked_store_is_called_locked(path, write_store, stranger):
    write_store(path)
    KNOWN.clear()
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLD, path], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    with holder:
        assert holder.stdout.readline()
        with pytest.raises(StoreError, match=r"is locked: .*errno 11.*\n.*HDF5_USE_FILE_LOCKING"):
            open_store(path)
        holder.stdin.close()
    assert open_store(path).header.n == 10


def test_the_lock_is_let_go_of(path, write_store, stranger):
    open_store(write_store(path))
    with path.open("rb") as file:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)


@pytest.mark.parametrize("name", ["pipe", "device"])
def test_what_is_no_file_is_told_at_once(tmp_path, name):
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "device").symlink_to("/dev/zero")
    with pytest.raises(StoreError, match=r"is a (named pipe|device), not a file"):
        open_store(tmp_path / name)


def test_a_store_that_is_not_readable_says_so(path, write_store, monkeypatch):
    write_store(path)

    def refuse(*args, **settings):
        raise PermissionError(13, "Permission denied", str(path))

    # The tests may run as root, to whom nothing is refused.
    monkeypatch.setattr(os, "open", refuse)
    with pytest.raises(StoreError, match=r"store\.h5 cannot be read: Permission denied"):
        open_store(path)


def test_an_error_leaves_nothing_locked(path, write_store):
    write_store(path)
    with pytest.raises(StoreError, match="damaged"), open_file(path) as file:
        file["no such column"]
    assert open_store(path).header.n == 10


def test_a_file_that_crashes_its_reader_is_told(path, write_store, stranger, monkeypatch):
    write_store(path)
    KNOWN.clear()
    monkeypatch.setattr(hdf5, "_ask", lambda request: None)
    with pytest.raises(StoreError, match=r"store\.h5 is damaged: reading it crashes HDF5"):
        open_store(path)
