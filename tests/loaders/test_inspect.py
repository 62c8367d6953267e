import pickle
import zipfile
from collections import Counter, OrderedDict

import pytest
import torch

import genprobe
from genprobe.loaders.inspect import inspect_file


class Trap:
    """Unpickled, it makes a file."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return open, (str(self.path), "w")


TENSORS = {
    "floats": {"w": torch.ones(2), "b": torch.ones(1, dtype=torch.float64)},
    "halves": {"w": torch.ones(2, dtype=torch.bfloat16), "i": torch.ones(2, dtype=torch.int32)},
    "state": torch.nn.BatchNorm1d(2).state_dict(),
    "parameter": torch.nn.Parameter(torch.ones(2)),
    "shape": {"size": torch.Size([2]), "dtype": torch.float32},
    "ordered": OrderedDict(a=torch.ones(1), b=[1, (2.0, None, True)]),
    "tensor": torch.ones(3),
}


@pytest.mark.parametrize("content", TENSORS.values(), ids=TENSORS)
def test_what_loads_as_weights_only_is_called_tensors(tmp_path, torch_save, content):
    path = tmp_path / "model.pt"
    torch_save(content, path)
    torch.load(path, weights_only=True)
    assert inspect_file(path).kind == "tensors"


def test_a_bundle_is_told_from_other_tensors(tmp_path, network):
    path = tmp_path / "model.pt"
    genprobe.save(network.as_model("mine"), path)
    assert inspect_file(path).kind == "bundle"


def test_a_trap_is_named_and_does_not_spring(tmp_path, write):
    path, sprung = tmp_path / "model.pt", tmp_path / "sprung"
    write({"w": torch.ones(2), "extra": Trap(sprung)}, path)
    kind = inspect_file(path)
    assert kind.kind == "pickle"
    assert any(name.split(".")[-1] == "open" for name in kind.foreign)
    assert not sprung.exists()


def test_a_trap_is_seen_through_memoised_names(tmp_path):
    path, sprung = tmp_path / "model.pt", tmp_path / "sprung"
    traps = ["io", "open", "torch.Size", "torch", "Size", Trap(sprung), Trap(sprung)]
    path.write_bytes(pickle.dumps(traps, 4))
    kind = inspect_file(path)
    assert kind.kind == "pickle"
    assert not sprung.exists()


def test_every_import_is_listed_once_in_order(tmp_path):
    path = tmp_path / "model.pt"
    path.write_bytes(pickle.dumps([Counter(), zipfile.ZipInfo, Counter()], 2))
    assert inspect_file(path).foreign == ("collections.Counter", "zipfile.ZipInfo")


def test_a_pickled_module_is_a_pickle(tmp_path, torch_save, linear):
    path = tmp_path / "model.pt"
    torch_save(linear, path)
    kind = inspect_file(path)
    assert kind.kind == "pickle"
    assert kind.foreign[0] == "torch.nn.modules.linear.Linear"


@pytest.mark.filterwarnings("ignore:.*torch.jit")
def test_torchscript(tmp_path, linear):
    path = tmp_path / "model.pt"
    torch.jit.script(linear).save(str(path))
    assert inspect_file(path).kind == "torchscript"


def test_an_exported_program(tmp_path, linear):
    path = tmp_path / "model.pt2"
    torch.export.save(torch.export.export(linear, (torch.zeros(1, 2),)), path)
    assert inspect_file(path).kind == "exported"


@pytest.mark.parametrize(
    ("content", "detail"),
    [
        (b"", "empty"),
        (b"epoch,loss\n1,2\n", "text"),
        ("größer\n".encode(), "text"),
        (b"\x01\x02\x03\x04", "starts with"),
        (b"\x80\x02garbage", "damaged"),
        (b"\x80\x04\x95", "damaged"),
    ],
)
def test_what_is_no_checkpoint_is_described(tmp_path, content, detail):
    path = tmp_path / "model.pt"
    path.write_bytes(content)
    kind = inspect_file(path)
    assert kind.kind == "unknown"
    assert detail in kind.detail


def test_a_zip_archive_of_something_else(tmp_path):
    path = tmp_path / "model.pt"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("readme.txt", "hello")
    assert "without a checkpoint" in inspect_file(path).detail


def test_a_missing_file_cannot_be_read(tmp_path):
    assert "cannot be read" in inspect_file(tmp_path / "absent.pt").detail


def test_a_damaged_directory_of_a_zip_archive_is_told(tmp_path, network):
    path = tmp_path / "model.pt"
    genprobe.save(network.as_model("mine"), path)
    content = bytearray(path.read_bytes())
    content[content.index(b"PK\x01\x02")] ^= 0xFF
    path.write_bytes(content)
    assert inspect_file(path).detail == "its zip archive is damaged"
