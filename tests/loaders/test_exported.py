import json
import shutil

import pytest
import torch

import genprobe
from genprobe.architectures import MlpVae
from genprobe.errors import ModelError, UntrustedError
from genprobe.loaders.exported import exported, load_exported, recognises
from genprobe.testing import LoaderTests

X = (torch.rand(60, 3, 2, generator=torch.Generator().manual_seed(0)) > 0.5).float()


@pytest.fixture(scope="session")
def written(tmp_path_factory):
    """An exported model with a learned prior and a normal likelihood of fixed scale, and itself."""
    torch.manual_seed(0)
    net = MlpVae(
        data_shape=(3, 2), latent=2, hidden=(4,), prior="diagonal-normal", likelihood="normal",
        scale=0.5,
    )  # fmt: skip
    net.prior_loc.data += 0.3
    model = net.as_model("mine", {"beta": 2.0})
    path = tmp_path_factory.mktemp("exports") / "mine"
    genprobe.export(model, path, example=X)
    return path, model


@pytest.fixture
def folder(written, tmp_path):
    return shutil.copytree(written[0], tmp_path / "mine")


def edit(folder, **changes):
    path = folder / "metadata.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))


def test_it_is_the_model_that_was_exported(written):
    path, model = written
    assert recognises(path)
    found = load_exported(path, False)
    assert (found.name, found.posterior, found.prior.name) == (
        "mine",
        "diagonal-normal",
        model.prior.name,
    )
    assert (found.likelihood, found.training) == ("normal", {"beta": 2.0})
    assert torch.equal(found.prior.params["loc"], model.prior.params["loc"])
    for part, rows in (("encode", X), ("decode", torch.randn(7, 2))):
        here, there = getattr(model, part)(rows), getattr(found, part)(rows)
        assert here.keys() == there.keys()
        assert all(torch.equal(here[k], there[k]) for k in here)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_its_report_is_that_of_the_model(written, dtype):
    path, model = written
    settings = {"draws": 2, "max_queries": 40, "dtype": dtype, "device": "cpu"}
    here = genprobe.evaluate(model, X, **settings).estimates
    there = genprobe.evaluate(path, X, **settings).estimates
    assert there.keys() == here.keys()
    for name, estimate in here.items():
        assert there[name].value == pytest.approx(estimate.value, rel=1e-6, abs=1e-6), name


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"version": 2}, "has version 2; this genprobe reads 1"),
        ({"format": "other"}, "not a folder that genprobe.export wrote"),
        ({"name": None}, "no valid name"),
        ({"family": 3}, "no valid family"),
        ({"files": []}, "no valid files"),
        ({"files": {}}, "does not name: decoder.pt2"),
        ({"files": {"../up.pt2": "0" * 64}}, "lacks: ../up.pt2|does not name"),
    ],
)
def test_metadata_that_does_not_fit_are_told(folder, changes, words):
    edit(folder, **changes)
    with pytest.raises(ModelError, match=words):
        load_exported(folder, False)


def test_damaged_metadata_are_told(folder):
    (folder / "metadata.json").write_text("{")
    with pytest.raises(ModelError, match="does not read as JSON"):
        load_exported(folder, False)


def test_a_file_more_or_less_or_other_is_told(folder):
    (folder / "run.py").touch()
    with pytest.raises(ModelError, match=r"does not name: run\.py"):
        load_exported(folder, False)
    (folder / "run.py").unlink()
    (folder / "prior.npz").rename(folder.parent / "prior.npz")
    with pytest.raises(ModelError, match=r"lacks: prior\.npz"):
        load_exported(folder, False)
    shutil.copy(folder / "encoder.pt2", folder / "prior.npz")
    with pytest.raises(ModelError, match=r"prior\.npz is not the file that was exported"):
        load_exported(folder, False)


class Switch(torch.nn.Module):
    """An encoder with a branch inside the graph, which only torch itself can run."""

    def encode(self, x):
        flat = x.flatten(1)
        loc = torch.cond(flat.sum() > 0, lambda a: a[:, :2] * 2, lambda a: a[:, :2] * 3, (flat,))
        return {"loc": loc, "scale": torch.ones_like(loc)}


@pytest.mark.filterwarnings("ignore:Guards may run slower")  # of Python 3.13.0
def test_a_program_that_needs_torch_needs_trust(tmp_path, caplog):
    net = Switch()
    model = genprobe.Model(
        name="switch",
        encode=net.encode,
        posterior="diagonal-normal",
        prior="standard-normal",
        module=net,
    )
    path = tmp_path / "switch"
    genprobe.export(model, path, example=X)
    assert "It will need --trust: encoder.pt2 asks for torch.ops.higher_order.cond" in caplog.text
    with pytest.raises(UntrustedError, match=r"torch\.ops\.higher_order\.cond"):
        genprobe.load(path)
    found = genprobe.evaluate(path, X, trust=True, max_queries=40, device="cpu")
    truth = (2 * X.flatten(1)[:, :2]).double().square().sum(1).mean() / 2
    assert found["rate"].value == pytest.approx(float(truth), rel=1e-6)
    with pytest.raises(ModelError, match=r"runs in the float32 it was exported in, not torch\.fl"):
        genprobe.evaluate(path, X, trust=True, dtype="float64", device="cpu")


def test_other_folders_are_not_claimed(tmp_path):
    (tmp_path / "empty").mkdir()
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "metadata.json").write_text('{"format": "other"}')
    (tmp_path / "file").write_text('{"format": "genprobe.program"}')
    for name in ("empty", "other", "file", "absent"):
        assert recognises(tmp_path / name) is False


class TestExported(LoaderTests):
    part = exported
    data = X.flatten(1)

    def write(self, folder):
        net = MlpVae(data_shape=(6,), latent=2, hidden=(4,))
        genprobe.export(net.as_model("mine"), folder / "mine", example=self.data)
        return folder / "mine"
