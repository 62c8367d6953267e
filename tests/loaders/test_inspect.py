import pickle
import sys
import types
import zipfile
from collections import Counter, OrderedDict

import pytest
import torch
from safetensors.torch import save_file
from torch import nn

import genprobe
from genprobe.loaders.inspect import inspect_file


class Trap:
    """Unpickled, it makes a file."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return open, (str(self.path), "w")


class Named:
    """A value of the user's own."""

    def __init__(self, value):
        self.value = value


KINDS = ("bundle", "tensors", "safetensors", "pickle", "torchscript", "exported", "unknown")
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


def test_every_import_is_listed_once(tmp_path):
    path = tmp_path / "model.pt"
    path.write_bytes(pickle.dumps([Counter(), zipfile.ZipInfo, Counter()], 2))
    assert inspect_file(path).foreign == ("collections.Counter", "zipfile.ZipInfo")


NAMING = b"\x80\x02c%s\nX\x04\x00\x00\x00pathR\x85."
"""A pickle that calls what it names with a string."""


def archive_of(path, **members):
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)


@pytest.mark.parametrize(
    "name",
    [
        "torch.load",
        "torch.serialization.load",
        "torch.storage._load_from_bytes",
        "torch.hub.load",
        "torch.utils.collect_env.run",
        "torch._utils._rebuild_anything_else",
        "torch._tensor.exec",
    ],
)
def test_what_torch_itself_can_run_is_no_tensor(tmp_path, name):
    path, (module, function) = tmp_path / "model.pt", name.rsplit(".", 1)
    content = NAMING % f"{module}\n{function}".encode()
    archive_of(path, **{"model/version": "3", "model/data.pkl": content})
    assert inspect_file(path).foreign == (name,)


@pytest.mark.parametrize("name", ["first", "zlast"])
def test_the_users_own_names_come_before_those_of_torch(tmp_path, linear, name):
    path = tmp_path / "model.pt"
    theirs = type(name, (nn.Linear,), {"__module__": name})
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(sys.modules, name, types.SimpleNamespace(**{name: theirs}))
        torch.save(nn.Sequential(theirs(1, 1), nn.ReLU(), nn.Tanh(), nn.ELU()), path)
    assert inspect_file(path).foreign[0] == f"{name}.{name}"


def test_what_the_user_calls_safe_is(tmp_path, torch_save):
    path = tmp_path / "model.pt"
    torch_save({"w": torch.ones(2), "when": Named(3)}, path)
    assert inspect_file(path).foreign == (f"{__name__}.Named",)
    with torch.serialization.safe_globals([Named]):
        assert inspect_file(path).kind == "tensors"
        assert torch.load(path, weights_only=True)["when"].value == 3


@pytest.mark.parametrize("legacy", [False, True])
def test_a_protocol_that_weights_only_does_not_read_is_no_tensors(tmp_path, legacy, linear):
    way = {"pickle_protocol": 4, "_use_new_zipfile_serialization": not legacy}
    torch.save(linear, tmp_path / "module.pt", **way)
    torch.save({"w": torch.ones(2).tolist()}, tmp_path / "plain.pt", **way)
    assert "torch.nn.modules.linear.Linear" in inspect_file(tmp_path / "module.pt").foreign
    assert "something else" in inspect_file(tmp_path / "plain.pt").detail


def test_several_checkpoints_in_one_archive_are_refused(tmp_path):
    path = tmp_path / "model.pt"
    content = pickle.dumps({}, 2)
    archive_of(path, **{"a/version": "3", "a/data.pkl": content, "a/b/data.pkl": content})
    assert "several checkpoints" in inspect_file(path).detail


def test_a_pickle_is_not_taken_for_the_archive_that_hides_behind_it(tmp_path):
    path, behind = tmp_path / "model.pt", tmp_path / "behind.pt"
    torch.save({"w": torch.ones(2)}, behind)
    path.write_bytes(pickle.dumps(Trap(tmp_path / "sprung"), 2) + behind.read_bytes())
    assert zipfile.is_zipfile(path)
    assert inspect_file(path).kind == "pickle"


@pytest.mark.parametrize("step", range(7))
def test_a_changed_byte_is_never_more_than_an_answer(tmp_path, torch_save, step):
    path, changed = tmp_path / "model.pt", tmp_path / "changed.pt"
    torch_save(OrderedDict(w=torch.arange(2.0), b=[1, "two"]), path)
    content = path.read_bytes()
    for position in range(step, len(content), 7):
        copy = bytearray(content)
        copy[position] ^= 0x41
        changed.write_bytes(copy)
        assert inspect_file(changed).kind in KINDS


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


def test_safetensors_are_told_by_how_they_begin(tmp_path):
    path = tmp_path / "model"
    save_file({"w": torch.ones(2)}, path)
    assert inspect_file(path).kind == "safetensors"
    path.write_bytes(b"\xff" * 8 + b"{}")
    assert inspect_file(path).kind == "unknown"


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
