import zipfile

import pytest
import torch
from torch import nn

import genprobe
from genprobe import GenprobeError, Model
from genprobe.architectures import MlpVae
from genprobe.errors import ModelError
from genprobe.priors.from_distribution import prior_from_distribution

X = torch.rand(30, 4, generator=torch.Generator().manual_seed(0))


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.encoder = nn.Sequential(nn.Linear(4, 8), nn.BatchNorm1d(8), nn.Dropout(), nn.ReLU())
        self.heads = nn.Linear(8, 4)
        self.decoder = nn.Linear(2, 4)

    def encode(self, x):
        loc, log_scale = self.heads(self.encoder(x)).chunk(2, 1)
        return {"loc": loc, "scale": log_scale.exp()}

    def decode(self, z):
        return {"logits": self.decoder(z)}


def model_of(net, **changes):
    parts = {
        "name": "mine",
        "encode": net.encode,
        "decode": net.decode,
        "posterior": "diagonal-normal",
        "prior": "standard-normal",
        "likelihood": "bernoulli",
        "module": net,
    }
    return Model(**(parts | changes))


def test_it_exports_in_evaluation_mode_and_leaves_the_module_as_it_was(tmp_path):
    net = Net()
    net.encode(X)  # batch norm has seen something
    mean = net.encoder[1].running_mean.clone()
    genprobe.export(model_of(net), tmp_path / "m", example=X)
    assert net.training
    assert net.encoder[2].training
    assert torch.equal(net.encoder[1].running_mean, mean)
    found = genprobe.load(tmp_path / "m").encode(X)
    truth = net.eval().encode(X)
    assert torch.equal(found["loc"], truth["loc"])


def test_each_program_holds_the_weights_it_uses_and_no_example_or_path(tmp_path):
    genprobe.export(model_of(Net()), tmp_path / "m", example=X)
    for part, inside, outside in (("encoder", "heads", "decoder"), ("decoder", "decoder", "heads")):
        with zipfile.ZipFile(tmp_path / "m" / f"{part}.pt2") as archive:
            text = b"".join(archive.read(n) for n in archive.namelist() if n.endswith(".json"))
            [sample] = [n for n in archive.namelist() if "sample_inputs" in n]
            assert archive.read(sample) == b""
        assert f"module.{inside}.".encode() in text
        assert f"module.{outside}.".encode() not in text
        assert b"test_exporting" not in text


@pytest.mark.parametrize("example", ["tensor", "one", "path", "training"])
def test_examples_come_from_where_data_come_from(tmp_path, monkeypatch, example):
    monkeypatch.chdir(tmp_path)
    torch.save(X, "x.pt")
    sources = {"tensor": X, "one": X[:1], "path": "x.pt", "training": None}
    training = {"data": "x.pt"} if example == "training" else {}
    genprobe.export(model_of(Net(), training=training), "m", example=sources[example])
    assert genprobe.load("m").encode(X)["loc"].shape == (30, 2)


def test_a_bundle_is_exported_by_its_path(tmp_path):
    net = MlpVae(data_shape=(4,), latent=2, hidden=(3,))
    genprobe.save(net.as_model("net"), tmp_path / "net.pt")
    genprobe.export(tmp_path / "net.pt", tmp_path / "m", example=X)
    assert torch.equal(genprobe.load(tmp_path / "m").encode(X)["loc"], net.encode(X)["loc"])


def test_functions_without_a_module_are_exported_with_their_tensors(tmp_path):
    weight = torch.randn(4, 2)
    model = Model(
        name="bare",
        encode=lambda x: {"loc": x @ weight, "scale": torch.ones_like(x[:, :2])},
        posterior="diagonal-normal",
        prior="standard-normal",
    )
    genprobe.export(model, tmp_path / "m", example=X)
    found = genprobe.load(tmp_path / "m")
    assert found.decode is None
    assert torch.equal(found.encode(X)["loc"], X @ weight)


def refused(words, tmp_path, model, **options):
    with pytest.raises(ModelError, match=words) as error:
        genprobe.export(model, tmp_path / "m", **({"example": X} | options))
    assert error.value.remedy
    assert not (tmp_path / "m").exists()


def test_a_fixed_number_of_examples_is_told(tmp_path):
    net = Net()
    fixed = model_of(net, decode=lambda z: {"logits": net.decoder(z).view(len(z), 4)})
    refused("decode of mine fixes the number of examples", tmp_path, fixed)


def test_what_torch_cannot_trace_is_told(tmp_path):
    net = Net()
    numpy = model_of(net, decode=lambda z: {"logits": torch.zeros(len(z), 4) + float(z.sum())})
    refused("torch cannot export decode of mine|decode of mine fixes", tmp_path, numpy)


def test_a_random_encoder_is_told(tmp_path):
    net = Net()

    def encode(x):
        found = net.encode(x)
        return {**found, "loc": found["loc"] + torch.randn_like(found["loc"])}

    refused("exported encode of mine gives another loc", tmp_path, model_of(net, encode=encode))


def test_a_prior_that_cannot_be_rebuilt_is_told(tmp_path):
    normal = torch.distributions.Normal(torch.ones(2).double(), 1.0)
    shifted = torch.distributions.Independent(normal, 1)
    for name in ("homemade", "standard-normal"):
        prior = prior_from_distribution(name, shifted)
        refused(
            "cannot be rebuilt from its name and tensors", tmp_path, model_of(Net(), prior=prior)
        )


def test_without_examples_it_says_so(tmp_path):
    refused("does not say what data it is for", tmp_path, model_of(Net()), example=None)


def test_an_earlier_export_is_replaced_and_nothing_else_is(tmp_path):
    net = Net()
    genprobe.export(model_of(net), tmp_path / "m", example=X)
    net.heads.bias.data += 1
    genprobe.export(model_of(net), tmp_path / "m", example=X)
    found = genprobe.load(tmp_path / "m").encode(X)
    assert torch.equal(found["loc"], net.eval().encode(X)["loc"])
    (tmp_path / "m" / "notes.txt").touch()
    (tmp_path / "file").touch()
    for name in ("m", "file"):
        with pytest.raises(ModelError, match="is there and is not an exported model"):
            genprobe.export(model_of(net), tmp_path / name, example=X)
    with pytest.raises(GenprobeError, match="There is no folder"):
        genprobe.export(model_of(net), tmp_path / "absent" / "m", example=X)


def test_a_model_that_returns_a_pair_and_works_in_place_is_exported_as_it_is(tmp_path):
    net = Net()

    def encode(x):
        loc, logvar = net.heads(net.encoder(x.mul_(2).sub_(1))).chunk(2, 1)
        return loc, logvar

    genprobe.export(model_of(net, encode=encode), tmp_path / "m", example=X)
    mean, logvar = net.eval().heads(net.encoder(2 * X - 1)).chunk(2, 1)
    x = X.clone()
    found = genprobe.load(tmp_path / "m").encode(x)
    torch.testing.assert_close(found["loc"], mean)
    torch.testing.assert_close(found["scale"], (logvar / 2).exp())
    assert torch.equal(x, X)
