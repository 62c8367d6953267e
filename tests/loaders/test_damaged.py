"""Files with damage: an error of genprobe or the same numbers, whatever a library raises."""

import argparse
import gzip
import json
import random
import reprlib
import struct
import zipfile

import h5py
import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from torch import nn

import genprobe
from genprobe.architectures import MlpVae
from genprobe.errors import GenprobeError, ModelError, UntrustedError
from genprobe.loaders.factory import load_best
from genprobe.loaders.open import load, open_dataset
from genprobe.loaders.tensors import read_weights
from genprobe.types import Model

N = 20


def module():
    torch.manual_seed(0)
    return nn.Linear(3, 2)


def network():
    torch.manual_seed(0)
    return MlpVae(data_shape=(4,), latent=2, hidden=(3,)).as_model("small", {"data": "digits"})


def posteriors():
    draws = np.random.default_rng(0)
    return {"loc": draws.normal(size=(N, 2)), "scale": np.ones((N, 2)), "family": "diagonal-normal"}


def idx():
    pixels = np.arange(N * 4, dtype=np.uint8)
    return b"\0\0\x08\x02" + struct.pack(">2I", N, 4) + pixels.tobytes()


def listed(values):
    return [v.tolist() for v in values]


def from_model(path):
    model = load(path)
    if model.recorded is not None:
        return listed(model.recorded.params(0, N).values()), model.posterior
    return listed(model.module.state_dict().values()), model.name, dict(model.training)


def from_weights(path):
    model = Model(
        name="m", encode=dict, posterior="diagonal-normal", prior="x", module=nn.Linear(3, 2)
    )
    return listed(load_best(model, read_weights(path), path, None).module.state_dict().values())


def from_data(path):
    data = open_dataset(str(path))
    columns = data.covariates(0, N) if data.covariates else {}
    return data.read(0, N).tolist(), {k: v.tolist() for k, v in columns.items()}


def checkpoint():
    return {"state_dict": module().state_dict(), "options": argparse.Namespace(a=1)}


