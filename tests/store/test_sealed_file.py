import errno
import subprocess
import sys

import h5py
import numpy as np
import pytest
from xxhash import xxh3_128_hexdigest

from genprobe.errors import StoreError
from genprobe.store.sealed_file import SEAL_BYTES, read_seal, write_sealed

VALUES = np.arange(20_000.0).reshape(-1, 10)


def write(path, values=VALUES):
    with write_sealed(path) as file:
        file.create_dataset("x", data=values, chunks=(100, 10), fletcher32=True)


def test_a_file_ends_in_the_checksum_of_what_is_before(path):
    write(path)
    content = path.read_bytes()
    assert content[-SEAL_BYTES:].startswith(b"genprobe")
    assert read_seal(path) == content[-16:].hex() == xxh3_128_hexdigest(content[:-SEAL_BYTES])


def test_other_readers_of_hdf5_see_nothing_of_it(path):
    write(path)
    with h5py.File(path) as file:
        assert np.array_equal(file["x"][...], VALUES)


@pytest.mark.parametrize("place", [0, 9, 1000, -100, -1, -SEAL_BYTES + 9])
def test_a_changed_byte_is_found_wherever_it_is(path, place):
    write(path)
    content = bytearray(path.read_bytes())
    content[place] ^= 1
    path.write_bytes(content)
    with pytest.raises(StoreError, match=r"store\.h5 is damaged: .*checksum"):
        read_seal(path)


@pytest.mark.parametrize("content", [b"", b"short", b"x" * 100])
def test_other_files_have_no_seal(path, content):
    path.write_bytes(content)
    assert read_seal(path) == ""


def test_a_failure_while_writing_leaves_the_old_file(path):
    write(path)
    old = path.read_bytes()
    with pytest.raises(ZeroDivisionError), write_sealed(path) as file:
        file["x"] = 1 / 0
    assert path.read_bytes() == old
    assert [p.name for p in path.parent.iterdir()] == ["store.h5"]


# A limit on the size of files is to HDF5 what a full disk is, and anybody may set one.
FULL = """
import resource, sys
from pathlib import Path
import numpy as np
from genprobe.store.sealed_file import write_sealed
path, *sizes = sys.argv[1:]
for size in map(int, sizes):
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))
    try:
        with write_sealed(Path(path)) as file:
            for name in "xy":
                values = np.ones((1000, 10))
                file.create_dataset(name, data=values, chunks=(100, 10), fletcher32=True)
    except OSError as error:
        print(error.errno)
    else:
        print("written")
"""


def test_a_full_disk_is_an_error_at_every_size_and_keeps_the_old_file(path):
    write(path, VALUES[:1000])
    old = path.read_bytes()
    with write_sealed(path.with_name("y.h5")) as file:
        for name in "xy":
            file.create_dataset(name, data=np.ones((1000, 10)), chunks=(100, 10), fletcher32=True)
    whole = path.with_name("y.h5").stat().st_size
    sizes = [whole * i // 19 for i in range(19)] + [whole - 1]
    run = subprocess.run(
        [sys.executable, "-c", FULL, path, *map(str, sizes)], capture_output=True, text=True
    )
    assert run.stdout.split() == [str(errno.EFBIG)] * 20, run.stderr
    assert path.read_bytes() == old
    assert not list(path.parent.glob("*.writing"))
