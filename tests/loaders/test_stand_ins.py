import argparse
import collections
import contextlib
import copyreg
import io
import pathlib
import pickle
import struct
import sys
import zipfile
from collections import OrderedDict

import pytest
import torch
from torch import nn

from genprobe.errors import ModelError
from genprobe.loaders.stand_ins import KNOWN, StandIn, read_with_stand_ins

COLUMNS = torch.randn(4, 3).t()
TENSORS = {
    "columns": COLUMNS,
    "shared": COLUMNS[1:],
    "empty": torch.empty(0, 2),
    "scalar": torch.tensor(2.5),
    "bfloat16": torch.ones(3, dtype=torch.bfloat16),
    "half": torch.ones(3, dtype=torch.float16),
    "complex": torch.ones(2, dtype=torch.complex64),
    "count": torch.tensor(7),
    "bool": torch.tensor([True, False]),
    "parameter": nn.Parameter(torch.randn(2)),
}


class Settings(dict):
    """A dictionary of a class of its own, as configurations are."""


class Slotted:
    __slots__ = ("a",)


@pytest.fixture
def found(tmp_path, write, trap):
    """A checkpoint with every kind of foreign object, as it reads."""
    slotted = Slotted()
    slotted.a = 1
    content = {
        "state_dict": OrderedDict(TENSORS),
        "trap": trap,
        "hyper_parameters": argparse.Namespace(lr=0.1, path=pathlib.Path("runs")),
        "settings": Settings(width=3),
        "groups": collections.defaultdict(list, {"a": [1]}),
        "queue": collections.deque([1, 2]),
        "slotted": slotted,
        "module": nn.Linear(2, 2),
        "plain": [1, 2.5, None, True, "text", b"bytes", (1, 2), {3}, torch.Size([2]), torch.int8],
    }
    write(content, tmp_path / "model.ckpt")
    return read_with_stand_ins(tmp_path / "model.ckpt")


def test_tensors_are_those_that_were_written(found):
    assert list(found["state_dict"]) == list(TENSORS)
    for name, values in found["state_dict"].items():
        assert type(values) is torch.Tensor
        assert values.dtype == TENSORS[name].dtype
        assert torch.equal(values, TENSORS[name])


def test_tensors_that_shared_memory_do(tmp_path, torch_save):
    torch_save({"columns": COLUMNS, "shared": COLUMNS[1:]}, tmp_path / "model.pt")
    found = read_with_stand_ins(tmp_path / "model.pt")
    found["columns"][1] = 5
    assert (found["shared"][0] == 5).all()


def test_what_is_no_tensor_is_a_stand_in_or_plain(found):
    for name in ("trap", "hyper_parameters", "settings", "groups", "queue", "slotted", "module"):
        assert type(found[name]) is StandIn
    assert found["hyper_parameters"].name == "argparse.Namespace"
    assert found["hyper_parameters"].state["lr"] == 0.1
    assert found["settings"].items == {"width": 3}
    assert found["plain"] == [
        1, 2.5, None, True, "text", b"bytes", (1, 2), {3}, (2,), torch.int8
    ]  # fmt: skip


PROTOCOL = b"\x80\x02"
TEXT = b"X\x04\x00\x00\x00path"
HOSTILE = {
    "a call": b"cos\nsystem\n" + TEXT + b"\x85R.",
    "a call of what a call gave": b"cbuiltins\ngetattr\n" + TEXT + b"\x85R" + TEXT + b"\x85R.",
    "a new object": b"csubprocess\nPopen\n" + TEXT + b"\x85\x81.",
    "a new object with keywords": b"csubprocess\nPopen\n" + TEXT + b"\x85}\x92.",
    "an old instance": b"(" + TEXT + b"ios\nsystem\n.",
    "an object": b"(cos\nsystem\n" + TEXT + b"o.",
    "a registered extension": b"\x82\xf0" + TEXT + b"\x85R.",
    "a state": b"ccollections\nOrderedDict\n)R}X\x09\x00\x00\x00__class__cos\nsystem\nsb.",
    "the state of a function": b"ctorch._utils\n_rebuild_tensor_v2\n}" + TEXT + b"K\x01sb.",
    "an attribute of a known name": b"ctorch._utils\n_rebuild_tensor_v2.__globals__\n.",
    "torch's own loader": b"ctorch\nload\n" + TEXT + b"\x85R.",
    "what only looks like a dtype": b"ctorch\nfrombuffer\n" + TEXT + b"\x85R.",
}


@pytest.mark.parametrize("hostile", HOSTILE.values(), ids=HOSTILE)
@pytest.mark.parametrize("way", ["pickle", "zip"])
def test_nothing_is_imported_called_or_set(tmp_path, monkeypatch, hostile, way):
    imported = []
    monkeypatch.setattr("builtins.__import__", spy(imported))
    monkeypatch.setattr("os.system", None)
    monkeypatch.setattr("subprocess.Popen", None)
    monkeypatch.setattr(torch, "load", None)
    copyreg.add_extension("os", "system", 0xF0)
    before = {name: dict(vars(function)) for name, function in KNOWN.items() if name[0] == "t"}
    path = tmp_path / "model.pt"
    if way == "pickle":
        path.write_bytes(PROTOCOL + hostile)
    else:
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("model/data.pkl", PROTOCOL + hostile)
    try:
        made = read_with_stand_ins(path)
    finally:
        copyreg.remove_extension("os", "system", 0xF0)
    assert type(made) in (StandIn, OrderedDict) or "Known" in repr(made)
    assert before == {name: dict(vars(KNOWN[name])) for name in before}
    assert not {"os", "posix", "subprocess"} & {*imported}