FILES = {
    "bundle.pt": (lambda p: genprobe.save(network(), p), from_model),
    "weights.ckpt": (lambda p: torch.save(checkpoint(), p), from_weights),
    "old.pth": (
        lambda p: torch.save(checkpoint(), p, _use_new_zipfile_serialization=False),
        from_weights,
    ),
    "w.safetensors": (lambda p: save_file(module().state_dict(), p), from_weights),
    "posteriors.npz": (lambda p: np.savez(p, **posteriors()), from_model),
    "packed.npz": (lambda p: np.savez_compressed(p, **posteriors()), from_model),
    "data.npz": (
        lambda p: np.savez(p, x=posteriors()["loc"], y=np.arange(N), t=["a", "bc"] * (N // 2)),
        from_data,
    ),
    "data.pt": (lambda p: torch.save({"x": torch.ones(N, 3), "y": torch.arange(N)}, p), from_data),
    "data.npy": (lambda p: np.save(p, posteriors()["loc"]), from_data),
    "x.idx": (lambda p: p.write_bytes(idx()), from_data),
    "x.idx.gz": (lambda p: p.write_bytes(gzip.compress(idx(), mtime=0)), from_data),
}
UNCHECKED = {"old.pth", "w.safetensors", "data.npy", "x.idx"}
"""Formats without a checksum: their values may change, and nobody can know."""


def damaged(content, draw):
    """A copy with flipped bits, without its end or a part of it, or with a part of it twice."""
    found = bytearray(content)
    at, other = draw.randrange(len(found)), draw.randrange(len(found))
    match draw.randrange(6):
        case 0 | 1:
            found[at] ^= 1 << draw.randrange(8)
        case 2:
            found[at : at + 8] = draw.choice((b"\xff", b"\0")) * 8
        case 3:
            del found[at:]
        case 4:
            del found[at:other]
        case 5:
            found[at : at + 16] = found[other : other + 16]
    return bytes(found)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", FILES)
def test_damage_is_an_error_or_changes_nothing(tmp_path, name):
    write, read = FILES[name]
    path = tmp_path / name
    write(path)
    content, expected, errors = path.read_bytes(), read(path), 0
    for seed in range(25):
        path.write_bytes(damaged(content, random.Random(seed)))
        try:
            found = read(path)
        except GenprobeError as error:
            assert len(str(error).splitlines()) <= 2  # noqa: PT017
            errors += 1
        else:
            assert name in UNCHECKED or found == expected, seed
    assert errors


EXPANDED = torch.ones(1).expand(10**12)


@pytest.mark.parametrize(
    ("part", "value"),
    [
        *[("name", value) for value in (3, [1], None)],
        *[("architecture", value) for value in (3, [1], None)],
        *[("config", value) for value in (3, [1], None)],
        *[("state", value) for value in (3, {1: torch.ones(1)}, {"w": 1}, {"w": EXPANDED})],
        *[
            ("training", value)
            for value in (3, {"data": 3}, {"data": torch.ones(1)}, {"x": {1, 2}})
        ],
        *[("training", {"channels": value}) for value in (0, True, "1")],
        ("training", {"n": 10**400}),
        *[("version", value) for value in ("1", None, 10**400, True)],
        *[("prior", value) for value in (3, {"name": 3, "params": {}}, {"name": "x", "params": 3})],
        ("prior", {"name": "x", "params": {"loc": EXPANDED}}),
        ("config", {"data_shape": [4], "latent": 10**12, "hidden": [3]}),
        ("config", {"data_shape": [2**62, 4], "latent": 2, "hidden": [3]}),
        ("config", {"data_shape": [4], "latent": 2, "hidden": [3] * 1000}),
        ("config", {"data_shape": [4], "latent": 2, "hidden": [3], "scale": float("nan")}),
        ("config", {"data_shape": ["x"], "latent": 2}),
        ("config", {3: 4}),
    ],
    ids=reprlib.repr,
)
def test_a_bundle_of_other_types_or_sizes_is_one_line(tmp_path, part, value):
    path = tmp_path / "m.pt"
    genprobe.save(network(), path)
    torch.save({**torch.load(path), part: value}, path)
    with pytest.raises(ModelError) as told:
        load(path)
    assert len(str(told.value).splitlines()) <= 2


def test_a_bundle_that_is_nested_deeply_or_holds_itself_is_one_line(tmp_path):
    path = tmp_path / "m.pt"
    genprobe.save(network(), path)
    content = torch.load(path)
    deep: list = []
    for _ in range(60):
        deep = [deep]
    circle: dict = {}
    circle["x"] = circle
    for training in ({"x": deep}, circle):
        torch.save({**content, "training": training}, path)
        with pytest.raises(ModelError, match="nested too deeply"):
            load(path)


def test_no_file_has_its_data_made_by_a_function_that_it_names(tmp_path):
    path = tmp_path / "m.pt"
    model = MlpVae(data_shape=(4,), latent=2, hidden=(3,)).as_model(
        "m", {"data": "python:os:getcwd"}
    )
    genprobe.save(model, path)
    with pytest.raises(GenprobeError, match="names a function as its data"):
        genprobe.export(str(path), tmp_path / "exported")


def npz(path, **members):
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in members.items():
            archive.writestr(f"{name}.npy", content)


def npy(shape, descr="<f8", data=b"\0" * 480):
    header = f"{{'descr': '{descr}', 'fortran_order': False, 'shape': {shape}}}".encode()
    header += b" " * (-(len(header) + 11) % 64) + b"\n"
    return b"\x93NUMPY\x01\0" + struct.pack("<H", len(header)) + header + data


@pytest.mark.parametrize("shape", ["(1000000000000,)", "(-20, 3)", "(20, 4)", "(20.0, 3)", "x"])
def test_an_array_that_is_not_as_large_as_it_claims_is_one_line(tmp_path, shape):
    npz(tmp_path / "d.npz", x=npy(shape))
    npz(tmp_path / "p.npz", loc=npy(shape), scale=npy("(20, 3)"))
    for path in (tmp_path / "d.npz", tmp_path / "p.npz"):
        with pytest.raises(GenprobeError, match=r"does not read as"):
            from_data(path) if path.stem == "d" else from_model(path)


def test_text_of_no_characters_is_one_line(tmp_path):
    npz(tmp_path / "d.npz", x=npy("(20, 3)"), t=npy("(20,)", "<U2", b"\xff" * 160))
    with pytest.raises(GenprobeError, match="no characters"):
        from_data(tmp_path / "d.npz")


@pytest.mark.parametrize(
    "shape", [[2**62, 4], [2**62], [0], [1.5], [np.nan], np.ones(100), "x", [], [1e300]]
)
def test_an_impossible_event_shape_is_one_line(tmp_path, shape):
    np.savez(tmp_path / "p.npz", **posteriors(), event_shape=shape)
    with pytest.raises(ModelError, match="event_shape"):
        load(tmp_path / "p.npz")


def write_h5(path, add):
    with h5py.File(path, "w") as file:
        for key, value in posteriors().items():
            file[key] = value
        add(file)


def outside(file):
    file.create_dataset("distortion", (N,), "f8", external=[(__file__, 0, 8 * N)])


def linked(file):
    file["distortion"] = h5py.ExternalLink(__file__, "/x")


def enormous(file):
    file.create_dataset("distortion", (10**12,), "f8", chunks=(1000,))


@pytest.mark.parametrize(
    ("add", "words"), [(outside, "another file"), (linked, "another"), (enormous, "claims")]
)
def test_an_hdf5_file_gives_nothing_that_is_not_in_it(tmp_path, add, words):
    write_h5(tmp_path / "p.h5", add)
    for read in (from_model, from_data):
        with pytest.raises(GenprobeError, match=words):
            read(tmp_path / "p.h5")


@pytest.mark.parametrize(
    "text",
    ["[" * 100_000, "{}", '{"weight_map": {"weight": "x.index.json"}}', '{"weight_map": {"w": 3}}'],
)
def test_an_index_of_shards_that_is_none_is_one_line(tmp_path, text):
    (tmp_path / "x.index.json").write_text(text)
    with pytest.raises(ModelError):
        from_weights(tmp_path / "x.index.json")


def test_after_an_error_the_next_call_works(tmp_path):
    path = tmp_path / "p.h5"
    write_h5(path, linked)
    with pytest.raises(ModelError):
        load(path)
    write_h5(path, lambda file: None)
    assert from_model(path)[0][0] == posteriors()["loc"].tolist()


def test_the_facts_of_a_torchscript_archive_are_checked(tmp_path):
    for facts in ({"family": 3}, {"family": "x", "name": 3}, {"family": "x", "training": [1]}):
        with zipfile.ZipFile(tmp_path / "m.pt", "w") as archive:
            archive.writestr("m/extra/genprobe.json", json.dumps(facts))
            archive.writestr("m/code/x.py", "")
        with pytest.raises(ModelError):
            genprobe.loaders.torchscript.load_torchscript(tmp_path / "m.pt", True)
        with pytest.raises(UntrustedError):
            load(tmp_path / "m.pt")
