import contextlib
import gzip
import pickle
import sys
from pathlib import Path

import h5py
import numpy as np
import pytest
import torch
from torch.utils.data import DataLoader, TensorDataset

import genprobe
from genprobe import Loader, Model
from genprobe.architectures import MlpVae
from genprobe.datasets.row_hashes import data_fingerprint
from genprobe.errors import DataError, GenprobeError, ModelError, UntrustedError
from genprobe.loaders.open import in_layer, load, open_dataset
from genprobe.plugins import plugins
from genprobe.types import DatasetReader

LEGACY = {"_use_new_zipfile_serialization": False}


@pytest.fixture
def path(tmp_path):
    return tmp_path / "model.pt"


@pytest.fixture
def bundle(path):
    module = MlpVae(data_shape=(64,), latent=2, hidden=(3,))
    genprobe.save(module.as_model("mine", {"data": "digits"}), path)
    return path


@pytest.fixture
def pickled(tmp_path, monkeypatch):
    """A model of the user's own class, importable as ``homemade``."""
    (tmp_path / "homemade.py").write_text(
        "import torch\n"
        "class Net(torch.nn.Linear):\n"
        "    def encode(self, x):\n"
        "        return {'loc': self(x), 'scale': torch.ones(len(x), 2)}\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    import homemade

    net = homemade.Net(3, 2)
    yield Model(
        name="pickled",
        encode=net.encode,
        posterior="diagonal-normal",
        prior="standard-normal",
        module=net,
    )
    del sys.modules["homemade"]


def refused(error, *words, **options):
    """Check that a load fails with an error of one or two lines that says what, where and how."""
    with pytest.raises(GenprobeError) as told:
        load(*words, **options)
    assert type(told.value) is error
    assert told.value.remedy
    assert len(str(told.value).splitlines()) <= 2
    assert str(words[0]).rpartition(":")[2] in told.value.what
    return str(told.value)


def test_a_bundle_loads_by_path_and_by_scheme(bundle):
    for spec in (bundle, str(bundle), f"bundle:{bundle}"):
        assert load(spec).name == "mine"


@pytest.mark.parametrize("scheme", ["", "bundle:"])
def test_a_missing_file(path, scheme):
    refused(ModelError, f"{scheme}{path}")


@pytest.mark.parametrize(
    ("content", "words"),
    [(b"", "empty"), (b"name,loss\n", "text"), (b"\x89PNG\r\n", "not a check")],
)
@pytest.mark.parametrize("trust", [False, True])
def test_what_is_no_checkpoint(path, content, words, trust):
    path.write_bytes(content)
    assert words in refused(ModelError, path, trust=trust)


def test_a_folder_is_told_with_the_files_in_it(tmp_path):
    assert "a folder, and no plugin reads it: it is empty" in refused(ModelError, tmp_path)
    for name in "abcdefg":
        (tmp_path / f"{name}.csv").touch()
    (tmp_path / "b").mkdir()
    told = refused(ModelError, tmp_path)
    assert "it holds a.csv, b/, b.csv, c.csv, d.csv and 3 more." in told


def test_a_folder_with_models_is_answered_with_their_names(tmp_path):
    for name in ("notes.txt", *(f"epoch-{i}.pt" for i in range(6))):
        (tmp_path / name).touch()
    told = refused(ModelError, tmp_path)
    assert f"Name a model in it: {tmp_path}/epoch-0.pt, " in told
    assert "epoch-3.pt and 2 more." in told


@pytest.mark.parametrize("place", ["here", "in GENPROBE_DATA_DIR"])
def test_a_folder_of_data_is_told_with_a_file_to_name(tmp_path, monkeypatch, place):
    folder = tmp_path / "mnist"
    folder.mkdir()
    for name in ("README", "test.npy", "train.npy"):
        (folder / name).touch()
    if place == "here":
        monkeypatch.chdir(tmp_path)
    else:
        monkeypatch.setenv("GENPROBE_DATA_DIR", str(tmp_path))
    with pytest.raises(DataError, match=r"mnist is a folder.* holds README, test.npy") as told:
        open_dataset("mnist")
    assert "such as " in told.value.remedy
    assert told.value.remedy.endswith("mnist/test.npy.")


def test_an_empty_folder_of_data_is_told(tmp_path):
    with pytest.raises(DataError, match=r"is a folder.*; it is empty"):
        open_dataset(tmp_path)


@pytest.mark.parametrize("options", [{}, LEGACY], ids=["zip", "legacy"])
@pytest.mark.parametrize("trust", [False, True])
def test_a_bare_state_dict_is_told_the_three_ways(path, options, trust):
    torch.save(torch.nn.Linear(2, 2).state_dict(), path, **options)
    told = refused(ModelError, path, trust=trust)
    assert "bare state dict" in told
    assert "holds weight (1 tensor), bias (1 tensor)." in told
    for way in ("--factory", "genprobe.save", "plugin"):
        assert way in told


def test_a_larger_checkpoint_is_told_with_what_it_holds(path):
    weights = torch.nn.Sequential(torch.nn.Linear(2, 2)).state_dict()
    torch.save({"epoch": 3, "net": {"ema": weights, "raw": weights}, "opt": {"lr": 0.1}}, path)
    assert "architecture. It holds epoch, net (4 tensors), opt." in refused(ModelError, path)


def test_weights_are_chosen_only_for_a_function_that_builds_the_model(bundle):
    assert "'ema'" in refused(ModelError, bundle, weights="ema")


@pytest.mark.parametrize("options", [{}, LEGACY], ids=["zip", "legacy"])
def test_a_pickled_module_is_refused_and_trust_does_not_make_it_a_model(path, options):
    torch.save(torch.nn.Linear(2, 2), path, **options)
    assert "torch.nn.modules.linear.Linear" in refused(UntrustedError, path)
    assert "holds a Linear" in refused(ModelError, path, trust=True)


@pytest.mark.parametrize("way", ["zip", "legacy", 2, 3, 4, 5])
def test_a_trap_does_not_spring_unless_trusted(path, trap, way):
    content = {"format": "genprobe.bundle", "w": torch.ones(2), "trap": trap}
    if isinstance(way, int):
        path.write_bytes(pickle.dumps(content, way))
    else:
        torch.save(content, path, **(LEGACY if way == "legacy" else {}))
    told = refused(UntrustedError, path)
    assert "run code" in told
    assert "format, w (1 tensor), trap" in told
    assert "run code" in refused(ModelError, f"bundle:{path}")
    assert "do not fit" in refused(ModelError, path, factory="examples.real_models:burgess")
    assert not trap.path.exists()


@pytest.mark.parametrize("options", [{}, LEGACY], ids=["zip", "legacy"])
def test_trust_unpickles_a_model(path, pickled, options):
    torch.save(pickled, path, **options)
    assert "--trust" in refused(UntrustedError, path)
    x = torch.randn(4, 3)
    torch.testing.assert_close(load(path, trust=True).encode(x), pickled.encode(x))


def test_a_trusted_pickle_that_does_not_unpickle(path, pickled):
    torch.save(pickled, path)
    del sys.modules["homemade"].Net
    assert "does not unpickle: AttributeError" in refused(ModelError, path, trust=True)


@pytest.mark.filterwarnings("ignore:.*torch.jit")
@pytest.mark.parametrize("trust", [False, True])
def test_torchscript(path, trust):
    torch.jit.script(torch.nn.Linear(2, 2)).save(str(path))
    error = ModelError if trust else UntrustedError
    told = refused(error, path, trust=trust)
    assert ("does not say what its parts are" if trust else "TorchScript") in told


def test_an_exported_program(path):
    torch.export.save(torch.export.export(torch.nn.Linear(2, 2), (torch.zeros(1, 2),)), path)
    assert "exported program" in refused(UntrustedError, path)


def test_every_damaged_bundle_loads_or_is_told(bundle):
    content = bundle.read_bytes()
    start = content.index(b"PK\x01\x02")
    for position in [*range(0, start, 97), *range(start, len(content), 7)]:
        damaged = bytearray(content)
        damaged[position] ^= 0x41
        bundle.write_bytes(damaged)
        with contextlib.suppress(ModelError):
            assert isinstance(load(bundle), Model)


def test_two_loaders_that_claim_a_file_are_named(path, monkeypatch):
    path.touch()
    loaders = {
        scheme: Loader(scheme=scheme, recognises=lambda path: True, load=lambda path, trust: None)
        for scheme in ("first", "second")
    }
    monkeypatch.setattr(type(plugins()), "all", lambda self, kind: loaders)
    told = refused(ModelError, path)
    assert "first, second" in told
    assert f"first:{path}" in told


def test_data_of_every_kind_hold_the_same_examples(tmp_path):
    x = torch.rand(9, 2, 3)
    np.save(tmp_path / "x.npy", x.numpy())
    items = TensorDataset(x, torch.arange(9))
    sources = [x, x.numpy(), items, DataLoader(items, batch_size=4)]
    sources += [tmp_path / "x.npy", f"array:{tmp_path / 'x.npy'}", open_dataset(x)]
    for source in sources:
        dataset = open_dataset(source)
        assert (dataset.n, dataset.event_shape) == (9, (2, 3))
        torch.testing.assert_close(dataset.read(2, 7), x[2:7], rtol=0, atol=0)


def test_names_and_schemes_open_data():
    assert open_dataset("digits").n == 1797
    assert open_dataset("digits", split="test").n == 360


def test_binarisation_is_passed_on():
    x = torch.tensor([[0.2], [0.8]])
    assert open_dataset(x, binarize="threshold").read(0, 2).tolist() == [[0], [1]]
    stochastic = open_dataset(x.expand(2, 999), binarize="stochastic", seed=3)
    assert data_fingerprint(stochastic) != data_fingerprint(open_dataset(x.expand(2, 999)))
    assert 0.1 < stochastic.read(0, 1).mean() < 0.3


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("mnits", "There is no data set 'mnits'.*\n.*digits"),
        ("x.unknown", "There is no data set 'x.unknown', nor a file"),
        ("absent.npy", "no data file at absent.npy"),
        (3, "cannot be a int.*\n.*tensor"),
    ],
)
def test_data_that_nothing_reads_are_told(source, message):
    with pytest.raises(DataError, match=message):
        open_dataset(source)