def spy(imported):
    """``__import__`` that notes what it is asked for."""
    real = __import__

    def importing(name, *rest, **named):
        imported.append(name)
        return real(name, *rest, **named)

    return importing


def pickled(*parts):
    return PROTOCOL + b"".join(parts) + b"."


def stored(key, kind=b"FloatStorage", size=4):
    """A reference to a storage of so many values."""
    return (
        b"(X\x07\x00\x00\x00storagectorch\n" + kind + b"\nX\x01\x00\x00\x00" + key
        + b"X\x03\x00\x00\x00cpuJ" + struct.pack("<i", size) + b"tQ"
    )  # fmt: skip


def tensor(storage, offset=0, size=4, stride=1):
    """A tensor over a storage."""
    numbers = [b"J" + struct.pack("<i", number) for number in (offset, size, stride)]
    return (
        b"ctorch._utils\n_rebuild_tensor_v2\n(" + storage + numbers[0]
        + numbers[1] + b"\x85" + numbers[2] + b"\x85" + b"\x89}tR"
    )  # fmt: skip


def archive(path, content, compression=zipfile.ZIP_STORED, **members):
    with zipfile.ZipFile(path, "w", compression) as file:
        file.writestr("a/data.pkl", content)
        file.writestr("a/data/0", bytes(16))
        for name, data in members.items():
            file.writestr(f"a/{name}", data)
    return path


def test_a_storage_of_the_right_size_is_read(tmp_path):
    path = archive(tmp_path / "m.pt", pickled(tensor(stored(b"0"))))
    assert torch.equal(read_with_stand_ins(path), torch.zeros(4))


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (tensor(stored(b"0"), size=5), "out of bounds"),
        (tensor(stored(b"0"), offset=1), "out of bounds"),
        (tensor(stored(b"0"), offset=-1), "invalid storage offset"),
        (tensor(stored(b"0"), stride=1000), "out of bounds"),
        (tensor(stored(b"0"), stride=-1), "Negative strides"),
        (tensor(stored(b"0", size=5)), "its storage 0 is of another size"),
        (tensor(stored(b"0", b"DoubleStorage")), "its storage 0 is of another size"),
        (tensor(stored(b"0", size=-4)), "its storage 0 is of another size"),
        (tensor(stored(b"1")), "no item named|a/data/1"),
        (tensor(stored(b"0", b"OddStorage")), "OddStorage"),
        (tensor(TEXT), "as_strided"),
        (b"(X\x05\x00\x00\x00otherK\x00tQ", "something else than a storage"),
        (TEXT + b"Q", "something else than a storage"),
        (TEXT + TEXT + b"\x85R", "it calls a str"),
    ],
)
def test_a_tensor_that_reaches_beyond_its_storage_is_an_error(tmp_path, content, words):
    path = archive(tmp_path / "m.pt", pickled(content))
    with pytest.raises(ModelError, match=rf"m\.pt does not read .*({words})"):
        read_with_stand_ins(path)


def test_a_compressed_archive_is_not_inflated(tmp_path):
    path = archive(tmp_path / "m.pt", pickled(tensor(stored(b"0"))), zipfile.ZIP_DEFLATED)
    with pytest.raises(ModelError, match="of another size"):
        read_with_stand_ins(path)


def test_numbers_of_another_byte_order_are_told(tmp_path):
    path = archive(tmp_path / "m.pt", pickled(tensor(stored(b"0"))), byteorder="big")
    with pytest.raises(ModelError, match="big-endian"):
        read_with_stand_ins(path)


@pytest.mark.parametrize("legacy", [False, True])
def test_every_truncation_is_an_error(tmp_path, legacy):
    path, buffer = tmp_path / "m.pt", io.BytesIO()
    content = {"w": torch.arange(4.0), "hparams": argparse.Namespace(a=1)}
    torch.save(content, buffer, _use_new_zipfile_serialization=not legacy)
    whole = buffer.getvalue()
    for length in range(0, len(whole), 23):
        path.write_bytes(whole[:length])
        with pytest.raises(ModelError):
            read_with_stand_ins(path)


def test_a_changed_byte_is_an_answer_or_an_error(tmp_path, write):
    path = tmp_path / "m.pt"
    write({"w": torch.arange(4.0), "hparams": argparse.Namespace(a=1)}, path)
    whole = path.read_bytes()
    modules = {*sys.modules}
    for position in range(0, len(whole), 11):
        changed = bytearray(whole)
        changed[position] ^= 0x41
        path.write_bytes(changed)
        with contextlib.suppress(ModelError):
            read_with_stand_ins(path)
    assert {*sys.modules} == modules


def test_nested_files_end(tmp_path):
    def bytes_of(content):
        return b"B" + struct.pack("<I", len(content)) + content

    content = pickled(TEXT)
    for _ in range(2000):
        inside = b"ctorch.storage\n_load_from_bytes\n" + bytes_of(content) + b"\x85R"
        content = pickled(inside)
    (tmp_path / "m.pt").write_bytes(content)
    with pytest.raises(ModelError, match="nested too deeply"):
        read_with_stand_ins(tmp_path / "m.pt")


def test_a_torchscript_archive_in_disguise_is_not_given_to_torch(tmp_path):
    """torch.load hands an archive with constants to the loader of TorchScript."""
    content = pickled(tensor(stored(b"0")))
    path = archive(tmp_path / "m.pt", content, **{"constants.pkl": b"", "code/__torch__.py": b""})
    assert torch.equal(read_with_stand_ins(path), torch.zeros(4))


def test_a_name_may_be_a_key(tmp_path):
    (tmp_path / "m.pt").write_bytes(pickle.dumps({argparse.Namespace: 1, Settings: {2}}))
    assert list(read_with_stand_ins(tmp_path / "m.pt").values()) == [1, {2}]
