import h5py
import numpy as np
import pytest

from genprobe.errors import GenprobeError
from genprobe.runtime.hdf5_links import links, require_self_contained, require_stored


@pytest.fixture
def file(tmp_path):
    with h5py.File(tmp_path / "x.h5", "w") as file:
        file["group/x"] = np.zeros(10)
        yield file


def external_link(file):
    file["group/deep/secret"] = h5py.ExternalLink("/etc/passwd", "/x")


def external_storage(file):
    file.create_dataset("secret", (4,), "u1", external=[("/etc/passwd", 0, 4)])


def virtual(file):
    layout = h5py.VirtualLayout((4,), "f8")
    layout[:] = h5py.VirtualSource("/etc/passwd", "x", (4,))
    file.create_virtual_dataset("secret", layout)


@pytest.mark.parametrize("add", [external_link, external_storage, virtual])
def test_what_is_in_another_file_is_refused(file, add):
    add(file)
    with pytest.raises(GenprobeError, match=r"secret in .*another file, '/etc/passwd'"):
        require_self_contained(file)


def test_virtual_data_of_allowed_files_pass(file):
    virtual(file)
    require_self_contained(file, lambda name: name == "/etc/passwd")


def test_what_is_in_the_file_itself_passes(file):
    file["soft"] = h5py.SoftLink("/group/x")
    file["nowhere"] = h5py.SoftLink("/nothing")
    file["group/again"] = file["group"]  # a circle
    layout = h5py.VirtualLayout((10,), "f8")
    layout[:] = h5py.VirtualSource(file["group/x"])
    file.create_virtual_dataset("view", layout)
    require_self_contained(file)
    assert {name for name, _ in links(file)} >= {"group", "group/x", "soft", "nowhere", "view"}


def test_a_shape_that_the_file_cannot_hold_is_refused(file):
    for name, chunks in (("a", None), ("b", (1000,))):
        huge = file.create_dataset(name, (10**12,), "f8", chunks=chunks)
        with pytest.raises(ValueError, match="claims 8000000000000"):
            require_stored(name, huge, 2048)
    packed = file.create_dataset("c", (100_000,), "f8", compression="gzip", data=np.zeros(100_000))
    require_stored("c", packed, 2048)
    require_stored("x", file["group/x"], 2048)