def test_a_layer_that_the_model_names_is_read_where_there_are_layers(monkeypatch, caplog):
    readers = {
        scheme: DatasetReader(
            scheme=scheme,
            recognises=lambda path, suffix=suffix: path.suffix == suffix,
            open=lambda rest, split: None,
            layered=scheme == "cells",
        )
        for scheme, suffix in (("cells", ".cells"), ("plain", ".npy"))
    }
    monkeypatch.setattr(type(plugins()), "all", lambda self, kind: readers)
    assert in_layer("a.cells", "layers/counts") == "a.cells::layers/counts"
    assert in_layer(Path("a.cells"), "layers/counts") == "a.cells::layers/counts"
    assert in_layer("cells:a.h5", "layers/counts") == "cells:a.h5::layers/counts"
    assert "a.cells is read at layers/counts, as the model was set up" in caplog.text
    x = torch.zeros(2)
    for source in ("a.cells::X", "a.npy", "plain:a", "unknown", x):
        assert in_layer(source, "layers/counts") is source
    assert in_layer("a.cells", None) == "a.cells"


def test_data_given_as_a_model_are_told_to_be_data(tmp_path):
    with gzip.open(tmp_path / "x-images-idx3-ubyte.gz", "wb") as file:
        file.write(bytes([0, 0, 8, 3, 0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 2, 1, 2, 3, 4]))
    told = refused(ModelError, tmp_path / "x-images-idx3-ubyte.gz")
    assert "If it holds data, give it to a model: genprobe evaluate MODEL --data" in told


def test_cells_without_their_plugin_are_told_which_reads_them(tmp_path):
    h5py.File(tmp_path / "cells.h5ad", "w").close()
    told = refused(ModelError, tmp_path / "cells.h5ad")
    assert "it is an HDF5 file" in told
    assert "genprobe-scvi" in told


@pytest.mark.parametrize("given", [torch.nn.Linear(2, 2), None, 3])
def test_what_is_no_path_is_to_be_wrapped_in_a_model(given):
    with pytest.raises(
        ModelError, match=rf"A {type(given).__name__} cannot .*\n.*genprobe\.Model\("
    ):
        genprobe.evaluate(given, torch.zeros(3, 2))
